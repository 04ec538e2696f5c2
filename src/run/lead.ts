import { limits } from '../limits.ts'
import type { StageName } from '../record/layout.ts'

/** Holds loading back to the slowest stage behind it, as the log between them is disk that nobody has read yet. */
export class Lead {
  readonly #done: Map<StageName, number>
  #wake = () => {}

  /** `readers`: the stages that loading waits for; none for a stage that has nothing to report. */
  constructor(readers: readonly StageName[]) {
    this.#done = new Map(readers.map(stage => [stage, 0]))
  }

  /** Told that a stage is done with all slots before this one. */
  report(stage: StageName, slot: number): void {
    if (this.#done.has(stage)) this.#done.set(stage, slot)
    this.#wake()
  }

  /** Waits until `slot` may be loaded: the slowest is at most `limits.stageLeadSlotsMax` behind it. Ends too when `stop` aborts. */
  async waitFor(slot: number, stop: AbortSignal): Promise<void> {
    while (slot - Math.min(...this.#done.values()) > limits.stageLeadSlotsMax && !stop.aborted)
      await this.#nextReport(stop)
  }

  async #nextReport(stop: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    stop.addEventListener('abort', wake)
    await promise
    stop.removeEventListener('abort', wake)
  }
}
