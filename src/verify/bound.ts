import { boundTo } from '../record/binding.ts'
import { advices, type Check } from './check.ts'
import type { LoggedCommit, StageScan, TornTail } from './log.ts'

/** A stage's scan that holds the note of each commit against the binding of the run, so that none is of another run. */
export class BoundScan implements StageScan {
  readonly #scan: StageScan
  readonly #binding: string | null
  readonly #check: Check

  constructor(scan: StageScan, binding: string | null, check: Check) {
    this.#scan = scan
    this.#binding = binding
    this.#check = check
  }

  async *commits(): AsyncGenerator<LoggedCommit> {
    for await (const commit of this.#scan.commits()) {
      for (const { note } of commit.positions) this.#hold(commit, note)
      yield commit
    }
  }

  get isDamaged(): boolean {
    return this.#scan.isDamaged
  }

  get tail(): TornTail | null {
    return this.#scan.tail
  }

  get bytes(): number {
    return this.#scan.bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scan[Symbol.asyncDispose]()
  }

  #hold(commit: LoggedCommit, note: string): void {
    this.#check.counted++
    if (boundTo(note) === this.#binding) return
    const what = 'this commit is of another run, or the partitions, lanes or slotBytes in run.json were edited'
    this.#check.fail(commit, what, advices.restore)
  }
}
