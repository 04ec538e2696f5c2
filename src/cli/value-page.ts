import { basename } from 'node:path'
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
  const title = `What run ${nameHtml(basename(dir))} holds`
  const scope = hasDropped ? 'kept and dropped' : 'that it keeps'
  const notes = [
    `${formatPlural(documents, 'document')} ${scope}, ${formatCount(all.tokens)} tokens${all.tokensEstimated > 0 ? `, ${formatShare(all.tokensEstimated, all.tokens)} of them an estimate by bytes` : ''}.`,
    ...(decided.isEnded ? [] : [`The run has not ended: this is of the slots before ${decided.to}.`]),
    ...(decided.from > 0 ? [`Slots before ${decided.from} were trimmed and are not in this.`] : []),
  ]
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${style}</style></head><body>
<h1>${title}</h1>
${notes.map(note => `<p>${note}</p>`).join('\n')}
${drawCorrelations(survey)}
${columns.map(drawColumn).join('\n')}
${correlations.length > 0 ? '<p>Rank correlations are Spearman’s, of documents that have both values.</p>' : ''}
</body></html>
`
}

const style = `body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}
td:first-child,th:first-child{text-align:left}svg{display:block;max-width:100%;margin:.5rem 0}svg text{font:12px system-ui,sans-serif}.redundant{font-weight:bold}`

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, sign => entities[sign])
/** A name of anybody's, cleaned and cut as on a terminal. */
const nameHtml = (name: string, columnsMax?: number) => escapeHtml(cleanName(name, columnsMax) || '(none)')

function drawCorrelations({ correlations }: ValueSurvey): string {
  if (correlations.length === 0) return ''
  const rows = correlations.map(pair => {
    const { columns, documents, correlation } = pair
    const note = isRedundant(pair) ? ' class="redundant"' : ''
    const found = correlation === null ? '-' : correlation.toFixed(2)
    return `<tr${note}><td>${columns.map(name => nameHtml(name)).join(' and ')}${note && ', redundant'}</td><td>${found}</td><td>${formatCount(documents)}</td></tr>`
  })
  return `<h2>Which columns say the same</h2><table><tr><th>columns</th><th>rank correlation</th><th>documents</th></tr>${rows.join('')}</table>`
}

function drawColumn(surveyed: SurveyedColumn): string {
  const { column, documents, unmeasured, spread, isLower, cuts, domains, languages } = surveyed
  const points = spread
    ? shownPoints.map(point => `${point}%: ${formatMeasured(+spread.percentiles.points[point].toPrecision(4))}`)
    : []
  return `<h2>${nameHtml(column)}</h2>
