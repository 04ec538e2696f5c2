import { boundTo } from '../record/binding.ts'
import { advices, type Check } from './check.ts'
import type { LoggedCommit, StageScan } from './log.ts'
import { ScanOfScan } from './scan-of-scan.ts'

/** A stage's scan that holds the note of each commit against the binding of the run, so that none is of another run. */
export class BoundScan extends ScanOfScan {
  readonly #binding: string | null
  readonly #check: Check

  constructor(scan: StageScan, binding: string | null, check: Check) {
    super(scan)
    this.#binding = binding
    this.#check = check
  }

  override async *commits(): AsyncGenerator<LoggedCommit> {
    for await (const commit of this.scan.commits()) {
      for (const { note } of commit.positions) this.#hold(commit, note)
      yield commit
    }
  }

  #hold(commit: LoggedCommit, note: string): void {
    this.#check.counted++
    if (boundTo(note) === this.#binding) return
    const what = 'this commit is of another run, or the partitions, lanes or slotBytes in run.json were edited'
    this.#check.fail(commit, what, advices.restore)
  }
}
