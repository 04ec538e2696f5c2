import type { StageName } from '../record/layout.ts'
import type { Recalled } from '../record/recalled.ts'
import type { Watch } from './events.ts'

/** What a user asks to be replayed. */
export interface ReplayOptions {
  /** Folder of the run. */
  readonly of: string
  /** The first slot, and the one after the last; default all that are decided. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Partitions of each topic of slots of a new replay. Default those of the run. */
  readonly partitions?: number | undefined
  /** Stores all rows, so that the replay refers to no other run. Default false. */
  readonly isCopy?: boolean
  /** Inexact annotators that may be asked again what they have answered. Default none. */
  readonly recompute?: readonly string[]
  /** Recalls what the run has dropped: the plan is a recall's. Default null: a replay of all. */
  readonly recall?: Recalled | null
  /** Told, as a sentence, what of the run can't be replayed yet. */
  readonly note?: ((text: string) => void) | undefined
}

export interface RunOptions {
  /** Folder of this run: `DIR/RUN`. */
  readonly dir: string
  readonly workers: number
  /** Aborts to drain: what was read is finished, nothing more is read, and the run can go on later. */
  readonly drain: AbortSignal
  /** Lets a changed pipeline take effect from the first slot on that is not decided. Default false: it is refused. */
  readonly isUpgrade?: boolean
  /** `kafka://HOST:PORT[,HOST:PORT]` and a file of client properties; default the log in the folder, or what the run has. */
  readonly log?: string | undefined
  readonly logConfig?: string | undefined
  /** Partitions of each topic of slots of a new run. Default 1. */
  readonly partitions?: number
  /** Makes a new run one that several processes share. Default false. */
  readonly spread?: boolean
  /** In a spread run, the stages that this process takes part in. Default all. */
  readonly stages?: readonly StageName[]
  /** In a spread run, the folder of this machine's state. Default `DIR/RUN/state`. */
  readonly state?: string | undefined
  /** Takes the slots of another run instead of the source's. Default null. */
  readonly replay?: ReplayOptions | null
  /** Slots of history to keep behind what the run itself needs; default all. */
  readonly keepSlots?: number | null
  /** Told, as a sentence, what a person should know while the run goes on. */
  readonly note?: ((text: string) => void) | undefined
  /** Told what happens. */
  readonly watch?: Watch | undefined
}

export type WatchedOptions = RunOptions & { readonly watch: Watch }
