import type { RunContext } from '../../src/run/context.ts'
import { Lead } from '../../src/run/lead.ts'
import type { Pool } from '../../src/run/measure/pool.ts'

type Needed = 'plan' | 'log'

/** What a stage is given in a test: by default one partition and lane, no threads, and nobody who watches the run, holds it back, drains, fails or fences it. */
export function contextOf<Given extends Pick<RunContext, Needed> & Partial<RunContext>>(
  given: Given,
): RunContext & Given {
  const never = new AbortController().signal
  return {
    dir: '',
    shape: { partitions: 1, lanes: 1 },
    segments: [],
    binding: null,
    pool: {} as Pool,
    lead: new Lead([]),
    watch: () => {},
    drain: never,
    failed: never,
    checkOwner: () => {},
    ...given,
  }
}
