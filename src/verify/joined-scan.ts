import { HeadraceError } from '../errors.ts'
import type { BaseEntries, JoinedLog } from '../record/joined-log.ts'
import { topics } from '../record/layout.ts'
import { advices, type Check } from './check.ts'
import type { Logged, LoggedCommit, StageScan } from './log.ts'
import { ScanOfScan } from './scan-of-scan.ts'

/** The scan of a replay's first stage, whose measured slots are joined with those of the run that they refer to. */
export class JoinedScan extends ScanOfScan {
  readonly #base: BaseEntries
  readonly #check: Check

  constructor(scan: StageScan, log: JoinedLog, check: Check) {
    super(scan)
    this.#base = log.openBase()
    this.#check = check
  }

  override async *commits(): AsyncGenerator<LoggedCommit> {
    for await (const commit of this.scan.commits()) {
      const entries: Logged[] = []
      for (const entry of commit.entries) entries.push(await this.#join(entry))
      yield { ...commit, entries }
    }
  }

  async #join(entry: Logged): Promise<Logged> {
    const { topic, headers, value } = entry
    if (topic !== topics.scored || value === null) return entry
    try {
      return { ...entry, value: (await this.#base.join({ headers, value })).value }
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'corrupt') throw error
      this.#check.fail(entry, error.message, advices.restore)
      return { ...entry, value: null }
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#base[Symbol.asyncDispose]()
    await super[Symbol.asyncDispose]()
  }
}
