/** Whether a path lies on the simulated disk; every other one (vocabularies, modules) is real. */
export function isSimulated(path: unknown): path is string {
  return typeof path === 'string' && (/^\/(sim(\/|$)|$)/.test(path) || path.startsWith('/proc/'))
}
