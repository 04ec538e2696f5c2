import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { checkObject, checkOption, kind, refuseName, required } from '../../options.ts'
import { checkOverrides, type Overrides } from '../../pipeline/overrides.ts'
import { noChange } from '../../what-if/change.ts'
import { changeSetup, refuseOlder } from '../../what-if/setup.ts'
import { checkKind } from '../../what-if/trial.ts'
import { refuseRecall } from '../../what-if/what-if.ts'
import { type DecidedRows, fates } from '../kernel.ts'
import { weigh } from '../pack-rows.ts'
import { shownName } from '../report.ts'
import type { ReportPart } from '../report-data.ts'
import type { JoinedRows } from './joined-rows.ts'
import type { RowSample, Sampled } from './row-sample.ts'

/** What other thresholds make of documents. Duplicates are not looked for anew: of those that would be kept, some may repeat others. */
export interface Effect {
  readonly documents: number
  readonly keptNow: number
  /** Kept ones that pass all rules, and those that pass them anew. */
  readonly wouldKeep: number
  readonly lost: number
  readonly anew: number
  /** Those that would pass the gate that stopped them, and were measured no further: only a replay tells. */
  readonly unmeasured: number
}

export interface WhatIfAnswer {
  /** Rows that were decided, of how many documents of the run: dead records are none. */
  readonly rows: number
  readonly of: number
  /** Documents of `of` that were dropped for reasons that no row of the sample has: they are in no other figure. */
  readonly unsampled: number
  /** Counts stand for all documents, by the share of each reason that the sample has. */
  readonly isEstimate: boolean
  readonly decidedSlots: number
  readonly total: Effect
  /** Those that change most first. Names are clean. */
  readonly byDomain: readonly (Effect & { readonly domain: string })[]
  /** All other domains together, and how many; null where there are none. */
  readonly others: (Effect & { readonly domains: number }) | null
}

type Sums = { -readonly [K in keyof Omit<Effect, 'wouldKeep'>]: number }

/**
 * What rules with other thresholds make of the rows of a sample. `body`: `{ overrides: { COLUMN: { below: 0.7 } } }`, or `false` for no rule, as
 * `rules()` takes them. Throws 'bad-option' for anything else, for a column that the sample has not, and for a run that does not say what decided it.
 */
export function answerWhatIf({ sampled }: RowSample, body: unknown): WhatIfAnswer {
  refuseRecall(sampled.run)
  const { parts } = sampled.reader
  const joined = sampled.joined()
  if (!parts || !joined.kernel) throw refuseOlder()
  const overrides = checkBody(body)
  checkColumns(sampled, parts, overrides)
  return sumUp(sampled, joined, joined.kernel.decide(overrides))
}

const anything = required(
  '',
  kind<Overrides>('an object of thresholds by column', () => true),
)

function checkBody(body: unknown): Overrides {
  const who = 'the question'
  checkObject(who, body)
  for (const [name, value] of Object.entries(body as object)) checkOption(who, { overrides: anything }, name, value)
  const { overrides: given } = body as { readonly overrides?: Overrides }
  const overrides = checkOverrides("'overrides'", given as Overrides)
  const names = Object.values(overrides).flatMap(one => (one ? [...(one.oneOf ?? []), ...(one.noneOf ?? [])] : []))
  if (names.length > limits.triedNamesMax)
    throw new HeadraceError(
      'bad-option',
      `the question has ${names.length} names: give ${limits.triedNamesMax} at most`,
    )
  const long = names.find(name => name.length > limits.nameLengthMax)
  if (long === undefined) return overrides
  const most = `give ${limits.nameLengthMax} characters at most`
  throw new HeadraceError('bad-option', `the question has a name of ${long.length} characters: ${most}`)
}

/** Throws as `headrace what-if` does, and for a column that is none of a sample. */
function checkColumns({ joined, reader }: Sampled, parts: readonly ReportPart[], overrides: Overrides): void {
  for (const { steps, rules } of parts) changeSetup({ steps, rules, deciders: [] }, { ...noChange, overrides })
  for (const [column, threshold] of Object.entries(overrides)) {
    if (!reader.columns.includes(column))
      throw new HeadraceError(
        'bad-option',
        `${refuseName('the sample has no column', column, reader.columns)}; headrace what-if reads every column of the run`,
      )
    if (threshold) checkKind({ reason: '', ...threshold, column }, joined().batch)
  }
}

function sumUp({ standing, end }: Sampled, joined: JoinedRows, decided: DecidedRows): WhatIfAnswer {
  const { reasons, counts } = joined.count(standing.decide.totals)
  const { total, domains } = sumByDomain(joined, weigh(joined.rows.reason, counts), decided)
  const movedOf = ({ lost, anew, unmeasured }: Sums) => lost + anew + unmeasured
  const sorted = domains
    .map((sums, i) => ({ domain: shownName(joined.domains[i]), sums }))
    .sort((a, b) => movedOf(b.sums) - movedOf(a.sums) || b.sums.documents - a.sums.documents)
  const rest = sorted.slice(limits.reportNamesMax)
  const [rows, of] = [joined.batch.rows, counts.reduce((sum, count) => sum + count, 0)]
  const isMet = new Set(joined.rows.reason)
  return {
    rows,
    of,
    unsampled: reasons.reduce((sum, _, i) => sum + (isMet.has(i) ? 0 : counts[i]), 0),
    isEstimate: rows < of,
    decidedSlots: end,
    total: effectOf(total),
    byDomain: sorted.slice(0, limits.reportNamesMax).map(({ domain, sums }) => ({ domain, ...effectOf(sums) })),
    others: rest.length > 0 ? { domains: rest.length, ...effectOf(addUp(rest.map(({ sums }) => sums))) } : null,
  }
}

function sumByDomain({ rows, domains: names }: JoinedRows, weights: readonly number[], { fates: found }: DecidedRows) {
  const total = noSums()
  const domains = names.map(noSums)
  for (let row = 0; row < rows.reason.length; row++) {
    const [weight, isKept, fate] = [weights[rows.reason[row]], rows.reason[row] === 0, found[row]]
    for (const sums of [total, domains[rows.domain[row]]]) {
      sums.documents += weight
      if (isKept) sums.keptNow += weight
      if (isKept && fate !== fates.kept) sums.lost += weight
      if (!isKept && fate === fates.anew) sums.anew += weight
      if (!isKept && fate === fates.unmeasured) sums.unmeasured += weight
    }
  }
  return { total, domains }
}

const noSums = (): Sums => ({ documents: 0, keptNow: 0, lost: 0, anew: 0, unmeasured: 0 })

function addUp(all: readonly Sums[]): Sums {
  const sums = noSums()
  for (const one of all) for (const name of Object.keys(sums) as (keyof Sums)[]) sums[name] += one[name]
  return sums
}

function effectOf(sums: Sums): Effect {
  const { documents, keptNow, lost, anew, unmeasured } = sums
  return {
    documents: Math.round(documents),
    keptNow: Math.round(keptNow),
    wouldKeep: Math.round(keptNow - lost + anew),
    lost: Math.round(lost),
    anew: Math.round(anew),
    unmeasured: Math.round(unmeasured),
  }
}
