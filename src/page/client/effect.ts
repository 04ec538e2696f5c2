import { formatCount, formatPlural } from '../../text/figures.ts'
import { type DecidedRows, fates } from '../kernel.ts'
import type { ReportData } from '../report-data.ts'
import { make, note, tableOf } from './dom.ts'
import type { ReportRows } from './rows.ts'

export interface EffectOrder {
  readonly by: 'domain' | 'language'
  readonly unit: 'documents' | 'tokens'
}

/** What a group keeps, loses and may get. */
interface Effect {
  readonly name: string
  kept: number
  lost: number
  anew: number
  unmeasured: number
}

/** Groups of a table; the rest are in its sums. */
const shownMax = 12

/** A table of what a change does to each group, and what it does not say. */
export function drawEffect(data: ReportData, rows: ReportRows, now: DecidedRows, order: EffectOrder): HTMLElement[] {
  const [all, ...groups] = sumEffects(data, rows, now, order)
  const sorted = groups.toSorted((a, b) => movedOf(b) - movedOf(a) || b.kept - a.kept)
  const isEstimate = data.rows.count < data.rows.of || order.unit === 'tokens'
  const figure = (count: number, sign: string) =>
    Math.round(count) === 0 ? '0' : `${sign}${isEstimate ? '≈' : ''}${formatCount(count)}`
  const hasGate = all.unmeasured > 0
  const rowOf = ({ name, kept, lost, anew, unmeasured }: Effect) => [
    name,
    figure(kept, ''),
    figure(lost, '−'),
    figure(anew, '+'),
    ...(hasGate ? [figure(unmeasured, '?')] : []),
  ]
  const head = [order.by, 'kept now', 'lost', 'pass the rules anew', ...(hasGate ? ['pass their gate'] : [])]
  const table = tableOf([head, rowOf(all), ...sorted.slice(0, shownMax).map(rowOf)], 1)
  const more = groups.length - shownMax
  const notes = [
    ...(more > 0 ? [`and ${formatPlural(more, 'other')}, in ‘all’`] : []),
    'Duplicates are not looked for anew: some of what passes the rules anew repeats a kept document, and what repeats a lost one could be kept.',
    ...(hasGate
      ? ['What would pass the gate that stopped it was measured no further: only a replay tells its fate.']
      : []),
  ]
  return [make('div', { class: 'scroll', tabindex: 0, id: 'effect' }, table), ...notes.map(note)]
}

const movedOf = ({ lost, anew, unmeasured }: Effect) => lost + anew + unmeasured

/** Of all first, then of each group. */
function sumEffects(data: ReportData, rows: ReportRows, now: DecidedRows, { by, unit }: EffectOrder): Effect[] {
  const none = { kept: 0, lost: 0, anew: 0, unmeasured: 0 }
  const all = { name: 'all', ...none }
  const groups = (by === 'domain' ? data.domains : data.languages).map(name => ({ name, ...none }))
  const isTokens = unit === 'tokens'
  for (let row = 0; row < rows.reason.length; row++) {
    const fate = now.fates[row]
    const isKept = rows.reason[row] === 0
    const name = isKept ? 'kept' : fate === fates.anew ? 'anew' : fate === fates.unmeasured ? 'unmeasured' : null
    if (name === null) continue
    const amount = data.rows.weights[rows.reason[row]] * (isTokens ? tokensOf(data, rows, row) : 1)
    for (const sum of [all, groups[rows[by][row]]]) {
      sum[name] += amount
      if (isKept && fate !== fates.kept) sum.lost += amount
    }
  }
  return [all, ...groups]
}

/** Tokens of a row; where they are not known, by its bytes and the rate of its language. */
function tokensOf({ rates }: ReportData, { tokens, bytes, language }: ReportRows, row: number): number {
  return tokens[row] >= 0 ? tokens[row] : bytes[row] * (rates[language[row]] ?? 0)
}
