import { type Percentiles, percentilesOf } from '../annotate/ranks/percentiles.ts'
import { utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { refuseName } from '../options.ts'
import type { RunReader } from '../record/run-reader.ts'
import { TokenRates } from '../record/token-rates.ts'
import { hashUnit } from '../text/hash.ts'
import { type Correlation, correlate } from './correlations.ts'
import { type DocumentsWanted, hasLanguage, readDocuments, tokensOf } from './documents.ts'
import { type Histogram, histogramOf } from './histogram.ts'
import { RowSample } from './row-sample.ts'
import { columnsOfKind, type DecidedSlots, findDecided, measuredValues } from './stored-columns.ts'
import { type Kept, ThresholdCounts } from './thresholds.ts'
import { chooseValueColumns, isLowerBetter } from './value-columns.ts'
import { ValueSample } from './value-sample.ts'

/** Where a column is cut: at a percentile of its own, or at a value. */
export type Cut = { readonly percentile: number } | { readonly value: number }

export interface ValueOrder {
  /** Null for those that say what a text is worth (`chooseValueColumns`). */
  readonly columns: readonly string[] | null
  readonly cuts: readonly Cut[]
  /** Columns of which low values are kept, besides those of which that is known (`isLowerBetter`). */
  readonly lower: readonly string[]
  /** Documents that the run has dropped count, too. */
  readonly hasDropped: boolean
}

/** A column of a run. What would be kept is by name, as the counts are: what is there, and then at each cut. */
export interface SurveyedColumn {
  readonly column: string
  /** Documents that have a value, and those without one. */
  readonly documents: number
  readonly unmeasured: number
  /** Of those with a value, sampled; null where there are none. */
  readonly spread: { readonly percentiles: Percentiles; readonly histogram: Histogram } | null
  /** Whether a cut keeps what is at or below it, and not what is at or above it. */
  readonly isLower: boolean
  /** From the one that drops least to the one that drops most. */
  readonly cuts: readonly { readonly cut: Cut; readonly value: number }[]
  readonly domains: ReadonlyMap<string, readonly Kept[]>
  /** Empty where the run does not tell languages. */
  readonly languages: ReadonlyMap<string, readonly Kept[]>
}

export interface ValueSurvey {
  readonly decided: DecidedSlots
  readonly documents: number
  readonly columns: readonly SurveyedColumn[]
  /** Columns of numbers that were not looked at. */
  readonly others: readonly string[]
  readonly correlations: readonly Correlation[]
}

/**
 * What the value columns of a run say, from what it has stored: how their values lie, which of them say the same, and what a threshold on
 * each would keep. Percentiles and correlations are of samples by hashed ids, counts are of all documents; the same run gives the same answer.
 * Throws `bad-option` for a column that the run does not have or that holds no numbers, and `not-found` where there is nothing to look at.
 */
export async function surveyValue(run: RunReader, order: ValueOrder): Promise<ValueSurvey> {
  const decided = await findDecided(run)
  const { columns, others } = await chooseColumns(run, order, decided)
  const wanted = { numbers: columns, names: [], hasDropped: order.hasDropped }
  const samples = await sampleValues(run, wanted, decided)
  if (samples.documents === 0) throw refuseNothing(run, order)
  const spreads = samples.values.map(spreadOf)
  if (spreads.every(spread => spread === null))
    throw new HeadraceError(
      'not-found',
      `none of the ${samples.documents} documents of ${run.dir} has a value in ${columns.map(name => `'${name}'`).join(', ')}`,
    )
  const isLower = columns.map(column => order.lower.includes(column) || isLowerBetter(column))
  const cuts = spreads.map((spread, i) => {
    const placed = placeCuts(order.cuts, spread?.percentiles ?? null)
    return isLower[i] ? placed.toReversed() : placed
  })
  const counted = await countKept(run, wanted, decided, { rates: samples.rates, cuts, isLower })
  const surveyed = columns.map((column, i): SurveyedColumn => {
    const { documents } = samples.values[i]
    const unmeasured = samples.documents - documents
    return {
      column,
      documents,
      unmeasured,
      spread: spreads[i],
      isLower: isLower[i],
      cuts: cuts[i],
      ...counted[i],
    }
  })
  const correlations = correlate(columns, samples.rows)
  return { decided, documents: samples.documents, columns: surveyed, others, correlations }
}

async function chooseColumns(run: RunReader, { columns, lower }: ValueOrder, { from, to }: DecidedSlots) {
  if (from === to) throw new HeadraceError('not-found', `${run.dir} has no decided document: run it first, or wait`)
  const known = columnsOfKind(run, await run.scored(from), 'numbers')
  const found = columns ?? chooseValueColumns(known)
  if (found.length === 0)
    throw new HeadraceError(
      'not-found',
      `${run.dir} has no column that says what a text is worth, as class:math, seed:math, languageScore or ranks; name others with --columns: ${known.join(', ')}`,
    )
  if (found.length > limits.valueColumnsMax)
    throw new HeadraceError(
      'limit',
      `${found.length} columns are more than the ${limits.valueColumnsMax} that are looked at side by side: name some with --columns, of ${found.join(', ')}`,
    )
  const missing = lower.find(name => !found.includes(name))
  if (missing !== undefined)
    throw new HeadraceError(
      'bad-option',
      refuseName('low values are to be kept of a column that is not looked at:', missing, found),
    )
  return { columns: found, others: known.filter(name => !found.includes(name)) }
}

function refuseNothing({ dir }: RunReader, { hasDropped }: ValueOrder): HeadraceError {
  const what = hasDropped ? 'has no document' : 'keeps no document: --dropped looks at those that it has dropped'
  return new HeadraceError('not-found', `${dir} ${what}`)
}

/** The first pass: how values lie, and how many tokens a byte has. */
async function sampleValues(run: RunReader, wanted: DocumentsWanted, decided: DecidedSlots) {
  const rates = new TokenRates()
  const values = wanted.numbers.map(() => new ValueSample())
  const rows = new RowSample()
  let documents = 0
  for await (const some of readDocuments(run, wanted, decided)) {
    const ids = utf8(some.batch, 'id')
    const columns = wanted.numbers.map(name => measuredValues(some.batch, name))
    for (const [i, row] of some.rows.entries()) {
      const key = hashUnit(0, ids.bytes.subarray(ids.offsets[row], ids.offsets[row + 1]))
      for (const [at, column] of columns.entries()) if (!Number.isNaN(column[row])) values[at].add(key, column[row])
      rows.add(key, () => Float64Array.from(columns, column => column[row]))
      if (some.tokens[i] >= 0) rates.add(some.languages[i], some.textBytes[i], some.tokens[i])
    }
    documents += some.rows.length
  }
  return { documents, rates, values, rows }
}

function spreadOf(sample: ValueSample): SurveyedColumn['spread'] {
  if (sample.documents === 0) return null
  const values = sample.values()
  const percentiles = percentilesOf(values, sample.documents)
  const { points } = percentiles
  return { percentiles, histogram: histogramOf(values, points[1], points[99]) }
}

/** Where the cuts of a column lie, rising; one without a value has none of its percentiles. */
function placeCuts(cuts: readonly Cut[], percentiles: Percentiles | null): SurveyedColumn['cuts'] {
  const placed = cuts.flatMap((cut): SurveyedColumn['cuts'] => {
    if ('value' in cut) return [{ cut, value: cut.value }]
    return percentiles ? [{ cut, value: percentiles.points[cut.percentile] }] : []
  })
  return placed.toSorted((a, b) => a.value - b.value)
}

interface CutColumns {
  readonly rates: TokenRates
  readonly cuts: readonly SurveyedColumn['cuts'][]
  readonly isLower: readonly boolean[]
}

/** The second pass: what each cut would keep, of all documents. */
async function countKept(
  run: RunReader,
  wanted: DocumentsWanted,
  decided: DecidedSlots,
  { rates, cuts, isLower }: CutColumns,
): Promise<Pick<SurveyedColumn, 'domains' | 'languages'>[]> {
  const make = () =>
    cuts.map(
      (placed, i) =>
        new ThresholdCounts(
          placed.map(({ value }) => value),
          isLower[i],
        ),
    )
  const [domains, languages] = [make(), make()]
  const isTold = hasLanguage(run)
  for await (const some of readDocuments(run, wanted, decided)) {
    const columns = wanted.numbers.map(name => measuredValues(some.batch, name))
    for (const [i, row] of some.rows.entries()) {
      const tokens = tokensOf(some, i, rates)
      const document = { documents: 1, tokens, tokensEstimated: some.tokens[i] >= 0 ? 0 : tokens }
      for (const [at, column] of columns.entries()) {
        domains[at].add(some.domains[i], column[row], document)
        if (isTold) languages[at].add(some.languages[i], column[row], document)
      }
    }
  }
  return domains.map((counts, i) => ({ domains: counts.counts(), languages: languages[i].counts() }))
}
