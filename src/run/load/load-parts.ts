import type { Append } from '../../log/log.ts'
import type { LoadPosition } from '../../record/notes.ts'
import type { Chunk, Split } from '../../sources/source.ts'
import type { SplitList } from './split-list.ts'

/** What a loader is handed, which differs between a run of one process and one that several share. */
export interface LoadParts {
  /** Makes the entries of a slot: measured, or as it was read. */
  readonly encode: (slot: number, chunks: readonly Chunk[]) => Promise<readonly Append[]>
  readonly openMore: OpenMore
  /** Whether the next commit shall list all splits again, so that what stands before it can be trimmed. Default never. */
  readonly wantsAllSplits?: () => boolean
}

/** Begins to add what is asked for beside the source to `splits`; `position` is how far these are read. */
export type OpenMore = (splits: SplitList, position: () => LoadPosition, stop: AbortSignal) => Promise<MoreSplits>

export interface MoreSplits extends AsyncDisposable {
  /** Told which splits were recorded. */
  settle(splits: readonly Split[]): Promise<void>
  /** Adds what was asked for until now; when that is nothing, none is added from then on, and the answer is false. */
  addLast(): Promise<boolean>
}
