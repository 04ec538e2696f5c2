import { basename } from 'node:path'
import { limits } from '../limits.ts'
import { formatCount, formatShare } from '../text/figures.ts'
import { cleanName } from '../text/printable.ts'
import type { BandRecall } from './band-recall.ts'
import {
  type Chart,
  drawArea,
  drawBars,
  drawHeat,
  drawHistogram,
  drawLegend,
  drawPicture,
  seriesKind,
} from './charts.ts'
import type { Counts } from './collect.ts'
import { funnelOf, kindOfReason } from './funnel.ts'
import { describeRecall, drawRecall } from './recall-picture.ts'
import type { Report } from './report.ts'
import { pictureStyle } from './style.ts'

const width = 720
const barsMax = 20

/** Pictures of a run, by the names of their files, and what it has no data for. `recall`: what its bands meet, or why that is not known. */
export function drawPictures(
  report: Report,
  recall: BandRecall | string,
): { pictures: Map<string, string>; missing: string[] } {
  const { collection, standing, mixture, run } = report
  const name = cleanName(basename(run.dir))
  const { totals } = standing.decide
  const pictures = new Map<string, string>()
  const missing: string[] = []
  const add = (file: string, title: string, below: string, charts: readonly Chart[]) =>
    pictures.set(`${file}.svg`, drawPicture(title, below, charts, pictureStyle))
  const records = `${formatCount(totals.documents)} records of run ${name}`
  add('funnel', 'What is left after each stage', records, [
    drawBars(withShares(funnelOf(totals, collection.parts)), width),
  ])
  add(
    'kept-by-domain',
    'Kept share by domain',
    'documents that are kept, of those measured',
    keptBars(collection.byDomain),
  )
  if (collection.byLanguage.size > 0)
    add(
      'kept-by-language',
      'Kept share by language',
      'documents that are kept, of those measured',
      keptBars(collection.byLanguage),
    )
  else missing.push('kept-by-language.svg: this run did not identify languages')
  if (collection.byDomain.size > 0)
    add('lost-by-domain', 'What each domain lost, and to what', 'share of its documents; · is less than 0.5%', [
      lostHeat(report),
    ])
  const scores = scoreCharts(report)
  if (scores.length > 0)
    add('scores', 'How scores lie', 'documents by each column, kept below and others above', scores)
  else missing.push('scores.svg: this run has no column of scores')
  if (mixture)
    add(
      'mixture',
      'What the trainer sees',
      `share of each domain in the tokens of ${mixture.stepsOfPoint === 1 ? 'each step' : `${mixture.stepsOfPoint} steps each`}`,
      mixtureCharts(mixture),
    )
  else missing.push('mixture.svg: there is no step of a feed')
  if (typeof recall === 'string') missing.push(`recall.svg: ${recall}`)
  else add('recall', 'Near duplicates that share a band', describeRecall(recall), drawRecall(recall, width))
  return { pictures, missing }
}

function withShares(bars: ReturnType<typeof funnelOf>) {
  return bars.map(bar => ({ ...bar, text: `${formatCount(bar.value)}, ${formatShare(bar.value, bars[0].value)}` }))
}

/** The largest groups with their kept shares; all others are one. */
function keptBars(groups: Counts): Chart[] {
  const all = [...groups].map(([name, counts]) => {
    const sum = [...counts.values()].reduce((total, count) => total + count, 0)
    return { name: cleanName(name) || '(none)', sum, kept: counts.get('') ?? 0 }
  })
  const sorted = all.sort((a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1))
  const shown = sorted.slice(0, sorted.length > barsMax ? barsMax - 1 : barsMax)
  const rest = sorted.slice(shown.length)
  const total = (name: 'sum' | 'kept') => rest.reduce((sum, one) => sum + one[name], 0)
  if (rest.length > 0)
    shown.push({ name: `${formatCount(rest.length)} others`, sum: total('sum'), kept: total('kept') })
  const bars = shown.map(({ name, sum, kept }) => {
    return { name, value: kept / sum, kind: 'kept', text: `${formatShare(kept, sum)} of ${formatCount(sum)}` }
  })
  return [drawBars(bars, width, 1)]
}

/** The largest domains, and the reasons that took most. */
function lostHeat({ collection: { byDomain, parts, dead } }: Report): Chart {
  const sums = new Map<string, number>()
  for (const counts of byDomain.values())
    for (const [reason, count] of counts) sums.set(reason, (sums.get(reason) ?? 0) + count)
  sums.delete('')
  const reasons = ['', ...[...sums].sort((a, b) => b[1] - a[1]).map(([reason]) => reason)].slice(0, heatColumns)
  const all = [...byDomain].map(([name, counts]) => {
    const sum = [...counts.values()].reduce((total, count) => total + count, 0)
    return { name: cleanName(name) || '(none)', sum, shares: reasons.map(reason => (counts.get(reason) ?? 0) / sum) }
  })
  const rows = all.sort((a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1)).slice(0, barsMax)
  const kinds = reasons.map(reason => (reason === '' ? 'kept' : kindOfReason(reason, parts, dead)))
  return drawHeat({ columns: reasons.map(reason => cleanName(reason) || 'kept'), rows, kinds }, width)
}

const heatColumns = 10

function scoreCharts({ collection }: Report): Chart[] {
  const rows = collection.rows.all()
  return collection.valueColumns.slice(0, limits.reportPicturesMax).flatMap(name => {
    const at = collection.columns.indexOf(name)
    const found = rows.flatMap(({ values, reason }) => {
      const value = values[at]
      return typeof value === 'number' && Number.isFinite(value) ? [{ value, isKept: reason === 0 }] : []
    })
    const sorted = found.map(({ value }) => value).sort((a, b) => a - b)
    const [from, to] = [0.01, 0.99].map(share => sorted[Math.floor(share * (sorted.length - 1))])
    if (!(to > from)) return []
    const bins = Array.from({ length: 40 }, () => [0, 0])
    for (const { value, isKept } of found)
      bins[Math.max(0, Math.min(39, Math.floor(((value - from) / (to - from)) * 40)))][isKept ? 0 : 1]++
    const chart = drawHistogram({ from, to, kinds: ['kept', 'other'], bins, marks: [], isLog: false }, width, 150)
    return [drawLegend([{ name, kind: 'kept' }], width), chart]
  })
}

function mixtureCharts({ names, points }: NonNullable<Report['mixture']>): Chart[] {
  const sums = points.map(({ tokens }) => tokens.reduce((sum, one) => sum + one, 0))
  const shares = points.map(({ step, tokens }, i) => ({
    at: `step ${step}`,
    values: tokens.map(one => one / (sums[i] || 1)),
  }))
  const legend = names.map((name, i) => ({ name, kind: seriesKind(i) }))
  return [drawArea({ names, points: shares }, width, 260), drawLegend(legend, width)]
}
