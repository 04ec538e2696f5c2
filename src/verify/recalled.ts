import { numbers } from '../batch/batch.ts'
import { findNamed } from '../record/base.ts'
import { decodeKept } from '../record/kept.ts'
import { topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { positionsAt, SlotReader } from '../record/slots.ts'
import { KeptRows } from './rows.ts'

/**
 * What a recall may not keep again, and what its duplicates may repeat: the rows that the run it is of keeps, and those of the recalls before it.
 * Of another run there are none. Slots behind the recall's last are left out, as it has not seen them.
 */
export async function readKeptElsewhere(run: RunReader): Promise<KeptRows[]> {
  const { recall, replays } = run.run
  if (!recall || !replays) return []
  const found: KeptRows[] = []
  for (const name of [replays, ...recall.after]) {
    await using other = await run.openOther((await findNamed(run.dir, name)).dir)
    found.push(await readKept(other, replays.to))
  }
  return found
}

async function readKept({ log, run: { partitions } }: RunReader, to: number): Promise<KeptRows> {
  const rows = new KeptRows()
  const positions = await positionsAt(log, topics.kept, partitions, 0)
  await using reader = new SlotReader(log, topics.kept, positions, AbortSignal.abort())
  for (let next = await reader.next(); next && !next.isEnd && next.slot < to; next = await reader.next())
    rows.add(next.slot, numbers(decodeKept(next.value), 'row'))
  return rows
}
