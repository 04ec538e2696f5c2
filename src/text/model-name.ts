/** Whether something names a model, a head of one, or a seed: columns are named by it, so that it is 1 to 64 letters, digits or `-`. */
export const isModelName = (name: unknown): name is string =>
  typeof name === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(name)
