import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Batch, type Columns, utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { cutWords, readSeed, type Seed, scoreWords, weighBuckets } from '../text/likeness/seed.ts'
import { ShingleBuffer } from '../text/likeness/shingles.ts'
import type { Annotator } from './annotator.ts'

export interface SeedSimilarityOptions {
  /** Files that `headrace seed fit` wrote. */
  readonly seed: string | readonly string[]
  /** Drops `unlike-seed` below this score; with one seed only. Default: none, as a seed is for recall. */
  readonly minScore?: number
}

/**
 * Scores each document against seeds (see `text/seed.ts`): `seed:<name>`, f64, the mean log weight of its words and pairs of
 * words. Above 0 it is more like the seed than like the background; NaN without words. Scores of different seeds do not compare.
 *
 * ```ts
 * pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize(), seedSimilarity({ seed: 'seeds/math.json' }))
 * ```
 */
export function seedSimilarity({ seed, minScore }: SeedSimilarityOptions): Annotator {
  const loaded = [seed].flat().map(loadSeed)
  const names = loaded.map(({ name }) => name)
  if (names.length === 0) throw new HeadraceError('bad-option', 'seedSimilarity: give at least one seed file')
  if (new Set(names).size < names.length)
    throw new HeadraceError('bad-option', `seedSimilarity: two seeds have one name (${names.join(', ')}); rename one`)
  if (minScore !== undefined && names.length > 1)
    throw new HeadraceError('bad-option', 'seedSimilarity: minScore goes with one seed; write rules for several')
  let weights: Float64Array[] | null = null
  return Object.freeze({
    name: 'seed-similarity',
    version: 1,
    exact: true,
    options: { seeds: names, ...(minScore === undefined ? {} : { minScore }) },
    reads: ['text'],
    writes: names.map(name => ({ name: `seed:${name}`, kind: 'f64' as const })),
    resources: loaded.map(({ name, sha256 }) => ({ name: `seed:${name}`, sha256 })),
    rules: minScore === undefined ? [] : [{ reason: 'unlike-seed', column: `seed:${names[0]}`, below: minScore }],
    annotate: (batch: Batch) => {
      weights ??= loaded.map(({ seed }) => weighBuckets(seed))
      return scoreBatch(batch, names, weights)
    },
  })
}

function loadSeed(file: string): { name: string; sha256: string; seed: Seed } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new HeadraceError('not-found', `seed file ${file} cannot be read; make it with 'headrace seed fit'`, error)
  }
  const seed = readSeed(text, file)
  return { name: seed.name, sha256: hash('sha256', text), seed }
}

function scoreBatch(batch: Batch, names: readonly string[], weights: readonly Float64Array[]): Columns {
  const text = utf8(batch, 'text')
  const words = new ShingleBuffer()
  const scores = weights.map(() => new Float64Array(batch.rows))
  for (let row = 0; row < batch.rows; row++) {
    const count = cutWords(text.bytes, text.offsets[row], text.offsets[row + 1], words)
    for (let i = 0; i < weights.length; i++) scores[i][row] = scoreWords(weights[i], words.values, count)
  }
  return Object.fromEntries(names.map((name, i) => [`seed:${name}`, { kind: 'f64' as const, values: scores[i] }]))
}
