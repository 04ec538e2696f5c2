import { wholePosition } from '../record/long-notes.ts'
import { type DecideNote, readDecideNote, readShardNote, type ShardNote } from '../record/notes.ts'
import { segmentAt } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'

/** One of the two runs that are compared. */
export interface Side {
  /** How it was named, for people. */
  readonly name: string
  readonly run: RunReader
  /** The first slot that it has not decided. */
  readonly decided: number
  readonly decide: DecideNote
  readonly shard: ShardNote
}

export async function openSide(name: string, run: RunReader): Promise<Side> {
  const { log } = run
  // Asked first: what the deciding stage has committed, the journals opened after it hold.
  const position = await wholePosition(log, 'decide', await log.position('decide', 0))
  const decide = readDecideNote(position)
  const none = { note: '' }
  const shard = readShardNote(
    run.run.tokenizer === null ? none : await wholePosition(log, 'shard', await log.position('shard', 0)),
  )
  return { name, run, decided: position.slot - (decide.ended ? 1 : 0), decide, shard }
}

/** Whether texts of a slot are the same wherever rows are, as the columns of both runs have one fingerprint; false where that is not known. */
export function hasSameTextColumn(sides: readonly [Side, Side], slot: number): boolean {
  const [left, right] = sides.map(({ run }) => textPrintAt(run, slot))
  return left !== undefined && left === right
}

function textPrintAt({ run }: RunReader, slot: number): string | undefined {
  return segmentAt(run.segments, slot).columns?.text
}
