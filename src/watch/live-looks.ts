import { HistoryOfRun } from './history.ts'
import { keepLook, type Pace, paceOf } from './pace.ts'
import type { RunLook } from './run-look.ts'

/** Between looks while somebody watches, and while nobody does: the first page that opens still finds a quarter of an hour. */
const watchedMs = 1000
const unwatchedMs = 5000
/** Looks that take long are further apart, so that looking, and waiting for a process that is busy, takes this part of the time at most. */
const lookShareMax = 1 / 20

export interface LiveLooksOptions {
  look(): Promise<RunLook>
  /** Whether somebody watches. */
  isWatched(): boolean
  /** Told of each look. */
  onLook(): void
}

/** Looks at a run again and again until disposed. */
export class LiveLooks implements AsyncDisposable {
  readonly history = new HistoryOfRun()
  readonly #options: LiveLooksOptions
  #looks: readonly RunLook[] = []
  #pace: Pace | null = null
  #error: string | null = null
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> | null = null
  #isEnded = false
  #lookedAt = 0

  constructor(options: LiveLooksOptions) {
    this.#options = options
  }

  /** How the run goes; null before the first look. */
  get pace(): Pace | null {
    return this.#pace
  }

  /** Why the last look failed, or null: what `pace` says is then of before. */
  get error(): string | null {
    return this.#error
  }

  begin(): void {
    void this.look()
  }

  /** Somebody came to watch: the next look is due a second after the last one. */
  hurry(): void {
    if (this.#timer && !this.#isEnded) this.#plan(Math.max(0, this.#lookedAt + watchedMs - performance.now()))
  }

  /** Looks now, or waits for the look that is under way. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const began = performance.now()
    this.#lookedAt = began
    try {
      // A look from before there was anything to see is no base of a rate.
      const before = this.#looks.filter(({ stages }) => stages.length > 0)
      this.#looks = keepLook(before, await this.#options.look())
      this.#pace = paceOf(this.#looks)
      this.#error = null
      this.history.add(this.#pace, Date.now() / 1000)
    } catch (error) {
      this.#error = (error as Error).message
    }
    this.#options.onLook()
    const wanted = this.#options.isWatched() ? watchedMs : unwatchedMs
    if (!this.#isEnded) this.#plan(Math.max(wanted, (performance.now() - began) / lookShareMax))
  }

  #plan(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.look(), ms).unref()
  }

  /** Looks once more, so that who watches knows the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#looking
    await this.look()
  }
}
