import { createDensityMeter } from '../../text/density.ts'
import { filter } from '../filter.ts'
import { above, below, ratio } from '../measure.ts'

/**
 * How much a text says for its length: see `text/density.ts` for windows and formulas.
 *
 *     pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize(), density())
 */
export const density = filter({
  name: 'density',
  version: 2,
  about: `How much a text says for its length. The default rules drop about 1 % of English pages and manuals, 0.1 % of books, half of
    minified scripts and 85 % of data tables; but also one in eight files of source code and one in ten of formal mathematics, which repeat
    themselves by nature. Where those are wanted, let the rules see prose alone, or override them.`,
  measures: {
    compressionRatio: ratio(
      'estimated compressed bytes / bytes, near what zlib level 6 reaches on 4,096 bytes; NaN below 1,024 bytes',
      {},
      below(0.2, 'too-repetitive'),
      above(0.7, 'too-random'),
    ),
    wordEntropy: ratio("unigram entropy of 256 words, nats (RedPajama-V2's signal, on windows); NaN below 64 words"),
    uniqueWordShare: ratio(
      'different words / words, of 256 words; NaN below 64 words',
      {},
      below(0.3, 'too-few-different-words'),
      above(0.95, 'too-few-repeated-words'),
    ),
  },
  prepare: () => createDensityMeter(),
  measure({ rows, bytes, offsets }, out, measureDensity) {
    for (let row = 0; row < rows; row++) {
      const found = measureDensity(bytes, offsets[row], offsets[row + 1])
      out.compressionRatio[row] = found.compressionRatio
      out.wordEntropy[row] = found.wordEntropy
      out.uniqueWordShare[row] = found.uniqueWordShare
    }
  },
})
