import { HeadraceError } from '../../errors.ts'
import type { Fetched } from './topic-client.ts'

export interface Waiting {
  /** `topic/partition`. */
  readonly of: string
  /** The offset to which it is read. */
  readonly end: number
  /** Infinity for a follower, which has time. */
  readonly waitMs: number
  readonly tell: ((waiting: string) => void) | undefined
}

/**
 * Looks whether the reader of a range comes on. A record that a transaction wrote is given out when this has ended, and all behind it wait.
 * Whoever left it open may be dead, and a run should not end as if nothing were missing, nor wait for ever.
 */
export class Patience {
  readonly #waiting: Waiting
  readonly #now: () => number
  /** Since when nothing came, or null. */
  #since: number | null = null

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(waiting: Waiting, now: () => number = () => performance.now()) {
    this.#waiting = waiting
    this.#now = now
  }

  /** Takes note of what was fetched from an offset. Throws when nothing has come for too long: 'disk' where the same may succeed later. */
  see(from: number, fetched: Fetched): void {
    const { end, waitMs, tell } = this.#waiting
    if (fetched.next > from || from >= end) {
      this.#since = null
      return
    }
    const now = this.#now()
    if (this.#since === null) tell?.(`${this.#describe(from, fetched)}; it is waited for${limitOf(waitMs)}`)
    this.#since ??= now
    if (now - this.#since >= waitMs) throw this.#explain(from, fetched)
  }

  #describe(from: number, { stable, high }: Fetched): string {
    const { of, end } = this.#waiting
    if (high >= 0 && high < end) return `${of} ends at offset ${high} and had ${end} when this run looked`
    if (stable > from) return `${of} gives nothing from offset ${from} on, and says that it has records up to ${stable}`
    return `${of}: a transaction is open at offset ${from}, behind which the records up to ${end} wait for its end`
  }

  #explain(from: number, fetched: Fetched): HeadraceError {
    const what = `${this.#describe(from, fetched)} (waited ${seconds(this.#waiting.waitMs)})`
    if (fetched.high >= 0 && fetched.high < this.#waiting.end)
      return new HeadraceError('source-changed', `${what}: its brokers lost records; begin another run with --run NAME`)
    const stays = 'The run has not ended'
    if (fetched.stable > from)
      return new HeadraceError(
        'disk',
        `${what}. ${stays}: run the same command again; where nothing comes still, its last records were removed, and a further one, of any content, shows where it goes on`,
      )
    const { of } = this.#waiting
    const [topic, partition] = [of.slice(0, of.lastIndexOf('/')), of.slice(of.lastIndexOf('/') + 1)]
    const advice = `kafka-transactions.sh describe-producers --topic ${topic} --partition ${partition} says whose it is`
    return new HeadraceError(
      'disk',
      `${what}. ${stays}: run the same command again once the transaction has, or has been aborted; ${advice}`,
    )
  }
}

const limitOf = (ms: number) => (Number.isFinite(ms) ? `, ${seconds(ms)} at most` : '')
const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`
