import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { deadRowsOf } from '../record/dead-records.ts'
import { deadFate, keptFate, type LocatedFate } from '../record/fate.ts'
import type { RecordedSlot, RunReader } from '../record/run-reader.ts'

/** The fate of every record, in the order of slots and rows: exactly one each. */
export async function* readFates(run: RunReader): AsyncIterable<LocatedFate> {
  for await (const slot of run.slots()) yield* await fatesOf(run, slot)
}

/** A record's labels, as they are known before its fate is. */
export interface Labels {
  readonly id: string
  readonly file: string
  readonly line: number
}

/** The fates of one slot's records, or of those that `isWanted`. */
export async function fatesOf(
  run: RunReader,
  recorded: RecordedSlot,
  isWanted: (labels: Labels) => boolean = () => true,
): Promise<LocatedFate[]> {
  const dropped = new Map<number, number>()
  if (recorded.drops) for (const [i, row] of numbers(recorded.drops, 'row').entries()) dropped.set(row, i)
  const fates: LocatedFate[] = []
  const rows = numbers(recorded.scored, 'row')
  for (let index = 0; index < recorded.scored.rows; index++) {
    const labels = labelsOf(recorded.scored, index)
    if (!isWanted(labels)) continue
    const drop = dropped.get(rows[index])
    const kept = keptFate({ ...labels, slot: recorded.slot, row: rows[index], index })
    fates.push(drop === undefined ? kept : { ...kept, fate: 'dropped', ...(await dropOf(run, recorded.drops!, drop)) })
  }
  if (recorded.dead) for (const fate of deadOf(recorded.dead, recorded.slot)) if (isWanted(fate)) fates.push(fate)
  return fates.sort((a, b) => a.row - b.row)
}

function labelsOf(batch: Batch, row: number) {
  const at = (name: string) => stringAt(utf8(batch, name), row)
  return { id: at('id'), file: at('file'), line: numbers(batch, 'line')[row], domain: at('domain') }
}

async function dropOf(run: RunReader, drops: Batch, i: number) {
  const partner = numbers(drops, 'duplicateOf')[i]
  const evidence = numbers(drops, 'evidence')[i]
  const text = stringAt(utf8(drops, 'evidenceText'), i)
  const similarity = numbers(drops, 'similarity')[i]
  return {
    reason: stringAt(utf8(drops, 'reason'), i),
    evidence: text || (Number.isNaN(evidence) ? null : evidence),
    duplicateOf: partner < 0 ? null : await run.idAt(partner),
    similarity: Number.isNaN(similarity) ? null : Math.round(similarity * 1e4) / 1e4,
    partner,
  }
}

function deadOf(dead: Batch, slot: number): LocatedFate[] {
  return Array.from(deadRowsOf(dead), ({ file, line, row, reason, detail }) =>
    deadFate({ file, line, slot, row }, reason, detail),
  )
}
