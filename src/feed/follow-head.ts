import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../errors.ts'
import { type Head, readHead } from './files/head.ts'

export interface Following {
  /** Waits for what is not there yet. */
  readonly follow: boolean
  readonly pollMs: number
  /** Longest wait for one thing; null for ever. */
  readonly timeoutMs: number | null
  /** Ends the waiting when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** Reads the head of a feed again and again, as long as a reader waits for further steps of it. */
export class HeadFollower {
  readonly #dir: string
  readonly #following: Following

  constructor(dir: string, following: Following) {
    this.#dir = dir
    this.#following = following
  }

  /** The head; a follower waits for it. Null when the signal stopped that. */
  async first(): Promise<Head | null> {
    const began = performance.now()
    for (;;) {
      const { head, fault } = await this.#look()
      if (head) return head
      if (!this.#following.follow)
        throw new HeadraceError('not-found', `there is no feed in ${this.#dir}, or no step of it yet`)
      if (!(await this.#wait(began, `the feed in ${this.#dir} (${fault})`))) return null
    }
  }

  /** A head with more steps, or null when there will be none. */
  async next(before: Head): Promise<Head | null> {
    if (before.ended || !this.#following.follow) return null
    const began = performance.now()
    for (;;) {
      const { head, fault } = await this.#look()
      if (head && head.feed !== before.feed)
        throw new HeadraceError('corrupt', `the feed in ${this.#dir} became another one: ${head.feed}`)
      if (head && head.steps > before.steps) return head
      const there = fault ?? `it has ${before.steps} steps and has not ended`
      const what = `step ${before.steps} of the feed in ${this.#dir} (${there})`
      if (head?.ended || !(await this.#wait(began, what))) return null
    }
  }

  /** The head, or why there is none: what copies a folder may leave the file out, or half of it there, for a moment. */
  async #look(): Promise<{ head: Head; fault: null } | { head: null; fault: string }> {
    try {
      const head = await readHead(this.#dir)
      return head ? { head, fault: null } : { head: null, fault: 'head.json is missing' }
    } catch (error) {
      const isHalf = error instanceof HeadraceError && error.cause instanceof SyntaxError
      if (!isHalf || !this.#following.follow) throw error
      return { head: null, fault: 'head.json is not whole' }
    }
  }

  /** Whether it was waited, and the signal did not stop that. Throws where it takes longer than is to be waited. */
  async #wait(beganMs: number, what: string): Promise<boolean> {
    const { pollMs, timeoutMs, signal } = this.#following
    const waitedMs = performance.now() - beganMs
    const leftMs = timeoutMs === null ? pollMs : timeoutMs - waitedMs
    if (leftMs <= 0)
      throw new HeadraceError(
        'not-found',
        `waited ${Math.round(waitedMs / 1000)} s for ${what}: see whether its run is at work, or give a longer timeoutMs`,
      )
    return sleep(Math.min(pollMs, leftMs), true, signal ? { signal } : {}).catch(() => false)
  }
}
