import type { LoggedCommit, StageScan, TornTail } from './log.ts'

/** A scan that looks at, or changes, the commits of another; what else that one says holds for both. */
export abstract class ScanOfScan implements StageScan {
  protected readonly scan: StageScan

  constructor(scan: StageScan) {
    this.scan = scan
  }

  abstract commits(): AsyncGenerator<LoggedCommit>

  get isDamaged(): boolean {
    return this.scan.isDamaged
  }

  get tail(): TornTail | null {
    return this.scan.tail
  }

  get bytes(): number {
    return this.scan.bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scan[Symbol.asyncDispose]()
  }
}
