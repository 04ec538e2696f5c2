import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'

/** Questions that read a run, one after the other: each takes time of the process that may be at work on the run. */
export class Turns {
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  /** Throws 'limit' where too many wait. */
  take<T>(act: () => Promise<T>): Promise<T> {
    if (this.#waiting >= limits.liveQuestionsMax)
      throw new HeadraceError('limit', `${this.#waiting} questions are being answered: ask again in a moment`)
    this.#waiting++
    const mine = this.#last.then(act).finally(() => this.#waiting--)
    this.#last = mine.catch(() => {})
    return mine
  }
}
