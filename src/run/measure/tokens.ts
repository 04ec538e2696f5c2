import type { Annotator } from '../../annotate/annotator.ts'
import { type Batch, type Column, utf8 } from '../../batch/batch.ts'

/**
 * A kept slot as shard rows: tokens, id, domain, slot, row, the text's bytes and the scores. The tokenizer runs here and not in the
 * annotating stage, as most documents are dropped before.
 */
export async function tokenizeKept(tokenizer: Annotator, kept: Batch, slot: number): Promise<Batch> {
  const { tokens } = await tokenizer.annotate(kept)
  const text = utf8(kept, 'text')
  const { text: _, ...scores } = kept.columns
  const columns: Record<string, Column> = {
    tokens,
    ...scores,
    slot: { kind: 'u32', values: new Uint32Array(kept.rows).fill(slot) },
    textBytes: {
      kind: 'u32',
      values: Uint32Array.from({ length: kept.rows }, (_, row) => text.offsets[row + 1] - text.offsets[row]),
    },
  }
  return { rows: kept.rows, columns }
}
