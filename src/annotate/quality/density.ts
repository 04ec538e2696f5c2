import { type Batch, type Columns, utf8 } from '../../batch/batch.ts'
import { createDensityMeter, type Density } from '../../text/density.ts'
import type { Annotator } from '../annotator.ts'

/**
 * How much a text says for its length: see `text/density.ts` for windows and formulas.
 *
 * - `compressionRatio`: estimated compressed bytes / bytes, near what zlib level 6 reaches on 4,096 bytes. NaN below 1,024 bytes.
 * - `wordEntropy`: unigram entropy of 256 words, nats (RedPajama-V2's signal, on windows).
 * - `uniqueWordShare`: different words / words, of 256 words. Both NaN below 64 words.
 *
 * The default rules drop about 1 % of English pages and manuals, 0.1 % of books, half of minified scripts and 85 % of data
 * tables; but also one in eight files of source code and one in ten of formal mathematics, which repeat themselves by nature.
 * Where those are wanted, let the rules see prose alone, or override them.
 *
 * ```ts
 * pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize(), density())
 * ```
 */
export function density(): Annotator {
  const measureDensity = createDensityMeter()
  return Object.freeze({
    name: 'density',
    version: 1,
    exact: true,
    options: {},
    reads: ['text'],
    writes: [
      { name: 'compressionRatio', kind: 'f64' as const },
      { name: 'wordEntropy', kind: 'f64' as const },
      { name: 'uniqueWordShare', kind: 'f64' as const },
    ],
    resources: [],
    rules: [
      { reason: 'too-repetitive', column: 'compressionRatio', below: 0.2 },
      { reason: 'too-random', column: 'compressionRatio', above: 0.7 },
      { reason: 'too-few-different-words', column: 'uniqueWordShare', below: 0.3 },
      { reason: 'too-few-repeated-words', column: 'uniqueWordShare', above: 0.95 },
    ],
    annotate: (batch: Batch) => measureBatch(batch, measureDensity),
  })
}

function measureBatch(
  batch: Batch,
  measureDensity: (bytes: Uint8Array, start: number, end: number) => Density,
): Columns {
  const text = utf8(batch, 'text')
  const compressionRatio = new Float64Array(batch.rows)
  const wordEntropy = new Float64Array(batch.rows)
  const uniqueWordShare = new Float64Array(batch.rows)
  for (let i = 0; i < batch.rows; i++) {
    const row = measureDensity(text.bytes, text.offsets[i], text.offsets[i + 1])
    compressionRatio[i] = row.compressionRatio
    wordEntropy[i] = row.wordEntropy
    uniqueWordShare[i] = row.uniqueWordShare
  }
  return {
    compressionRatio: { kind: 'f64', values: compressionRatio },
    wordEntropy: { kind: 'f64', values: wordEntropy },
    uniqueWordShare: { kind: 'f64', values: uniqueWordShare },
  }
}
