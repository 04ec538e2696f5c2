import { type NotedStage, NoteFold } from '../record/long-notes.ts'
import { advices, type Check } from './check.ts'
import type { LoggedCommit, StageScan } from './log.ts'
import { ScanOfScan } from './scan-of-scan.ts'

/** A stage's commits with their whole notes, where these are longer than a position holds; an empty note where one can't be made. */
export class WholeNotes extends ScanOfScan {
  readonly #stage: NotedStage
  readonly #check: Check
  readonly #isTrimmed: boolean

  constructor(scan: StageScan, stage: NotedStage, check: Check, isTrimmed: boolean) {
    super(scan)
    this.#stage = stage
    this.#check = check
    this.#isTrimmed = isTrimmed
  }

  override async *commits(): AsyncGenerator<LoggedCommit> {
    const fold = new NoteFold(this.#stage)
    let isMissing = false
    for await (const commit of this.scan.commits()) {
      for (const entry of commit.entries) await this.#check.attempt(entry, advices.restore, async () => fold.add(entry))
      const positions = commit.positions.map(position => ({ ...position, note: fold.whole(position.note) ?? '' }))
      const isLost = positions.some(({ note }, i) => note === '' && commit.positions[i].note !== '')
      // Of a trimmed stage the first notes are changes of one that is gone; all later ones follow from the first that is missing.
      if (isLost && !isMissing && !(this.#isTrimmed && !fold.hasBegun))
        this.#check.fail(commit, `the entries that make its note are not all there`, advices.restore)
      isMissing = isLost
      yield { ...commit, positions }
    }
  }
}
