import { setImmediate as turn } from 'node:timers/promises'
import type { Annotator } from '../../annotate/annotator.ts'
import type { Batch, Column } from '../../batch/batch.ts'
import { concatBatches, takeRows } from '../../batch/rows.ts'
import { HeadraceError } from '../../errors.ts'
import { addTexts, decodeKept, encodeKeptTexts, hasTexts, isWhole, joinKept } from '../../record/kept.ts'
import { decodeScored, textBytesOf, textLength } from '../../record/scored.ts'
import type { DecidedValues, Report } from './jobs.ts'

/** The kept rows of a slot with their texts, from its entries. Whole ones are their own join. */
export function joinEntries(slot: number, { scored, kept }: DecidedValues): Batch {
  const decided = decodeKept(kept)
  return isWhole(decided) ? decided : joinTexts(slot, decodeScored(scored), decided)
}

/** The kept rows of a slot with their texts. */
export function joinTexts(slot: number, scored: Batch, kept: Batch): Batch {
  const rows = joinKept(scored, kept)
  if (rows.columns.text || rows.rows === 0) return rows
  throw refuseGone(slot)
}

/** The entry of `kept` with the texts of its rows. */
export function keepTexts(slot: number, { scored, kept }: DecidedValues): Uint8Array {
  const decided = decodeKept(kept)
  const texted = hasTexts(decided) ? decided : addTexts(decided, decodeScored(scored))
  if (!texted) throw refuseGone(slot)
  return encodeKeptTexts(texted)
}

function refuseGone(slot: number): HeadraceError {
  const advice = "restore the run's folder texts from a copy, or run its input again with another --run NAME"
  return new HeadraceError('corrupt', `the texts of slot ${slot} are gone before they were needed: ${advice}`)
}

/** Tokenizes a kept slot as shard rows, all together or, with `alone`, one by one. `report` is told what is begun. */
export async function tokenizeSlot(
  tokenizer: Annotator,
  kept: Batch,
  { slot, alone }: { readonly slot: number; readonly alone: boolean },
  report: Report,
): Promise<Batch> {
  if (!alone || kept.rows === 0) {
    report('tokenizing')
    return tokenizeKept(tokenizer, kept, slot)
  }
  const parts: Batch[] = []
  for (let row = 0; row < kept.rows; row++) {
    report('tokenizing-row', row)
    parts.push(await tokenizeKept(tokenizer, takeRows(kept, [row]), slot))
    await turn()
  }
  return concatBatches(parts)
}

/** Kept rows as shard rows. Tokenized late, as most rows are dropped before. */
export async function tokenizeKept(tokenizer: Annotator, kept: Batch, slot: number): Promise<Batch> {
  const { tokens } = await tokenizer.annotate(kept)
  return shardRows(kept, tokens, slot)
}

/** Kept rows, with their texts or the lengths of these, and their tokens as shard rows: tokens, id, domain, slot, row, the text's bytes and the scores. */
export function shardRows(kept: Batch, tokens: Column, slot: number): Batch {
  const { text, [textLength]: lengths, ...scores } = kept.columns
  const columns: Record<string, Column> = {
    tokens,
    ...scores,
    slot: { kind: 'u32', values: new Uint32Array(kept.rows).fill(slot) },
    textBytes: { kind: 'u32', values: Uint32Array.from(textBytesOf(kept)) },
  }
  return { rows: kept.rows, columns }
}
