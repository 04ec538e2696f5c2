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
