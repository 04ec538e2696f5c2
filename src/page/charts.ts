import { formatCount, formatShare, formatShort } from '../text/figures.ts'
import { clipText } from '../text/printable.ts'
import { Html, type HtmlValue, html } from './html.ts'

// Charts as SVG, of data alone: pages draw them in the browser, pictures on the command line. Colours are classes, which style.ts fills.

/** What a document is in a chart, as a class: the four of a threshold, and two more reasons to go. */
export type Kind = 'kept' | 'rule' | 'other' | 'anew' | 'duplicate' | 'dead'

/** A chart and its size, so that it can stand in a picture with others. */
export interface Chart {
  readonly width: number
  readonly height: number
  readonly body: Html
}

/** A chart as an element of its own. `label` says to who can't see it what it shows. */
export function svgOf({ width, height, body }: Chart, label: string): Html {
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">${body}</svg>`
}

/** A place of a chart, as it is written. */
export const fix = (value: number) => String(Math.round(value * 10) / 10)

function rect(box: readonly [x: number, y: number, width: number, height: number], kind: string, title = ''): Html {
  const [x, y, width, height] = box.map(fix)
  const hint = title === '' ? null : html`<title>${title}</title>`
  return html`<rect x="${x}" y="${y}" width="${width}" height="${height}" class="${kind}">${hint}</rect>`
}

export function label(x: number, y: number, text: string, anchor = 'start', kind = 'axis'): Html {
  return html`<text x="${fix(x)}" y="${fix(y)}" text-anchor="${anchor}" class="${kind}">${text}</text>`
}

export const rule = (x1: number, y1: number, x2: number, y2: number, kind = 'grid') =>
  html`<line x1="${fix(x1)}" y1="${fix(y1)}" x2="${fix(x2)}" y2="${fix(y2)}" class="${kind}"/>`

/** Round numbers between two, about `count` of them, each a multiple of the same step. */
export function ticksBetween(from: number, to: number, count: number): number[] {
  if (!(to > from)) return [from]
  const step = niceStep((to - from) / count)
  const first = Math.ceil(from / step - 1e-9)
  const ticks: number[] = []
  for (let i = first; i * step <= to + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)))
  return ticks
}

/** The next of 1, 2, 5 and their multiples by powers of ten. */
export function niceStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size))
  return (([1, 2, 5].find(step => step * power >= size * 0.999) ?? 10) * power) as number
}

/** A value of an axis in few letters. */
export function formatTick(value: number): string {
  return Math.abs(value) >= 10_000 ? formatShort(value).replace('.0', '') : String(Number(value.toPrecision(4)))
}

export interface Bar {
  readonly name: string
  readonly value: number
  readonly kind: Kind | string
  /** Stands behind the bar; the count unless given. */
  readonly text?: string
}

/** Bars that lie, one a row, with their names before them. `most` is the value of a full one. */
export function drawBars(
  bars: readonly Bar[],
  width: number,
  most = Math.max(...bars.map(bar => bar.value), 0),
): Chart {
  const [row, left, right] = [24, Math.min(240, width * 0.36), width < 600 ? 60 : 110]
  const body = bars.map(({ name, value, kind, text }, i) => {
    const wide = most > 0 ? (Math.max(0, value) / most) * (width - left - right) : 0
    const shown = text ?? formatCount(value)
    return [
      label(left - 8, i * row + 16, clipText(name, Math.floor(left / 7)), 'end', 'name'),
      rect([left, i * row + 4, wide, row - 8], kind, `${name}: ${shown}`),
      label(left + wide + 6, i * row + 16, shown),
    ]
  })
  return { width, height: bars.length * row + 4, body: html`${body}` }
}

/** One bar of a table: `share` of the room that there is. */
export function drawShare(share: number, kind: Kind | string): Html {
  const wide = Math.max(0, Math.min(1, share)) * 100
  return html`<svg class="bar" width="100%" height="10" aria-hidden="true"><rect width="100%" height="10" class="track"/><rect width="${fix(wide)}%" height="10" class="${kind}"/></svg>`
}