<p>${formatPlural(documents, 'document')} with a value, ${formatCount(unmeasured)} without. ${points.length > 0 ? `${points.join(', ')}. ` : ''}Kept is what is at or ${isLower ? 'below' : 'above'} a cut.</p>
${spread ? drawHistogram(spread.histogram, surveyed) : ''}
${cuts.length > 0 ? `${drawMixtures(surveyed)}\n${drawKept('domain', surveyed, domains)}\n${languages.size > 0 ? drawKept('language', surveyed, languages) : ''}` : ''}`
}

const [width, height] = [720, 120]

/** Bars from the percentile 1 to 99, with a line at each cut. */
function drawHistogram({ from, to, shares }: Histogram, { cuts }: SurveyedColumn): string {
  const most = Math.max(...shares)
  const step = width / shares.length
  const bars = shares.map((share, i) => {
    const tall = (share / most) * height
    return `<rect x="${(i * step).toFixed(1)}" y="${(height - tall).toFixed(1)}" width="${(step - 1).toFixed(1)}" height="${tall.toFixed(1)}" fill="#7a9cc6"/>`
  })
  const inside = cuts.filter(({ value }) => value >= from && value <= to && to > from)
  const lines = inside.map(({ cut, value }) => {
    const x = (((value - from) / (to - from)) * width).toFixed(1)
    return `<line x1="${x}" x2="${x}" y1="0" y2="${height}" stroke="#b03a2e"/><text x="${x}" y="${height + 14}" text-anchor="middle">${nameCut(cut)}</text>`
  })
  return `<svg viewBox="-20 0 ${width + 40} ${height + 20}" width="${width + 40}" role="img" aria-label="histogram">${bars.join('')}${lines.join('')}</svg>`
}

/** Colours that are told apart where they lie side by side; what is named last of many has the last one. */
const colours = [
  '#4477aa',
  '#ee6677',
  '#228833',
  '#ccbb44',
  '#66ccee',
  '#aa3377',
  '#ee7733',
  '#332288',
  '#999933',
  '#bbbbbb',
]
const shownMax = colours.length - 1
/** Columns of a name that stand beside the next one. */
const legendMax = 22

/** The mixture of domains as it is, and at each cut: a bar each, of shares of tokens. */
function drawMixtures({ cuts, domains }: SurveyedColumn): string {
  const names = [...domains.keys()].slice(0, shownMax)
  const bars = ['now', ...cuts.map(({ cut }) => nameCut(cut))].map((name, at) => {
    const all = [...domains.values()].reduce((sum, kept) => sum + kept[at].tokens, 0)
    const shares = names.map(domain => (all > 0 ? domains.get(domain)![at].tokens / all : 0))
    const rest = all > 0 ? Math.max(0, 1 - shares.reduce((sum, share) => sum + share, 0)) : 0
    return drawBar(name, [...shares, rest], at * 24)
  })
  const legend = [
    ...names.map(name => nameHtml(name, legendMax)),
    ...(domains.size > shownMax ? [`${domains.size - shownMax} others`] : []),
  ]
  const tall = bars.length * 24
  const marks = legend.map((name, i) => {
    const [x, y] = [(i % 4) * 185, tall + 12 + Math.floor(i / 4) * 18]
    const colour = i < shownMax ? colours[i] : colours.at(-1)
    return `<rect x="${x}" y="${y}" width="11" height="11" fill="${colour}"/><text x="${x + 16}" y="${y + 10}">${name}</text>`
  })
  const all = tall + 16 + Math.ceil(legend.length / 4) * 18
  return `<svg viewBox="0 0 ${width + 40} ${all}" width="${width + 40}" role="img" aria-label="mixture of domains">${bars.join('')}${marks.join('')}</svg>`
}

function drawBar(name: string, shares: readonly number[], y: number): string {
  let from = 60
  const parts = shares.map((share, i) => {
    const wide = share * (width - 60)
    const part = `<rect x="${from.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="18" fill="${colours[i] ?? colours.at(-1)}"/>`
    from += wide
    return part
  })
  return `<text x="0" y="${y + 13}">${name}</text>${parts.join('')}`
}

/** Names of a table; `--json` has all. */
const rowsMax = 100

function drawKept(kind: string, surveyed: SurveyedColumn, groups: ReadonlyMap<string, readonly Kept[]>): string {
  const totals = totalsOf(surveyed)
  const head = [
    'now',
    ...surveyed.cuts.map(({ cut, value }) => `${nameCut(cut)} (${formatMeasured(+value.toPrecision(4))})`),
  ]
  const cell = (kept: Kept, at: number) =>
    `<td>${formatCount(kept.documents)}<br>${formatCount(kept.tokens)}<br>${formatShare(kept.tokens, totals[at].tokens)}</td>`
  const rowOf = (name: string, kept: readonly Kept[]) => `<tr><td>${name}</td>${kept.map(cell).join('')}</tr>`
  const rows = [...groups].slice(0, rowsMax).map(([name, kept]) => rowOf(nameHtml(name), kept))
  const moves = surveyed.cuts.map((_, i) => `<td>${formatShare(distanceOf(groups.values(), i + 1), 1)}</td>`)
  const more = groups.size > rowsMax ? `<p>and ${groups.size - rowsMax} more</p>` : ''
  return `<table><tr><th>${kind}: documents, tokens, share</th>${head.map(name => `<th>${name}</th>`).join('')}</tr>${rowOf('all', totals)}${rows.join('')}<tr><td>mixture moves by</td><td></td>${moves.join('')}</tr></table>${more}`
}
