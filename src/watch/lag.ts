/** Slots that wait before a stage, as commits brought them. `bytes` is NaN for those of which only the number is known. */
interface Waiting {
  /** The slot after the last. */
  to: number
  bytes: number
  readonly at: number
}

/** Entries kept; more slots at once wait together, as old as the oldest of them. Twice what a stage may lead by. */
const entriesMax = 4096

/** How far a stage is behind what is there for it. Times are milliseconds of one clock. */
export class Lag {
  readonly #waiting: Waiting[] = []

  /** Slots before `to` are there since `at`; those before `passed` wait no more. */
  add(to: number, bytes: number, at: number, passed: number): void {
    this.#drop(passed)
    const last = this.#waiting.at(-1)
    if (to <= passed) return
    if (last && (to <= last.to || this.#waiting.length >= entriesMax)) {
      last.to = Math.max(last.to, to)
      last.bytes += bytes
    } else this.#waiting.push({ to, bytes, at })
  }

  /** Slots that wait, their bytes (NaN when not all are known), and how long the oldest has been there. */
  read(at: number, passed: number): { readonly slots: number; readonly bytes: number; readonly seconds: number } {
    this.#drop(passed)
    const last = this.#waiting.at(-1)
    if (!last) return { slots: 0, bytes: 0, seconds: 0 }
    const bytes = this.#waiting.reduce((sum, one) => sum + one.bytes, 0)
    return { slots: last.to - passed, bytes, seconds: Math.max(0, at - this.#waiting[0].at) / 1000 }
  }

  #drop(passed: number): void {
    let count = 0
    while (count < this.#waiting.length && this.#waiting[count].to <= passed) count++
    this.#waiting.splice(0, count)
  }
}
