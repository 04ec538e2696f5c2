import { setTimeout as wait } from 'node:timers/promises'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Endpoint } from './endpoint.ts'
import { noServerCodes, type Unanswered } from './post.ts'

/** How much of a server is asked for. */
export interface Patience {
  /** Requests at a time. */
  readonly concurrency: number
  /** Requests of the same that a server or network may fail. */
  readonly triesMax: number
  /** Before a second request; twice as long before each further one. */
  readonly pauseMs: number
}

const pauseMsMax = 30_000

/**
 * What all who ask one server from a thread know of it together: how many ask, until when it wants to be left alone, and whether it is the server
 * that fails and not what is asked.
 */
export class ModelServer {
  readonly endpoint: Endpoint
  readonly #patience: Patience
  /** For people: what is not lost where it stops. */
  readonly #kept: () => string
  readonly #places: (() => void)[] = []
  #busy = 0
  #notBefore = 0
  #failures = 0
  #stopped: HeadraceError | null = null

  constructor(endpoint: Endpoint, patience: Patience, kept: () => string) {
    this.endpoint = endpoint
    this.#patience = patience
    this.#kept = kept
  }

  /** Does something in one of its places, when there is one. */
  async inPlace<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy === this.#patience.concurrency) await new Promise<void>(resolve => this.#places.push(resolve))
    else this.#busy++
    try {
      return await work()
    } finally {
      const next = this.#places.shift()
      if (next) next()
      else this.#busy--
    }
  }

  /** Throws when nothing more is to be asked of it. */
  check(): void {
    if (this.#stopped) throw this.#stopped
  }

  /** Waits until it may be asked; false where that is not before `end` (of `performance.now()`). */
  async isReady(end: number): Promise<boolean> {
    const rest = this.#notBefore - performance.now()
    if (performance.now() + rest > end) return false
    if (rest > 0) await wait(rest)
    return true
  }

  /** The endpoint for a request that is to end in time. */
  endpointUntil(end: number): Endpoint {
    const timeoutMs = Math.ceil(Math.max(1, Math.min(this.endpoint.timeoutMs, end - performance.now())))
    return { ...this.endpoint, timeoutMs }
  }

  /** Waits before the next try; false where there is none, by number or by time. */
  async mayTryAgain(failed: Extract<Unanswered, { kind: 'again' }>, tries: number, end: number): Promise<boolean> {
    const { triesMax, pauseMs } = this.#patience
    const own = Math.min(pauseMsMax, pauseMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2)
    const pause = Math.max(failed.afterMs, own)
    if (failed.afterMs > 0) this.#notBefore = Math.max(this.#notBefore, performance.now() + failed.afterMs)
    if (tries >= triesMax || performance.now() + pause > end) return false
    await wait(pause)
    return true
  }

  /** It has answered: what it failed on before was not its fault. */
  answered(): void {
    this.#failures = 0
  }

  /** Why a text that it refuses has no answer, for a column. Throws where it refuses all, or one text after another. */
  refuse({ why, ofAll }: Extract<Unanswered, { kind: 'refused' }>): string {
    if (!ofAll) return this.#count('refused', why)
    const advice = this.endpoint.key === null ? 'no key was sent' : 'a key was sent'
    throw this.stop(
      `answers with ${why.replace('-', ' ')} (${advice}): see its log, the key, the model's name, and whether it is the URL of a server and not of a redirect`,
    )
  }

  /** Why a text that was tried long enough has no answer, for a column. Throws where the server is at fault. */
  giveUp(why: string): string {
    if (noServerCodes.has(why)) throw this.stop(`can't be reached (${why}): see whether it is up`)
    return this.#count('failed', why)
  }

  /** Nothing more is asked of the server. `what`: as `can't be reached`. */
  stop(what: string): HeadraceError {
    this.#stopped ??= new HeadraceError('limit', `${this.endpoint.url.href} ${what}${this.#kept()}`)
    return this.#stopped
  }

  #count(how: 'failed' | 'refused', why: string): string {
    if (++this.#failures > limits.serverFailuresMax)
      throw this.stop(
        `has ${how} ${how === 'failed' ? 'on ' : ''}${this.#failures} texts in a row, the last time by ${why}: see its log`,
      )
    return `${how}:${why}`
  }
}
