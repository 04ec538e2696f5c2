/** `node:os`: one machine, whatever runs the simulation. */
export * from 'node:os'

export const hostname = () => 'simulated'
export const availableParallelism = () => 2
