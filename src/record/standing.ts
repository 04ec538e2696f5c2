import type { Log, Position } from '../log/log.ts'
import { loaderOf } from './layout.ts'
import { wholePosition } from './long-notes.ts'
import { type DecideNote, type LoadNote, readDecideNote, readLoadNote, readShardNote, type ShardNote } from './notes.ts'
import type { RunFile } from './run-file.ts'
import { annotatedSlot } from './slots.ts'

/** Where the stages of a run stand: the first slot that each has not committed, and what its note says. */
export interface Standing {
  readonly load: At<LoadNote>
  /** The first slot that is not measured, of all partitions. */
  readonly annotated: number
  readonly decide: At<DecideNote>
  readonly shard: At<ShardNote>
}
type At<Note> = Note & { readonly slot: number }

/** The same from the stages' positions; `annotated` is the first slot that is not annotated. Throws 'corrupt' where a note is damaged. */
export function standingAt(load: Committed, annotated: number, decide: Committed, shard: Committed): Standing {
  return {
    load: { slot: load.slot, ...readLoadNote(load) },
    annotated,
    decide: { slot: decide.slot, ...readDecideNote(decide) },
    shard: { slot: shard.slot, ...readShardNote(shard) },
  }
}
type Committed = Pick<Position, 'slot' | 'note'>
const noPosition: Committed = { slot: 0, note: '' }

/** Reads it as it is committed now. Throws 'corrupt' where the log or a note is damaged. */
export async function readStanding(log: Log, run: RunFile): Promise<Standing> {
  const load = await log.position(loaderOf(run).stage, 0)
  const annotated = await annotatedSlot(log, run)
  const decide = await wholePosition(log, 'decide', await log.position('decide', 0))
  // A run without a tokenizer has no such stage.
  const shard = run.tokenizer === null ? noPosition : await wholePosition(log, 'shard', await log.position('shard', 0))
  return standingAt(load, annotated, decide, shard)
}

/** The slot behind the last decided one with documents: the end of the input is a slot, and has none. */
export function decidedEnd({ decide }: Standing): number {
  return Math.max(0, decide.slot - (decide.ended ? 1 : 0))
}

/** Whether all stages have come to the end of the input. */
export function hasEnded({ decide, shard }: Standing, { tokenizer }: Pick<RunFile, 'tokenizer'>): boolean {
  return tokenizer === null ? decide.ended : shard.ended
}
