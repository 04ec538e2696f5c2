import { basename } from 'node:path'
import type { RunReader } from '../record/run-reader.ts'
import { type Correlation, isRedundant } from '../value/correlations.ts'
import type { SurveyedColumn, ValueOrder, ValueSurvey } from '../value/survey.ts'
import { distanceOf, type Kept, sumKept } from '../value/thresholds.ts'
import { formatCount, formatMeasured, formatPlural, formatShare, formatShort, formatTable } from './table.ts'
import { nameCut, shownPoints, totalsOf } from './value-json.ts'
import { cleanName, indentText } from './wrap.ts'

/** Names that the tables of a column show; `--json` has all. */
interface NamesMax {
  readonly domains: number
  readonly languages: number
}
const namesMax: NamesMax = { domains: 16, languages: 8 }
/** Where more than two columns have tables. */
const namesMaxOfMany: NamesMax = { domains: 6, languages: 3 }
const pairsMax = 10

/** The survey for people. */
export function describeSurvey({ dir }: RunReader, { hasDropped }: ValueOrder, survey: ValueSurvey): string {
  const { decided, documents, columns, others, correlations } = survey
  const all = totalsOf(columns[0])[0]
  const isMany = columns.length > 2
  const what = hasDropped ? 'kept and dropped' : 'that it keeps'
  const lines = [
    `run ${basename(dir)}, ${formatPlural(documents, 'document')} ${what}, ${formatTokens(all)} tokens\n`,
    ...(all.tokensEstimated > 0 ? [describeEstimate(all)] : []),
    `\n${describeSpreads(columns)}`,
    describeCorrelations(correlations),
    ...columns
      .filter(({ cuts }) => cuts.length > 0)
      .map(column => describeCuts(column, isMany ? namesMaxOfMany : namesMax)),
  ]
  if (isMany) lines.push('\n--columns with one or two columns shows more domains and languages of each.\n')
  if (others.length > 0) lines.push(describeOthers(others))
  if (!decided.isEnded) lines.push(`\nThe run has not ended: this is of the slots before ${decided.to}.\n`)
  if (decided.from > 0) lines.push(`\nSlots before ${decided.from} were trimmed and are not in this.\n`)
  return lines.join('')
}

const describeEstimate = ({ tokens, tokensEstimated }: Kept) =>
  `~ ${formatShare(tokensEstimated, tokens)} of the tokens are an estimate by bytes, as no sealed shard has their documents\n`

const describeOthers = (others: readonly string[]) =>
  indentText(`not looked at: ${others.map(name => cleanName(name)).join(', ')}`, 100, '')

function describeSpreads(columns: readonly SurveyedColumn[]): string {
  const head = ['column', 'documents', 'without', ...shownPoints.map(point => `${point}%`), 'from 1% to 99%']
  const rows = columns.map(({ column, documents, unmeasured, spread }) => [
    cleanName(column),
    ...[documents, unmeasured].map(formatCount),
    ...shownPoints.map(point => (spread ? formatValue(spread.percentiles.points[point]) : '-')),
    spread ? drawLine(spread.histogram.shares) : '',
  ])
  return formatTable([head, ...rows], [0, head.length - 1])
}

const formatValue = (value: number) => formatMeasured(+value.toPrecision(4))

const levels = '▁▂▃▄▅▆▇█'

/** A histogram in one line. What is there at all is above nothing. */
function drawLine(shares: readonly number[]): string {
  const most = Math.max(...shares)
  const draw = (share: number) => (share > 0 ? levels[Math.ceil((share / most) * levels.length) - 1] : ' ')
  return shares.map(draw).join('')
}

function describeCorrelations(correlations: readonly Correlation[]): string {
  if (correlations.length === 0) return ''
  const name = ({ columns: [a, b] }: Correlation) => `${cleanName(a)} and ${cleanName(b)}`
  const rows = correlations.map(pair => [
    `  ${name(pair)}`,
    pair.correlation === null ? '-' : pair.correlation.toFixed(2),
    isRedundant(pair) ? 'redundant' : '',
  ])
  const shown = Math.max(pairsMax, correlations.filter(isRedundant).length)
  const more = rows.length > shown ? `  and ${formatPlural(rows.length - shown, 'pair')} more\n` : ''
  return `\nrank correlation, redundant from 0.90 on in size\n${formatTable(rows.slice(0, shown), [0, 2])}${more}`
}

/** What each cut of a column keeps: documents, then tokens with the mixture that they make. */
function describeCuts(surveyed: SurveyedColumn, max: NamesMax): string {
  const { column, isLower, cuts, domains, languages } = surveyed
  const totals = totalsOf(surveyed)
  const moved = cuts.map((_, i) => formatShare(distanceOf(domains.values(), i + 1), 1))
  const head = ['', 'now', ...cuts.map(({ cut }) => nameCut(cut))]
  const values = [isLower ? '  at or below' : '  at or above', '', ...cuts.map(({ value }) => formatValue(value))]
  const groups = [
    ['by domain', nameGroups(domains, max.domains)],
    ['by language', nameGroups(languages, max.languages)],
  ] as const
  const tableOf = (format: (kept: Kept, at: number) => string) =>
    groups.flatMap(([title, list]) => [
      ...(list.length > 0 ? [[`  ${title}`]] : []),
      ...list.map(([name, kept]) => [`    ${name}`, ...kept.map(format)]),
    ])
  const documents = (kept: Kept) => formatCount(kept.documents)
  const tokens = (kept: Kept, at: number) =>
    `${formatShort(kept.tokens)} ${formatShare(kept.tokens, totals[at].tokens).padStart(6)}`
  const rows = [
    head,
    values,
    ['documents', ...totals.map(documents)],
    ...tableOf(documents),
    ['tokens', ...totals.map(formatTokens)],
    ...tableOf(tokens),
    ['mixture moves by', '', ...moved],
  ]
  return `\n${cleanName(column)}\n${formatTable(rows)}`
}

/** The first names, which have the most tokens, and what the others are together. */
function nameGroups(groups: ReadonlyMap<string, readonly Kept[]>, max: number): [string, readonly Kept[]][] {
  const named = [...groups].map(([name, kept]): [string, readonly Kept[]] => [cleanName(name, 24) || '(none)', kept])
  if (named.length <= max) return named
  const rest = named.slice(max).map(([, kept]) => kept)
  return [...named.slice(0, max), [`${formatCount(rest.length)} others`, sumKept(rest, rest[0].length)]]
}

const formatTokens = ({ tokens, tokensEstimated }: Kept) =>
  `${tokensEstimated > 0 ? '~' : ''}${formatShort(Math.round(tokens))}`
