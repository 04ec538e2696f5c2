import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../errors.ts'
import type { Share, ShareHandler } from '../../log/log.ts'
import type { ShareChange } from '../events.ts'

/** After this a fenced process tries again: by then it has heard if the share is another's. */
const againMs = 3000

/** Does the work of a share: returns when there is none left, or, with all committed, soon after `stop` aborts; may throw its reason then. */
export type Work = (share: Share, stop: AbortSignal) => Promise<void>

interface Task {
  readonly share: Share
  readonly stop: AbortController
  /** Set when the group has given the share to another process, so that what fails no longer matters. */
  isLost: boolean
  readonly done: Promise<void>
}

/** The shares of a run that this process holds, each at work. A share that comes back waits until its last work has ended. */
export class Shares implements ShareHandler {
  readonly #work: Work
  readonly #fail: (error: unknown) => void
  readonly #tell: (shares: readonly Share[], change: ShareChange) => void
  readonly #tasks = new Map<string, Task>()
  /** Work that was lost and has not ended yet. */
  readonly #ending = new Map<string, Promise<void>>()

  /** `fail` is told what a share's work can't go on after. */
  constructor(
    work: Work,
    fail: (error: unknown) => void,
    tell: (shares: readonly Share[], change: ShareChange) => void,
  ) {
    this.#work = work
    this.#fail = fail
    this.#tell = tell
  }

  /** How many shares of a stage are held. */
  count(stage: string): number {
    return [...this.#tasks.values()].filter(({ share }) => share.stage === stage).length
  }

  take(share: Share): void {
    const key = keyOf(share)
    const stop = new AbortController()
    const before = this.#ending.get(key) ?? Promise.resolve()
    const task: Task = { share, stop, isLost: false, done: before.then(() => this.#run(task)) }
    this.#tasks.set(key, task)
    this.#change('taken', share)
  }

  async give(share: Share): Promise<void> {
    const task = this.#tasks.get(keyOf(share))
    if (!task) return
    task.stop.abort(new Error('the share was given back'))
    await task.done
    if (this.#tasks.delete(keyOf(share))) this.#change('given', share)
  }

  lose(): void {
    for (const [key, task] of [...this.#tasks]) {
      task.isLost = true
      task.stop.abort(new Error('the share was lost'))
      this.#ending.set(key, task.done)
      this.#tasks.delete(key)
      this.#change('lost', task.share)
    }
  }

  async #run(task: Task): Promise<void> {
    const { share, stop } = task
    while (!stop.signal.aborted) {
      try {
        return await this.#work(share, stop.signal)
      } catch (error) {
        if (task.isLost || (stop.signal.aborted && (error === stop.signal.reason || codeOf(error) === 'fenced'))) return
        if (codeOf(error) !== 'fenced') return this.#fail(error)
        this.#change('fenced', share)
        await sleep(againMs, undefined, { signal: stop.signal }).catch(() => {})
      }
    }
  }

  #change(what: ShareChange['what'], share: Share): void {
    this.#tell(
      [...this.#tasks.values()].map(task => task.share),
      { what, share },
    )
  }
}

const keyOf = ({ stage, partition }: Share) => `${stage}/${partition}`
