import { Ahead } from '../record/ahead.ts'
import { decodeEntry } from '../record/entry.ts'
import type { LocatedFate } from '../record/fate.ts'
import { topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import { fatesOf } from './fates.ts'

/** A document's address, as its slot and its number there. */
interface Placed {
  readonly slot: number
  readonly row: number
}

/** What became of documents, in rising order of slots and rows. Those of slots that were trimmed are passed over. */
export async function* readFatesAt(run: RunReader, rows: readonly Placed[]): AsyncIterable<LocatedFate> {
  const drops = new Ahead(readBySlot(run.log, topics.drops, 1))
  for (const [slot, inSlot] of Map.groupBy(rows, one => one.slot)) {
    if (slot < run.first) continue
    let next = await drops.peek()
    for (; next && Number(next.headers.slot) < slot; next = await drops.peek()) await drops.take()
    const dropped = next && Number(next.headers.slot) === slot ? decodeEntry(next.value) : null
    const recorded = { slot, scored: await run.scored(slot), drops: dropped, dead: null }
    const wanted = new Set(inSlot.map(one => one.row))
    for (const fate of await fatesOf(run, recorded)) if (wanted.has(fate.row)) yield fate
  }
}
