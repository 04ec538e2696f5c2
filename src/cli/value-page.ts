import { basename } from 'node:path'
import { drawHistogram, drawLegend, drawStacks, seriesKind, seriesMax, svgOf } from '../page/charts.ts'
import { type Html, html } from '../page/html.ts'
import { writePage } from '../page/shell.ts'
import type { RunReader } from '../record/run-reader.ts'
import { isRedundant } from '../value/correlations.ts'
import type { Histogram } from '../value/histogram.ts'
import type { SurveyedColumn, ValueOrder, ValueSurvey } from '../value/survey.ts'
import { distanceOf, type Kept } from '../value/thresholds.ts'
import { formatCount, formatMeasured, formatPlural, formatShare } from './table.ts'
import { nameCut, shownPoints, totalsOf } from './value-json.ts'
import { cleanName } from './wrap.ts'

/** The survey as one page of HTML that needs nothing else: no script, no font, no address. All names in it are of strangers. */
export function drawPage({ dir }: RunReader, { hasDropped }: ValueOrder, survey: ValueSurvey): string {
  const { decided, documents, columns, correlations } = survey
  const all = totalsOf(columns[0])[0]
  const title = `What run ${shown(basename(dir))} holds`
  const scope = hasDropped ? 'kept and dropped' : 'that it keeps'
  const estimated =
    all.tokensEstimated > 0 ? `, ${formatShare(all.tokensEstimated, all.tokens)} of them an estimate by bytes` : ''
  const notes = [
    `${formatPlural(documents, 'document')} ${scope}, ${formatCount(all.tokens)} tokens${estimated}.`,
    ...(decided.isEnded ? [] : [`The run has not ended: this is of the slots before ${decided.to}.`]),
    ...(decided.from > 0 ? [`Slots before ${decided.from} were trimmed and are not in this.`] : []),
    ...(correlations.length > 0 ? ['Rank correlations are Spearman’s, of documents that have both values.'] : []),
  ]
  const body = html`<header><h1>${title}</h1></header>${notes.map(note => html`<p class="note">${note}</p>`)}
<main class="grid-of">${drawCorrelations(survey)}${columns.map(drawColumn)}</main>`
  return writePage({ title, body })
}

/** A name of anybody's, cleaned and cut as on a terminal. */
const shown = (name: string, columnsMax?: number) => cleanName(name, columnsMax) || '(none)'
const card = (title: string, body: Html) => html`<section class="card"><h2>${title}</h2>${body}</section>\n`

function table(head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll" tabindex="0"><table class="lines"><tr>${head.map(cell => html`<th>${cell}</th>`)}</tr>${rows}</table></div>`
}

function drawCorrelations({ correlations }: ValueSurvey): Html | null {
  if (correlations.length === 0) return null
  const rows = correlations.map(pair => {
    const { columns, documents, correlation } = pair
    const isTwice = isRedundant(pair)
    const names = `${columns.map(name => shown(name)).join(' and ')}${isTwice ? ', redundant' : ''}`
    const found = correlation === null ? '-' : correlation.toFixed(2)
    return html`<tr class="${isTwice ? 'all' : ''}"><td>${names}</td><td>${found}</td><td>${formatCount(documents)}</td></tr>`
  })
  return card('Which columns say the same', table(['columns', 'rank correlation', 'documents'], rows))
}

function drawColumn(surveyed: SurveyedColumn): Html {
  const { column, documents, unmeasured, spread, isLower, cuts, domains, languages } = surveyed
  const points = spread
    ? shownPoints.map(point => `${point}%: ${formatMeasured(+spread.percentiles.points[point].toPrecision(4))}`)
    : []
  const said = `${formatPlural(documents, 'document')} with a value, ${formatCount(unmeasured)} without. ${points.length > 0 ? `${points.join(', ')}. ` : ''}Kept is what is at or ${isLower ? 'below' : 'above'} a cut.`
  const kept =
    cuts.length > 0
      ? html`${drawMixtures(surveyed)}${drawKept('domain', surveyed, domains)}${languages.size > 0 ? drawKept('language', surveyed, languages) : null}`
      : null
  const histogram = spread ? drawSpread(spread.histogram, surveyed) : null
  return card(shown(column), html`<p>${said}</p>${histogram}${kept}`)
}

const width = 760

/** Bars from the percentile 1 to 99, with a line at each cut. */
function drawSpread({ from, to, shares }: Histogram, { cuts, documents, column }: SurveyedColumn): Html {
  const inside = cuts.filter(({ value }) => value >= from && value <= to)
  const marks = inside.map(({ cut, value }) => ({ value, text: nameCut(cut), drops: null, isNow: false }))
  const bins = shares.map(share => [Math.round(share * documents)])
  const span = to > from ? { from, to } : { from, to: from + 1 }
  return svgOf(
    drawHistogram({ ...span, kinds: ['kept'], bins, marks, isLog: false }, width, 180),
    `histogram of ${shown(column)}`,
  )
}

/** The mixture of domains as it is, and at each cut: a bar each, of shares of tokens. */
function drawMixtures({ cuts, domains }: SurveyedColumn): Html {
  const names = [...domains.keys()].slice(0, seriesMax - 1)
  const rows = ['now', ...cuts.map(({ cut }) => nameCut(cut))].map((name, at) => {
    const all = [...domains.values()].reduce((sum, kept) => sum + kept[at].tokens, 0)
    const shares = names.map(domain => (all > 0 ? domains.get(domain)![at].tokens / all : 0))
    const rest = all > 0 ? Math.max(0, 1 - shares.reduce((sum, share) => sum + share, 0)) : 0
    return { name, shares: [...shares, rest] }
  })
  const others = domains.size > names.length ? [`${domains.size - names.length} others`] : []
  const legend = [...names.map(name => shown(name)), ...others]
  const [bars, items] = [
    drawStacks(rows, width),
    drawLegend(
      legend.map((name, i) => ({ name, kind: seriesKind(i) })),
      width,
    ),
  ]
  return html`${svgOf(bars, 'mixture of domains')}${svgOf(items, 'domains by their colours')}`
}

/** Names of a table; `--json` has all. */
const rowsMax = 100

function drawKept(kind: string, surveyed: SurveyedColumn, groups: ReadonlyMap<string, readonly Kept[]>): Html {
  const totals = totalsOf(surveyed)
  const cuts = surveyed.cuts.map(({ cut, value }) => `${nameCut(cut)} (${formatMeasured(+value.toPrecision(4))})`)
  const cell = (kept: Kept, at: number) =>
    html`<td>${formatCount(kept.documents)}<br>${formatCount(kept.tokens)}<br>${formatShare(kept.tokens, totals[at].tokens)}</td>`
  const rowOf = (name: string, kept: readonly Kept[]) => html`<tr><td>${name}</td>${kept.map(cell)}</tr>`
  const rows = [...groups].slice(0, rowsMax).map(([name, kept]) => rowOf(shown(name), kept))
  const moves = surveyed.cuts.map((_, i) => html`<td>${formatShare(distanceOf(groups.values(), i + 1), 1)}</td>`)
  const last = html`<tr><td>mixture moves by</td><td></td>${moves}</tr>`
  const more = groups.size > rowsMax ? html`<p>and ${groups.size - rowsMax} more</p>` : null
  return html`${table([`${kind}: documents, tokens, share`, 'now', ...cuts], [rowOf('all', totals), ...rows, last])}${more}`
}
