import type UPlot from 'uplot'
import { formatBytes, formatShare, formatShort } from '../../text/figures.ts'
import type { History } from '../../watch/history.ts'
import { seriesKind } from '../charts.ts'
import { make } from './dom.ts'

declare const uPlot: typeof UPlot

/** A chart of some of the history's series. */
interface Panel {
  readonly title: string
  readonly series: (name: string) => string | null
  readonly format: (value: number) => string
  readonly range?: [number, number]
}

const panels: readonly Panel[] = [
  { title: 'Input, MB/s', series: only({ megabytesPerSecond: 'MB/s' }), format: value => value.toFixed(1) },
  {
    title: 'Documents a second',
    series: only({ documentsPerSecond: 'documents/s' }),
    format: value => formatShort(Math.round(value)),
  },
  {
    title: 'Kept share of the last minute',
    series: only({ keptShare: 'kept' }),
    format: value => formatShare(value, 1),
    range: [0, 1],
  },
  {
    title: 'Slots that wait',
    series: name => (name.startsWith('lag:') ? `before ${name.slice(4)}` : null),
    format: value => String(value),
  },
  { title: 'Memory', series: only({ memoryBytes: 'process', tableBytes: 'tables' }), format: formatBytes },
]

function only(names: Readonly<Record<string, string>>): Panel['series'] {
  return name => (Object.hasOwn(names, name) ? names[name] : null)
}

const heightPixels = 150
const pointsMax = 900

/** Charts of the last quarter of an hour. They are drawn anew when what they are of, the room for them or the colours change. */
export class Charts {
  readonly #parent: HTMLElement
  #names: readonly string[] = []
  #points: (readonly (number | null)[])[] = []
  #known: readonly number[] = []
  #drawn: {
    readonly plot: UPlot
    readonly columns: readonly number[]
    readonly figure: HTMLElement
    readonly panel: Panel
  }[] = []
  #width = 0

  constructor(parent: HTMLElement) {
    this.#parent = parent
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make())
    // Widths of charts follow from the panel's alone, so that drawing them never changes it.
    new ResizeObserver(() => {
      if (parent.clientWidth !== this.#width) this.#make()
    }).observe(parent)
  }

  begin({ names, points }: History): void {
    this.#points = [...points]
    this.#names = names
    this.#known = this.#findKnown()
    this.#make()
  }

  /** A point of other series begins the charts anew, as a stage came; what is known for the first time has a chart from then on. */
  add({ names, points }: History): void {
    if (names.join() !== this.#names.join()) return void this.begin({ names, points })
    this.#points.push(...points)
    if (this.#points.length > pointsMax) this.#points.splice(0, this.#points.length - pointsMax)
    const known = this.#findKnown()
    if (known.join() !== this.#known.join()) {
      this.#known = known
      return void this.#make()
    }
    for (const { plot, columns, figure, panel } of this.#drawn) {
      plot.setData(this.#dataOf(columns))
      this.#showLast(plot)
      figure.setAttribute('aria-label', this.#describe(panel, columns))
    }
  }

  #make(): void {
    for (const { plot } of this.#drawn) plot.destroy()
    this.#width = this.#parent.clientWidth
    const known = panels.map(panel => ({
      panel,
      columns: this.#known.filter(column => panel.series(this.#names[column - 1]) !== null),
    }))
    const some = known.filter(({ columns }) => columns.length > 0)
    const figures = some.map(({ panel, columns }) => {
      const figure = make(
        'figure',
        { role: 'img', 'aria-label': this.#describe(panel, columns) },
        make('figcaption', {}, panel.title),
      )
      return { panel, columns, figure }
    })
    this.#parent.replaceChildren(...figures.map(({ figure }) => figure))
    this.#drawn = figures.map(({ panel, columns, figure }) => {
      const plot = new uPlot(this.#options(panel, columns, figure.clientWidth), this.#dataOf(columns), figure)
      this.#showLast(plot)
      return { plot, columns, figure, panel }
    })
  }

  /** Values below a chart are those of now, but while somebody points at others. */
  #showLast(plot: UPlot): void {
    // The chart draws in a microtask, and sets them then.
    queueMicrotask(() => (plot.cursor.left ?? -1) < 0 && plot.setLegend({ idx: this.#points.length - 1 }))
  }

  /** The columns that have values. */
  #findKnown(): number[] {
    return this.#names.flatMap((_, i) => (this.#points.some(point => point[i + 1] !== null) ? [i + 1] : []))
  }

  #dataOf(columns: readonly number[]): UPlot.AlignedData {
    return [0, ...columns].map(column => this.#points.map(point => point[column])) as UPlot.AlignedData
  }

  /** What the chart says now, to who can't see it. */
  #describe({ title, series, format }: Panel, columns: readonly number[]): string {
    const last = this.#points.at(-1)
    const values = columns.map(column => {
      const value = last?.[column] ?? null
      return `${series(this.#names[column - 1])} ${value === null ? 'not known' : format(value)}`
    })
    return `${title}: ${values.join(', ')}`
  }

  #options(panel: Panel, columns: readonly number[], width: number): UPlot.Options {
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
    const axis = {
      stroke: colour('muted'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { stroke: colour('line'), width: 1 },
      font: '12px system-ui',
    }
    const format = (value: number | null) => (value === null ? '-' : panel.format(value))
    return {
      width,
      height: heightPixels,
      cursor: { drag: { x: false, y: false } },
      scales: {
        y: panel.range
          ? { range: panel.range }
          : { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] },
      },
      axes: [
        { ...axis, space: 70, values: (_, ticks) => ticks.map(formatClock) },
        { ...axis, size: 74, values: (_, ticks) => ticks.map(format) },
      ],
      series: [
        { value: (_, time) => (time === null ? '' : formatClock(time)) },
        ...columns.map((column, i) => ({
          label: panel.series(this.#names[column - 1])!,
          stroke: colour(seriesKind(i)),
          width: 1.5,
          spanGaps: false,
          value: (_: UPlot, value: number | null) => format(value),
        })),
      ],
    }
  }
}

/** Seconds since 1970 as `23:59:59`, where the reader is. */
const formatClock = (seconds: number) => new Date(1000 * seconds).toTimeString().slice(0, 8)