/** Shares that add up to 1, one beside the other in a bar for each row. */
export function drawStacks(
  rows: readonly { readonly name: string; readonly shares: readonly number[] }[],
  width: number,
): Chart {
  const [row, left] = [26, 60]
  const body = rows.map(({ name, shares }, i) => {
    let x = left
    const parts = shares.map((share, k) => {
      const wide = share * (width - left)
      x += wide
      return rect([x - wide, i * row, wide, row - 6], seriesKind(k))
    })
    return [label(0, i * row + 14, name, 'start', 'name'), parts]
  })
  return { width, height: rows.length * row, body: html`${body}` }
}

/** A value beside the bound that it is held to, the upright line. */
export function drawGauge(value: number, bound: number, isBroken: boolean): Html {
  const full = 1.25 * Math.max(Math.abs(value), Math.abs(bound), Number.MIN_VALUE)
  const at = (one: number) => (Math.max(0, one) / full) * 70
  const [bar, line] = [fix(at(value)), fix(at(bound))]
  return html`<svg width="72" height="10" aria-hidden="true"><rect width="72" height="6" y="2" class="track"/><rect width="${bar}" height="6" y="2" class="${isBroken ? 'rule' : 'kept'}"/><line x1="${line}" x2="${line}" y1="0" y2="10" class="now"/></svg>`
}

/** Counts of values in bins of one width; each bin has a count for each kind, stacked from below. */
export interface Histogram {
  readonly from: number
  readonly to: number
  readonly kinds: readonly Kind[]
  readonly bins: readonly (readonly number[])[]
  readonly marks: readonly HistogramMark[]
  /** Heights are logarithms of counts. */
  readonly isLog: boolean
}
export interface HistogramMark {
  readonly value: number
  readonly text: string
  /** The side of it that is dropped. */
  readonly drops: 'below' | 'above' | null
  /** What is in force is drawn through, what was is dashed. */
  readonly isNow: boolean
}

export function drawHistogram(histogram: Histogram, width: number, height: number): Chart {
  const { from, to, kinds, bins, marks, isLog } = histogram
  const [left, top, bottom] = [46, 22, 24]
  const [wide, tall] = [width - left - 10, height - top - bottom]
  const most = Math.max(1, ...bins.map(bin => bin.reduce((sum, count) => sum + count, 0)))
  const scale = (count: number) => (isLog ? Math.log1p(count) / Math.log1p(most) : count / most)
  const x = (value: number) => left + Math.max(0, Math.min(1, (value - from) / (to - from))) * wide
  const y = (count: number) => top + tall - scale(count) * tall
  const step = wide / bins.length
  // A bin's height is of all in it, and its kinds share that: upon a scale of logarithms they would not be seen otherwise.
  const columns = bins.map((bin, i) => {
    const all = bin.reduce((sum, count) => sum + count, 0)
    let at = top + tall
    return bin.map((count, k) => {
      const high = all > 0 ? (count / all) * scale(all) * tall : 0
      at -= high
      return count === 0
        ? null
        : rect([left + i * step, at, Math.max(0.5, step - 1), high], kinds[k], formatCount(count))
    })
  })
  const shaded = marks.map(({ value, drops, isNow }) => {
    if (drops === null || !isNow) return null
    const [start, end] = drops === 'below' ? [left, x(value)] : [x(value), left + wide]
    return rect([start, top, Math.max(0, end - start), tall], 'shade')
  })
  const powers = Array.from({ length: 16 }, (_, i) => (i % 2 ? 3 : 1) * 10 ** (i >> 1)).filter(count => count <= most)
  const counts = isLog ? powers : ticksBetween(0, most, 4).filter(Number.isInteger)
  const grid = counts.map(count => [
    rule(left, y(count), left + wide, y(count)),
    label(left - 6, y(count) + 4, formatTick(count), 'end'),
  ])
  const values = ticksBetween(from, to, Math.max(2, Math.floor(wide / 90)))
  const axis = values.map(value => label(x(value), height - 6, formatTick(value), 'middle'))
  const lines = marks.map(({ value, text, isNow }) => {
    const isRight = x(value) > left + wide * 0.6
    return [
      rule(x(value), top, x(value), top + tall, isNow ? 'now' : 'was'),
      text === '' ? null : label(x(value) + (isRight ? -6 : 6), 14, text, isRight ? 'end' : 'start', 'name'),
    ]
  })
  return {
    width,
    height,
    body: html`${shaded}${grid}${columns}${rule(left, top + tall, left + wide, top + tall)}${axis}${lines}`,
  }
}

