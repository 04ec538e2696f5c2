import type { Pace } from './pace.ts'

/** What `headrace top --json` prints of a frame, and `/api/run` answers. Null is what can't be known from where the run was looked at. */
export function paceJson({ look, ...pace }: Pace): Record<string, unknown> {
  const { run, why, seconds, readBytes, inputBytes, documents, kept, dead, dropped, tokens, steps } = look
  const { slowest, hold, bytes, freeBytes, memoryBytes, tableBytes, first } = look
  const { state, domains, rising, falling, ...rates } = pace
  return {
    run,
    state,
    why,
    seconds,
    readBytes,
    inputBytes,
    documents,
    kept,
    dead,
    dropped,
    tokens,
    steps,
    slowest,
    held: hold,
    bytes,
    freeBytes,
    memoryBytes,
    tableBytes,
    firstSlot: first,
    ...rates,
    domains,
    rising,
    falling,
  }
}
