import { type Batch, type Columns, type NumberArray, numbers, utf8From } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import {
  listOf,
  name,
  number,
  type OptionsOf,
  oneOf,
  optional,
  orNull,
  recordOf,
  required,
  resolveOptions,
  show,
  whole,
} from '../../options.ts'
import type { Annotator } from '../annotator.ts'
import { columnOf, nameFor, ratio } from '../measure.ts'
import { rankColumn } from './rank.ts'

const value = ratio('mean or greatest of its ranks, of those that it has; NaN where it has none')
const bucket = columnOf('i32')('the same in equal parts from 0 on; -1 where it has no rank')
const levelMeasure = columnOf('utf8')('the level whose buckets it is among; empty where it has no rank')
const table = {
  name: 'combine',
  about: `One value of several ranks. A mean is the better one where all say something; the greatest finds more, and is spoiled by one rank
    that says nothing.`,
  measures: { '<name>': value, '<name>Bucket': bucket, '<name>Level': levelMeasure },
  options: {
    columns: required('columns that `rank()` wrote', listOf(name, 1)),
    name: required('what the column is called', name),
    how: optional('the mean of ranks, or the greatest', oneOf(['mean', 'max']), 'mean'),
    weights: optional(
      "a weight for each column, with `how: 'mean'`; null: all the same",
      orNull(recordOf(number(0))),
      null,
    ),
    buckets: optional('equal parts from 0 to 1', whole(2, 1000), 20),
    levels: optional(
      'names of levels, each with its first bucket, of which one is 0, as { low: 0, high: 18 }; null: none',
      orNull(recordOf(whole())),
      null,
    ),
  },
}
type Chosen = { readonly columns: readonly string[]; readonly weights: readonly number[]; readonly how: 'mean' | 'max' }

/**
 * Combines ranks: by their mean, weighted or not, or by the greatest of them, which with 20 buckets is how Nemotron-CC (arXiv 2412.02595,
 * section 2.2) combines classifiers. A mean of ranks is no rank itself: `headrace calibrate` and `rank()` make one of it.
 *
 *     .annotate(rank({ table: 'ranks/math.json' }), rank({ table: 'ranks/seed.json' }), combine({ columns: ['class:mathRank', 'seed:mathRank'], name: 'worth' }))
 *     .decide(rules({ worth: { below: 0.6 } }))
 */
export function combine(given: OptionsOf<typeof table.options>): Annotator {
  const who = "annotator 'combine'"
  const { columns, name: own, how, weights, buckets, levels } = resolveOptions(who, table.options, given)
  const chosen: Chosen = { columns, how, weights: weightsOf(who, columns, how, weights) }
  const names = levels === null ? null : levelsOf(who, levels, buckets)
  const level = { name: `${own}Level`, kind: 'utf8' as const }
  return Object.freeze({
    name: nameFor('combine', own),
    version: 1,
    exact: true,
    options: { columns, name: own, how, weights, buckets, ...(levels && { levels }) },
    reads: columns,
    writes: [
      { name: own, kind: 'f64' as const },
      { name: `${own}Bucket`, kind: 'i32' as const },
      ...(names ? [level] : []),
    ],
    resources: [],
    rules: [],
    measures: { [own]: value, [`${own}Bucket`]: bucket, ...(names && { [level.name]: levelMeasure }) },
    annotate: (batch: Batch): Columns => {
      const values = combineRows(batch, chosen)
      const inBuckets = Int32Array.from(values, one =>
        Number.isNaN(one) ? -1 : Math.min(buckets - 1, Math.floor(one * buckets)),
      )
      const found: Columns = { [own]: { kind: 'f64', values }, [`${own}Bucket`]: { kind: 'i32', values: inBuckets } }
      if (!names) return found
      return { ...found, [level.name]: utf8From(Array.from(inBuckets, bucket => (bucket < 0 ? '' : names[bucket]))) }
    },
  })
}
combine.table = table

/** Checks what can be known before any work: raw scores, which do not compare, are no ranks. */
function weightsOf(
  who: string,
  columns: readonly string[],
  how: string,
  weights: Readonly<Record<string, number>> | null,
) {
  const refuse = (what: string) => new HeadraceError('bad-option', `${who} ${what}`)
  const raw = columns.find(column => !column.endsWith(rankColumn('')))
  if (raw !== undefined)
    throw refuse(`has 'columns' with '${raw}', which is no rank: give '${rankColumn(raw)}', which rank() writes`)
  const twice = columns.find((column, i) => columns.indexOf(column) < i)
  if (twice !== undefined) throw refuse(`has 'columns' with '${twice}' twice: give it once, and a weight`)
  if (weights === null) return columns.map(() => 1)
  if (how === 'max') throw refuse("has 'weights' and 'how' 'max', which takes none: leave one of them out")
  const other = [
    ...columns.filter(column => !Object.hasOwn(weights, column)),
    ...Object.keys(weights).filter(column => !columns.includes(column)),
  ]
  if (other.length > 0)
    throw refuse(`has 'weights' that are not those of its columns: '${other[0]}' is in one of both alone`)
  if (columns.every(column => weights[column] === 0)) throw refuse("has 'weights' that are all 0: one must be above")
  return columns.map(column => weights[column])
}

/** The level of each bucket. */
function levelsOf(who: string, levels: Readonly<Record<string, number>>, buckets: number): string[] {
  const starts = Object.entries(levels).sort(([, a], [, b]) => a - b)
  const refuse = (what: string) => new HeadraceError('bad-option', `${who} has 'levels' ${show(levels)}, ${what}`)
  if (starts[0]?.[1] !== 0) throw refuse('of which none begins at bucket 0')
  if (new Set(Object.values(levels)).size < starts.length) throw refuse('of which two begin at one bucket')
  if (starts.at(-1)![1] >= buckets) throw refuse(`of which one begins behind the last of ${buckets} buckets`)
  return Array.from({ length: buckets }, (_, bucket) => starts.findLast(([, start]) => start <= bucket)![0])
}

function combineRows(batch: Batch, { columns, weights, how }: Chosen): Float64Array {
  const ranks = columns.map(column => numbers(batch, column))
  for (const [i, column] of ranks.entries()) checkRanks(columns[i], column)
  return Float64Array.from({ length: batch.rows }, (_, row) => {
    let [sum, weight, greatest] = [0, 0, Number.NaN]
    for (const [i, column] of ranks.entries()) {
      const one = column[row]
      if (Number.isNaN(one)) continue
      sum += weights[i] * one
      weight += weights[i]
      if (!(greatest >= one)) greatest = one
    }
    return how === 'max' ? greatest : sum / weight
  })
}

/** A column of somebody else's may be called a rank, too. */
function checkRanks(column: string, values: NumberArray): void {
  const wrong = values.find(one => one < 0 || one > 1)
  if (wrong !== undefined)
    throw new Error(`combine() takes ranks from 0 to 1, and column '${column}' has ${wrong}: rank() makes ranks of it`)
}
