import type { Position } from '../log/log.ts'
import type { Where } from './check.ts'

/** An entry of the log and where it stands. `value` is null where it does not match its checksum. */
export interface Logged extends Where {
  readonly topic: string
  readonly partition: number
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array | null
}

/** What was committed together. Where a log does not keep that, the entries of one slot; then positions are known of the last one only. */
export interface LoggedCommit extends Where {
  readonly positions: readonly Pick<Position, 'partition' | 'slot' | 'note'>[]
  readonly entries: readonly Logged[]
}

/** Bytes behind the last whole frame: a commit that a crash cut short, or that is being written. */
export interface TornTail {
  readonly file: string
  readonly at: number
  readonly bytes: number
}

/** All that a stage had committed when this was opened, one commit in memory at a time. */
export interface StageScan extends AsyncDisposable {
  commits(): AsyncGenerator<LoggedCommit>
  /** Whether committed bytes could not be read, so that what depends on them can't be checked. */
  readonly isDamaged: boolean
  readonly tail: TornTail | null
  readonly bytes: number
}
