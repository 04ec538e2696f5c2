import type { NumberArray } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { kind, listOf, name, type OptionsOf, required, resolveOptions } from '../options.ts'
import { type Seed, scoreWords, weighBuckets } from '../text/likeness/seed.ts'
import { readSeed } from '../text/likeness/seed-file.ts'
import { ShingleBuffer } from '../text/likeness/shingles.ts'
import { cutWords } from '../text/likeness/word-grams.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { below, ratio } from './measure.ts'
import { readNeeded } from './model-file.ts'

const files = kind<string | readonly string[]>(
  'a seed file, or a list of them',
  value => name.accepts(value) || listOf(name).accepts(value),
)
const score = ratio(
  'mean log weight of its words and pairs of words, of few words nearer to 0: above 0 it is more like the seed; NaN without words',
  // Of one seed alone; by default nothing is dropped, as a seed is for recall.
  { minScore: below(null, 'unlike-seed') },
)
const table = {
  name: 'seed-similarity',
  version: 3,
  about: 'Scores each document against seeds, of excellent text. Scores of different seeds do not compare.',
  measures: { 'seed:<name>': score },
  options: { seed: required('files that `headrace seed fit` wrote; `minScore` goes with one alone', files) },
}
const options = { ...table.options, ...score.options }

/**
 * Scores each document against seeds (see `text/likeness/seed.ts`): `seed:<name>`, the mean log weight of its words and pairs of words.
 *
 *     pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize(), seedSimilarity({ seed: 'seeds/math.json' }))
 */
export function seedSimilarity(given: OptionsOf<typeof options>): Annotator {
  const { seed, minScore } = resolveOptions("annotator 'seed-similarity'", options, given)
  const loaded = [seed].flat().map(loadSeed)
  const names = loaded.map(({ name }) => name)
  if (names.length === 0) throw new HeadraceError('bad-option', 'seedSimilarity: give at least one seed file')
  if (new Set(names).size < names.length)
    throw new HeadraceError('bad-option', `seedSimilarity: two seeds have one name (${names.join(', ')}); rename one`)
  if (minScore !== null && names.length > 1)
    throw new HeadraceError('bad-option', 'seedSimilarity: minScore goes with one seed; write rules for several')
  const make = filter({
    ...table,
    measures: Object.fromEntries(names.map(name => [`seed:${name}`, score])),
    options: {},
    record: ({ minScore }) => ({ seeds: names, ...(minScore === null ? {} : { minScore }) }),
    resources: loaded.map(({ name, sha256 }) => ({ name: `seed:${name}`, sha256 })),
    prepare: () => loaded.map(({ name, seed }) => ({ column: `seed:${name}`, weights: weighBuckets(seed) })),
    measure({ rows, bytes, offsets }, out: Readonly<Record<string, NumberArray>>, seeds) {
      const words = new ShingleBuffer()
      for (let row = 0; row < rows; row++) {
        const count = cutWords(bytes, offsets[row], offsets[row + 1], words)
        for (const { column, weights } of seeds) out[column][row] = scoreWords(weights, words.low, count)
      }
    },
  })
  return make({ minScore })
}
seedSimilarity.table = table

function loadSeed(file: string): { name: string; sha256: string; seed: Seed } {
  const { bytes, sha256 } = readNeeded({ what: 'seed file', path: file, advice: "make it with 'headrace seed fit'" })
  const seed = readSeed(bytes.toString('utf8'), file)
  return { name: seed.name, sha256, seed }
}
