import { type Batch, numbers, utf8 } from '../../batch/batch.ts'
import { name, number, type OptionsOf, optional, required, resolveOptions, uint32 } from '../../options.ts'
import { naturalLog } from '../../text/exact-math.ts'
import { hashUnit } from '../../text/hash.ts'
import type { Annotator } from '../annotator.ts'
import { nameFor, ratio } from '../measure.ts'

const draw = ratio(
  'its score over the temperature, and chance: who keeps the highest has drawn by score; NaN without a score',
)
const table = {
  name: 'draw',
  about: `Draws documents by score, rather than keeping the best alone: those with the highest draws are a sample in which each document's odds
    are exp(score / temperature). \`headrace calibrate\` says which draws are the highest tenth.`,
  measures: { '<column>Draw': draw },
  options: {
    column: required('a column of scores', name),
    temperature: optional(
      '0.1 takes nearly the best, 10 nearly any, of scores whose standard deviation is 1',
      number(0.001),
      2,
    ),
    seed: optional('seed of the chance', uint32, 0),
  },
}

/**
 * Draws by score: `<column>Draw` is score / temperature + g, g of Gumbel's distribution by a hash of the document's id, and the k highest are a
 * sample without replacement in which odds are in proportion to exp(score / temperature) (Kool et al., arXiv 1903.06059), which is
 * what QuRating (arXiv 2402.09739, section 4) samples by, with 2 for scores of mean 0 and standard deviation 1.
 */
export function drawByScore(given: OptionsOf<typeof table.options>): Annotator {
  const { column, temperature, seed } = resolveOptions("annotator 'draw'", table.options, given)
  const own = `${column}Draw`
  return Object.freeze({
    name: nameFor('draw', column),
    version: 1,
    exact: true,
    options: { column, temperature, seed },
    reads: [column, 'id'],
    writes: [{ name: own, kind: 'f64' as const }],
    resources: [],
    rules: [],
    measures: { [own]: draw },
    annotate: (batch: Batch) => {
      const scores = numbers(batch, column)
      const { offsets, bytes } = utf8(batch, 'id')
      const values = Float64Array.from({ length: batch.rows }, (_, row) => {
        const unit = hashUnit(seed, bytes.subarray(offsets[row], offsets[row + 1]))
        return scores[row] / temperature + gumbel(unit)
      })
      return { [own]: { kind: 'f64' as const, values } }
    },
  })
}
drawByScore.table = table

/** Half of a hash's step: of 0 there is no logarithm. The greatest hash is a step below 1. */
const unitMin = 2 ** -54

const gumbel = (unit: number) => -naturalLog(-naturalLog(Math.max(unitMin, unit)))