/** Points of a chart from left to right: what each is called, as `step 10`. */
export interface Series {
  readonly names: readonly string[]
  readonly points: readonly { readonly at: string; readonly values: readonly number[] }[]
}

interface Plot {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly x: (point: number) => number
  readonly y: (share: number) => number
  readonly frame: Html
}

/** The room for points, with shares from 0 to 1 beside it and some of the points' names below. */
function plotOf(points: Series['points'], width: number, height: number): Plot {
  const [left, top, bottom, right] = [44, 8, 24, 14]
  const [wide, tall] = [width - left - right, height - top - bottom]
  const x = (point: number) => left + (points.length > 1 ? (point / (points.length - 1)) * wide : wide / 2)
  const y = (share: number) => top + (1 - share) * tall
  const shown = ticksBetween(0, Math.max(1, points.length - 1), Math.max(1, Math.floor(wide / 90))).filter(
    point => Number.isInteger(point) && point < points.length,
  )
  const names = shown.map((point, i) => {
    const anchor = i === 0 ? 'start' : point === points.length - 1 ? 'end' : 'middle'
    return label(x(point), height - 6, points[point].at, anchor)
  })
  const shares = [0, 0.25, 0.5, 0.75, 1].map(share => [
    rule(left, y(share), left + wide, y(share)),
    share % 0.5 === 0 ? label(left - 6, y(share) + 4, formatShare(share, 1).replace('.0', ''), 'end') : null,
  ])
  return { width, height, left, x, y, frame: html`${shares}${names}` }
}

/** Classes of series, in the order of their names; the last is that of all others. */
export const seriesMax = 10
export const seriesKind = (index: number) => `s${Math.min(index, seriesMax - 1)}`

/** Shares that add up to 1 at each point, one upon the other. */
export function drawArea({ names, points }: Series, width: number, height: number): Chart {
  const { x, y, frame } = plotOf(points, width, height)
  // One point alone would have no width.
  const all = points.length === 1 ? [points[0], points[0]] : points
  const at = (i: number) => (points.length === 1 ? (i === 0 ? x(0) - 20 : x(0) + 20) : x(i))
  const sums = all.map(() => 0)
  const areas = names.map((name, k) => {
    const low = sums.map((sum, i) => `${fix(at(i))},${fix(y(sum))}`)
    for (const [i, { values }] of all.entries()) sums[i] = Math.min(1, sums[i] + values[k])
    const high = sums.map((sum, i) => `${fix(at(i))},${fix(y(sum))}`)
    const line = [...high, ...low.reverse()].join(' ')
    return html`<polygon points="${line}" class="${seriesKind(k)}"><title>${name}</title></polygon>`
  })
  return { width, height, body: html`${frame}${areas}` }
}

