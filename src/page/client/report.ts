import { numbers } from '../../batch/batch.ts'
import { formatShare } from '../../text/figures.ts'
import { drawArea, drawBars, drawHistogram, drawLine, type Kind, seriesKind, svgOf } from '../charts.ts'
import type { ReportData } from '../report-data.ts'
import { Documents } from './documents.ts'
import { fit, listenForReasons, make, note, panelOf } from './dom.ts'
import { type ReportRows, unpackRows } from './rows.ts'
import { WhatIf, whyNoWhatIf } from './what-if.ts'

// The script of a report's page: what moves in it, and the charts that are as wide as the screen.

const data: ReportData = JSON.parse(document.getElementById('data')!.textContent!)
function say(panel: HTMLElement, text: string): undefined {
  panel.append(note(text))
}
const rows = unpackRows(data)

showWhatIf(panelOf('what-if'))
listenForReasons(document.body, new Documents(panelOf('documents'), data))
fit(panelOf('funnel'), width => svgOf(drawBars(data.funnel, width), 'what is left after each stage'))
showMixture(panelOf('mixture'), data)
showDrift(panelOf('drift'), data)
showValues(panelOf('values'), data, rows)
document.documentElement.dataset.ready = 'true'

function showWhatIf(panel: HTMLElement): void {
  const why = whyNoWhatIf(data)
  if (why !== null) say(panel, why)
  else new WhatIf(panel, data, rows)
}

function showMixture(panel: HTMLElement, { mixture }: ReportData): undefined {
  if (!mixture) return say(panel, 'There is no step of a feed.')
  const { names, points, stepsOfPoint } = mixture
  const sums = points.map(({ tokens }) => tokens.reduce((sum, one) => sum + one, 0))
  const all = sums.reduce((sum, one) => sum + one, 0)
  const shares = points.map(({ step, tokens }, i) => ({
    at: `step ${step}`,
    values: tokens.map(one => one / (sums[i] || 1)),
  }))
  const each =
    stepsOfPoint === 1
      ? 'Share of each domain in the tokens of each step, from the ledger.'
      : `Share of each domain in the tokens of ${stepsOfPoint} steps each, from the ledger.`
  const chart = make('div')
  const legend = names.map((name, i) => {
    const share = points.reduce((sum, { tokens }) => sum + tokens[i], 0)
    return make('span', {}, make('span', { class: `swatch ${seriesKind(i)}` }), `${name} ${formatShare(share, all)}`)
  })
  panel.append(note(each), chart, make('div', { class: 'legend' }, ...legend))
  fit(chart, width => svgOf(drawArea({ names, points: shares }, width, 240), each))
}

function showDrift(panel: HTMLElement, { drift }: ReportData): undefined {
  const { points, slotsOfPoint } = drift
  if (points.length === 0) return say(panel, 'No slot is decided.')
  const [documents, kept] = (['documents', 'kept'] as const).map(name =>
    points.reduce((sum, one) => sum + one[name], 0),
  )
  const each = `Share of records kept in ${slotsOfPoint === 1 ? 'each slot' : `${slotsOfPoint} slots each`}, in the order of the stream; dashed: ${formatShare(kept, documents)} of all.`
  const chart = make('div')
  panel.append(note(each), chart)
  const shares = points.map(one => ({ at: `slot ${one.slot}`, values: [one.kept / one.documents] }))
  fit(chart, width => svgOf(drawLine({ names: ['kept'], points: shares }, kept / (documents || 1), width, 240), each))
}

/** A small histogram of each column that says what a text is worth. */
function showValues(
  panel: HTMLElement,
  { valueColumns, rows: packed }: ReportData,
  { batch, reason }: ReportRows,
): undefined {
  const columns = valueColumns.filter(name => batch.columns[name] && batch.columns[name].kind !== 'utf8')
  if (columns.length === 0 || batch.rows === 0)
    return say(panel, 'This run has no column that says what a text is worth: scores, ranks, perplexities.')
  const kinds: Kind[] = ['kept', 'other']
  const figures = columns.map(name => {
    const values = numbers(batch, name)
    const sorted = Float64Array.from(values).filter(Number.isFinite).sort()
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
    const [from, to] = sorted.length > 0 && at(0.99) > at(0.01) ? [at(0.01), at(0.99)] : [at(0) ?? 0, (at(0) ?? 0) + 1]
    const bins = Array.from({ length: 24 }, () => [0, 0])
    for (let row = 0; row < values.length; row++) {
      if (!Number.isFinite(values[row])) continue
      const bin = Math.max(0, Math.min(23, Math.floor(((values[row] - from) / (to - from)) * 24)))
      bins[bin][reason[row] === 0 ? 0 : 1] += packed.weights[reason[row]]
    }
    const chart = make('div')
    const figure = make('figure', {}, make('figcaption', { title: name }, name), chart)
    const draw = (width: number) =>
      svgOf(drawHistogram({ from, to, kinds, bins, marks: [], isLog: false }, width, 130), `documents by ${name}`)
    return { figure, chart, draw }
  })
  say(panel, 'Documents by each column, from the first to the last percentile; grey are those that went.')
  panel.append(make('div', { class: 'small' }, ...figures.map(({ figure }) => figure)))
  for (const { chart, draw } of figures) fit(chart, draw)
}
