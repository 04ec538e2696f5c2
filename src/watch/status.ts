import { codeOf } from '../errors.ts'
import type { StageName } from '../record/layout.ts'
import type { RunEvent } from '../run/events.ts'

/** An answer to a probe: whether all is well, and why not. Reasons have codes and no messages, as these name paths. */
export interface Probe {
  readonly isOk: boolean
  readonly status: string
  readonly reason?: string
}

/** What a run is at, for who asks whether it lives and whether it works. */
export class RunStatus {
  #stages: readonly StageName[] | null = null
  readonly #began = new Set<StageName>()
  readonly #ended = new Set<StageName>()
  #failure: string | null = null
  /** In a spread run: whether this process takes its share. */
  #hasJoined = false

  see(event: RunEvent): void {
    if (event.kind === 'opened') this.#stages = event.stages
    else if (event.kind === 'shares') this.#hasJoined = true
    else if (event.kind === 'stage-began') this.#began.add(event.stage)
    else if (event.kind === 'stage-ended') {
      this.#ended.add(event.stage)
      // The others stop with the error of the first.
      if (event.error !== null) this.#failure ??= `stage ${event.stage} failed: ${codeOf(event.error)}`
    }
  }

  /** Well as long as no stage has failed. */
  health(): Probe {
    if (this.#failure) return { isOk: false, status: 'failed', reason: this.#failure }
    return { isOk: true, status: 'ok' }
  }

  /** Ready while the run holds its lock and its log, and its stages are at work. */
  readiness(): Probe {
    if (this.#failure) return { isOk: false, status: 'failed', reason: this.#failure }
    if (!this.#stages) return { isOk: false, status: 'starting', reason: 'the lock and the log are not yet taken' }
    if (this.#hasJoined) return { isOk: true, status: 'ready' }
    const missing = this.#stages.filter(stage => !this.#began.has(stage))
    if (missing.length > 0) return { isOk: false, status: 'starting', reason: `not yet at work: ${missing.join(', ')}` }
    if (this.#stages.every(stage => this.#ended.has(stage)))
      return { isOk: false, status: 'ended', reason: 'all stages have ended' }
    return { isOk: true, status: 'ready' }
  }
}