/** A share at each point, beside that of all together. NaN breaks the line. */
export function drawLine({ points }: Series, mean: number, width: number, height: number): Chart {
  const { x, y, left, frame } = plotOf(points, width, height)
  const shown = points.map(({ at, values }, i) => ({ at, share: values[0], i })).filter(({ share }) => share >= 0)
  const path = shown
    .map(({ share, i }, k) => `${k > 0 && shown[k - 1].i === i - 1 ? 'L' : 'M'}${fix(x(i))} ${fix(y(share))}`)
    .join('')
  const dots = shown.map(({ at, share, i }) => {
    const hint = `${at}: ${formatShare(share, 1)}`
    return html`<circle cx="${fix(x(i))}" cy="${fix(y(share))}" r="${points.length > 80 ? 1.5 : 3}" class="kept"><title>${hint}</title></circle>`
  })
  const all = html`${rule(left, y(mean), x(points.length - 1), y(mean), 'was')}`
  return { width, height, body: html`${frame}${all}<path d="${path}" class="line"/>${dots}` }
}

/** Names beside their colours, in as many lines as they need. */
export function drawLegend(items: readonly { readonly name: string; readonly kind: string }[], width: number): Chart {
  let [x, y] = [0, 0]
  const body = items.map(({ name, kind }) => {
    const shown = clipText(name, 32)
    const wide = 28 + shown.length * 7
    if (x > 0 && x + wide > width) [x, y] = [0, y + 20]
    const item = [rect([x, y + 3, 11, 11], kind), label(x + 16, y + 13, shown, 'start', 'name')]
    x += wide
    return item
  })
  return { width, height: items.length > 0 ? y + 20 : 0, body: html`${body}` }
}

/** Shares in a table of colours: a row a name, a column a name. Below `least` a cell has no number. */
export interface Heat {
  readonly columns: readonly string[]
  readonly rows: readonly { readonly name: string; readonly shares: readonly number[] }[]
  readonly kinds: readonly (Kind | string)[]
}

/** How strong the colour of a share is, from 0 to 9. */
export const heatLevel = (share: number) => (share > 0 ? Math.min(9, Math.ceil(Math.sqrt(share) * 9)) : 0)

export const formatCell = (share: number) => (share === 0 ? '' : share < 0.005 ? '·' : `${Math.round(share * 100)}%`)

export function drawHeat({ columns, rows, kinds }: Heat, width: number): Chart {
  const [left, top, row] = [150, 150, 24]
  const step = Math.min(56, (width - left - 30) / Math.max(1, columns.length))
  const names = columns.map((name, i) => {
    const [x, y] = [left + (i + 0.5) * step + 4, top - 8]
    return html`<text transform="translate(${fix(x)} ${y}) rotate(-55)" class="name">${clipText(name, 26)}</text>`
  })
  const cells = rows.map(({ name, shares }, i) => [
    label(left - 8, top + i * row + 16, clipText(name, 20), 'end', 'name'),
    shares.map((share, k) => [
      rect([left + k * step, top + i * row, step - 1, row - 1], `${kinds[k]} heat${heatLevel(share)}`),
      label(left + (k + 0.5) * step, top + i * row + 16, formatCell(share), 'middle', 'name'),
    ]),
  ])
  return { width, height: top + rows.length * row + 4, body: html`${names}${cells}` }
}

/** Charts one under the other in a picture that is a file of its own, with a title and in light and dark. */
export function drawPicture(title: string, below: string, charts: readonly Chart[], style: string): string {
  const width = Math.max(...charts.map(chart => chart.width)) + 48
  let y = below === '' ? 52 : 72
  const placed = charts.map(chart => {
    const part = html`<g transform="translate(24 ${fix(y)})">${chart.body}</g>`
    y += chart.height + 10
    return part
  })
  const heads = [label(24, 34, title, 'start', 'title'), below === '' ? null : label(24, 54, below)]
  const all: HtmlValue = [
    html`<rect x="0.5" y="0.5" width="${width - 1}" height="${fix(y + 7)}" rx="8" class="sheet"/>`,
    heads,
    placed,
  ]
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${fix(y + 8)}" width="${width}" height="${fix(y + 8)}" role="img" aria-label="${title}"><style>${new Html(style)}</style>${all}</svg>
`.text
}
