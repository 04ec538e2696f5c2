import { decodeBatch, encodeBatch, encodePacked } from '../batch/arrow/ipc.ts'
import { type Batch, type Column, numbers, stringAt, utf8, utf8From, withColumns } from '../batch/batch.ts'
import { takeColumn, takeRows } from '../batch/rows.ts'
import { HeadraceError } from '../errors.ts'
import { textLength } from './scored.ts'

/**
 * What deciding kept of a slot, as an entry of `kept` holds it: the numbers of the rows, rising, as `row`; and where a decider has moved
 * any of them, or their domain is one too many, `domain`, empty for those that stay. What the rows are stands in `scored`, once;
 * but their texts as `text` where these alone are stored. Runs of an older version hold whole rows in `kept`: these are their own join.
 */
export function keptBatch(rows: readonly number[], domains: readonly string[]): Batch {
  const row: Column = { kind: 'u32', values: Uint32Array.from(rows) }
  return {
    rows: rows.length,
    columns: domains.some(domain => domain !== '') ? { row, domain: utf8From(domains) } : { row },
  }
}

export const encodeKept = (kept: Batch): Uint8Array => encodeBatch(kept)

/** The same with the texts of the rows. */
export const encodeKeptTexts = (kept: Batch): Uint8Array => encodePacked(kept)

/** The kept rows with their texts, which `texted` has of these and of others; null where not of all. Both are in the order of rows. */
export function addTexts(kept: Batch, texted: Batch): Batch | null {
  const indexes = indexesOf(texted, kept)
  if (!texted.columns.text || indexes.includes(-1)) return null
  return withColumns(kept, { text: takeColumn(texted.columns.text, indexes) })
}

export function decodeKept(value: Uint8Array): Batch {
  const { batch } = decodeBatch(value)
  checkLabels(batch, ['row', ...(['domain', 'text'] as const).filter(name => name in batch.columns)])
  return batch
}

/** Whether an entry of `kept` holds whole rows, as those of older versions do. */
export const isWhole = (kept: Batch): boolean => 'id' in kept.columns

/** Whether an entry of `kept` holds the texts of its rows besides. */
export const hasTexts = (kept: Batch): boolean => 'text' in kept.columns && !isWhole(kept)

/**
 * The kept rows of a slot with what they go on to the shards with: text, labels and every score. Both batches are in the order of rows.
 * 'corrupt' where a row is kept that was not measured.
 */
export function joinKept(scored: Batch, kept: Batch): Batch {
  if (isWhole(kept)) return kept
  checkLabels(scored, ['row', 'domain'])
  const indexes = indexesOf(scored, kept)
  const lost = indexes.indexOf(-1)
  if (lost >= 0)
    throw new HeadraceError('corrupt', `row ${numbers(kept, 'row')[lost]} of a slot is kept and was not measured`)
  const { text } = kept.columns
  if (!text) return moveRows(takeRows(shardColumns(scored, ['text', textLength]), indexes), kept)
  const { columns } = takeRows(shardColumns(scored, []), indexes)
  return moveRows({ rows: kept.rows, columns: { text, ...columns } }, kept)
}

/** The rows in the domains that a decider moved them to. */
function moveRows(batch: Batch, kept: Batch): Batch {
  if (!kept.columns.domain) return batch
  const [before, moved] = [utf8(batch, 'domain'), utf8(kept, 'domain')]
  const domain = utf8From(Array.from({ length: kept.rows }, (_, i) => stringAt(moved, i) || stringAt(before, i)))
  return withColumns(batch, { domain })
}

/** The columns that rows are put together by. */
const labelKinds = { row: 'u32', domain: 'utf8', text: 'utf8' } as const

function checkLabels({ columns }: Batch, names: readonly (keyof typeof labelKinds)[]): void {
  for (const name of names) {
    const kind = columns[name]?.kind ?? 'missing'
    if (kind !== labelKinds[name])
      throw new HeadraceError('corrupt', `column '${name}' of a slot is ${kind}, not ${labelKinds[name]}`)
  }
}

/** Where each kept row stands in the measured batch, or -1. */
export function indexesOf(scored: Batch, kept: Batch): Int32Array {
  const [all, wanted] = [numbers(scored, 'row'), numbers(kept, 'row')]
  const indexes = new Int32Array(kept.rows)
  let index = 0
  for (let i = 0; i < kept.rows; i++) {
    while (index < all.length && all[index] < wanted[i]) index++
    indexes[i] = all[index] === wanted[i] ? index : -1
  }
  return indexes
}

/** What only deciding needs stays behind, and texts that are got elsewhere: none is unpacked. */
function shardColumns(scored: Batch, texts: readonly string[]): Batch {
  const columns: Record<string, Column> = {}
  for (const name of [...texts, 'id', 'domain', 'row', 'language'])
    if (scored.columns[name]) columns[name] = scored.columns[name]
  for (const [name, column] of Object.entries(scored.columns))
    if ((column.kind === 'f32' || column.kind === 'f64') && name !== 'gateEvidence') columns[name] = column
  return { rows: scored.rows, columns }
}
