import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { domainOf, type Recalled, reasonColumn } from '../record/recalled.ts'
import type { RunReader } from '../record/run-reader.ts'
import { drawDocuments } from '../value/draw-documents.ts'

/** A recalled document that is drawn to be looked at. `source` is the domain that it has in the other run, `slot` and `row` its address in both. */
export interface RecalledText {
  readonly id: string
  readonly text: string
  readonly url?: string
  readonly source: string
  readonly language?: string
  readonly score: number
  readonly slot: number
  readonly row: number
  /** What the other run dropped it for. */
  readonly reason: string
}

/** Draws so many recalled documents by the hashes of their ids, in the order of slots and rows. */
export async function* drawRecalled(run: RunReader, recall: Recalled, count: number): AsyncGenerator<RecalledText> {
  const { documents } = await drawDocuments(run, { by: ['domain'], perGroup: count, seed: 0 })
  let [slot, scored]: [number, Batch | null] = [-1, null]
  for (const drawn of documents) {
    if (drawn.domain !== domainOf(recall.name)) continue
    if (drawn.slot !== slot) {
      slot = drawn.slot
      scored = await run.scored(slot)
    }
    yield describe(scored!, drawn.row, slot, recall)
  }
}

function describe(scored: Batch, at: number, slot: number, { column }: Recalled): RecalledText {
  const text = (name: string) => (scored.columns[name] ? stringAt(utf8(scored, name), at) : '')
  const [url, language] = [text('url'), text('language')]
  return {
    id: text('id'),
    text: text('text'),
    ...(url && { url }),
    source: text('domain'),
    ...(language && { language }),
    score: numbers(scored, column)[at],
    slot,
    row: numbers(scored, 'row')[at],
    reason: text(reasonColumn),
  }
}
