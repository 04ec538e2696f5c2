import type { RunLook } from '../../src/watch/run-look.ts'

/** A look at a run of which nothing is known but what is given. */
export function makeLook(given: Partial<RunLook>): RunLook {
  return {
    at: 0,
    run: 'quickstart',
    state: 'running',
    why: null,
    seconds: null,
    stages: [],
    readBytes: null,
    inputBytes: null,
    documents: null,
    kept: 0,
    dead: 0,
    dropped: {},
    byDomain: null,
    tokens: null,
    steps: null,
    slowest: null,
    hold: null,
    bytes: null,
    freeBytes: null,
    memoryBytes: null,
    cpuSeconds: null,
    tableBytes: null,
    first: 0,
    ...given,
  }
}

const trip = { guard: 'g', by: 'domain', group: 'web', rows: 1000, removed: 812, rate: 0.812, above: 0.5 } as const
/** What a guard rail holds of a group. */
export const hold = {
  version: 1,
  slot: 71,
  trips: [{ ...trip, below: null, firstSlot: 64, slot: 71, parts: [], samples: [] }],
} as const
