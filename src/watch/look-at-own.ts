import type { RunReader } from '../record/run-reader.ts'
import type { RunCounts } from './counts.ts'
import { LogLooker } from './look-at-log.ts'
import { lookOf, stateOf } from './look-of-metrics.ts'
import { metricsOf } from './metrics.ts'
import { joinLooks, type RunLook } from './run-look.ts'
import type { RunStatus } from './status.ts'

/** Looks at the run of this process: at what it counts, and at what its log has committed, where it has the folder of one. */
export class OwnLooker {
  readonly #counts: RunCounts
  readonly #status: RunStatus
  readonly #run: string
  readonly #reader: () => Promise<RunReader | null>
  #log: LogLooker | null = null

  /** `reader` gives the run once its log is there, each time the same. */
  constructor(counts: RunCounts, status: RunStatus, run: string, reader: () => Promise<RunReader | null>) {
    this.#counts = counts
    this.#status = status
    this.#run = run
    this.#reader = reader
  }

  async look(): Promise<RunLook> {
    const families = metricsOf(this.#counts, { run: this.#run })
    const metrics = families.flatMap(({ name, samples }) => samples.map(sample => ({ name, ...sample })))
    const own = { ...lookOf(metrics, stateOf(this.#status.readiness()), this.#run), run: this.#run }
    const reader = await this.#reader()
    if (!reader) return own
    this.#log ??= new LogLooker(reader)
    const log = await this.#log.look()
    // In a spread run this process has some of the stages, and the log all.
    const joined = reader.run.spread ? { ...joinLooks(log, own), stages: log.stages } : joinLooks(log, own)
    return { ...joined, state: own.state === 'running' ? 'running' : log.state, why: own.why, seconds: own.seconds }
  }
}
