import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../../errors.ts'
import { changeSettings } from '../../feed/change/settings.ts'
import type { FeedPublisher } from '../../feed/publish.ts'
import {
  type ControlAnswer,
  type ControlRequest,
  controlAnswers,
  controlRequests,
} from '../../record/control-request.ts'

/** How often a run looks for changes of its feed that somebody asks for. */
const lookMs = 1000

/** How long an answer waits for a command that may have been stopped. */
const answerMs = 24 * 60 * 60 * 1000

/** Takes changes of a run's own feed from its inbox, between steps. A request leaves once its answer lasts, also after a crash. */
export class ControlInbox {
  readonly #dir: string
  readonly #feedDir: string
  readonly #feed: FeedPublisher

  /** `dir` is the run's folder. */
  constructor(dir: string, feedDir: string, feed: FeedPublisher) {
    this.#dir = dir
    this.#feedDir = feedDir
    this.#feed = feed
  }

  /** Takes what is there, in the order in which it was asked for. Says whether there was something. */
  async take(): Promise<boolean> {
    const found = await controlRequests.list(this.#dir)
    if (found.size === 0) return false
    await this.#forget()
    const requests = [...found].sort(([a, one], [b, other]) =>
      one.at < other.at || (one.at === other.at && a < b) ? -1 : 1,
    )
    for (const [name, request] of requests) {
      await controlAnswers.put(this.#dir, name, await this.#answer({ ...request, id: name }))
      await controlRequests.remove(this.#dir, name)
    }
    return true
  }

  /** What can't be done is told to who asked for it; only a feed or disk that fails ends the run. */
  async #answer(request: ControlRequest): Promise<ControlAnswer> {
    const at = new Date().toISOString()
    try {
      return { kind: 'answer', at, ...(await changeSettings(this.#feed, this.#feedDir, request)) }
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'bad-option') throw error
      return { kind: 'answer', at, refused: error.message }
    }
  }

  /** Answers that nobody came for. */
  async #forget(): Promise<void> {
    const before = new Date(Date.now() - answerMs).toISOString()
    for (const [name, { at }] of await controlAnswers.list(this.#dir))
      if (at < before) await controlAnswers.remove(this.#dir, name)
  }
}

/** Calls `look` now, and then again and again until `stop` aborts. */
export async function lookAgain(look: () => Promise<void>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await look()
    await sleep(lookMs, undefined, { signal: stop }).catch(() => {})
  }
}
