import { cleanName } from '../text/printable.ts'

/** One value of a metric. `suffix` is what a histogram's parts add to the name. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** The content type of what `formatMetrics` gives. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** Metrics in Prometheus's text format 0.0.4. One without a sample is left out. */
export function formatMetrics(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(
        ({ suffix = '', labels, value }) => `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}\n`,
      )
      return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
}

function formatLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length ? `{${pairs.join(',')}}` : ''
}

const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"')

function formatValue(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}

/** Counts of observed values by upper bounds. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  /** `bounds`: rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    const index = this.#bounds.findIndex(bound => value <= bound)
    if (index >= 0) this.#counts[index]++
    this.#sum += value
    this.#count++
  }

  samples(labels: Sample['labels']): Sample[] {
    let sum = 0
    const buckets = this.#bounds.map((bound, i): Sample => {
      sum += this.#counts[i]
      return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: sum }
    })
    return [
      ...buckets,
      { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: this.#count },
      { suffix: '_sum', labels, value: this.#sum },
      { suffix: '_count', labels, value: this.#count },
    ]
  }
}

/** Names from documents as values of a label: cut short, and the first `max` of them; the others share one. */
export class LabelValues {
  readonly #known = new Set<string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  of(name: string): string {
    const value = cleanName(name, columnsMax)
    if (this.#known.has(value)) return value
    if (this.#known.size >= this.#max) return others
    this.#known.add(value)
    return value
  }

  /** Counts by name as counts by value. */
  group(counts: Iterable<readonly [name: string, count: number]>): Map<string, number> {
    const groups = new Map<string, number>()
    for (const [name, count] of counts) {
      const value = this.of(name)
      groups.set(value, (groups.get(value) ?? 0) + count)
    }
    return groups
  }
}

const columnsMax = 128
const others = '(others)'
