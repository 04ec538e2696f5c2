/** A metric of a scrape: its type, and values by `name{label="value"}` as they stand in the text. */
export interface Scraped {
  readonly type: string
  readonly help: string
  readonly samples: Map<
    string,
    { readonly name: string; readonly labels: Record<string, string>; readonly value: number }
  >
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const sampleLine = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (\\S+)$`, 's')
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y
const escapes: Record<string, string> = { '\\n': '\n', '\\\\': '\\', '\\"': '"' }

/** Parses Prometheus's text format 0.0.4, as strictly as we write it. Throws for anything else, and for what a counter may not be. */
export function parseMetrics(text: string): Map<string, Scraped> {
  const metrics = new Map<string, Scraped>()
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  let help: RegExpExecArray | null = null
  let current: Scraped | null = null
  let name = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const type: RegExpExecArray | null = new RegExp(`^# TYPE (${metricName}) (counter|gauge|histogram)$`).exec(line)
    if (type) {
      if (help?.[1] !== type[1]) throw new Error(`no HELP before '${line}'`)
      if (metrics.has(type[1])) throw new Error(`${type[1]} comes twice`)
      name = type[1]
      current = { type: type[2], help: help[2], samples: new Map() }
      metrics.set(name, current)
      if (current.type === 'counter' && !name.endsWith('_total')) throw new Error(`the counter ${name} is no _total`)
      if (current.type !== 'counter' && name.endsWith('_total')) throw new Error(`${name} is no counter`)
    } else if (line.startsWith('#')) {
      help = new RegExp(`^# HELP (${metricName}) (.+)$`).exec(line)
      if (!help) throw new Error(`not understood: '${line}'`)
    } else addSample(current, name, line)
  }
  for (const [metric, scraped] of metrics) checkMetric(metric, scraped)
  return metrics
}

function addSample(metric: Scraped | null, name: string, line: string): void {
  const found = sampleLine.exec(line)
  if (!found || !metric) throw new Error(`not understood: '${line}'`)
  const [, full, labels = '', digits] = found
  const suffix = full.slice(name.length)
  const suffixes = metric.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
  if (!full.startsWith(name) || !suffixes.includes(suffix)) throw new Error(`'${line}' stands below ${name}`)
  const value = digits === '+Inf' ? Number.POSITIVE_INFINITY : Number(digits)
  if (Number.isNaN(value) && digits !== 'NaN') throw new Error(`no number: '${line}'`)
  const key = `${full}{${labels}}`
  if (metric.samples.has(key)) throw new Error(`${key} comes twice`)
  metric.samples.set(key, { name: full, labels: parseLabels(labels), value })
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = Object.create(null)
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < text.length) {
    const at = labelPair.lastIndex
    const pair = labelPair.exec(text)
    if (!pair) throw new Error(`not understood from ${at} on: '${text}'`)
    if (pair[1] in labels) throw new Error(`the label ${pair[1]} comes twice`)
    labels[pair[1]] = pair[2].replace(/\\[n\\"]/g, found => escapes[found])
  }
  return labels
}

function checkMetric(name: string, { type, samples }: Scraped): void {
  if (samples.size === 0) throw new Error(`${name} has no sample`)
  if (type === 'gauge') return
  for (const [key, { value }] of samples) if (!(value >= 0)) throw new Error(`${key} is ${value}`)
  if (type !== 'histogram') return
  const groups = Map.groupBy(samples.values(), ({ labels: { le: _, ...rest } }) => JSON.stringify(rest))
  for (const [labels, group] of groups) {
    const buckets = group.filter(sample => sample.name.endsWith('_bucket'))
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)))
    const isRising = buckets.every(
      (bucket, i) => i === 0 || (bounds[i] > bounds[i - 1] && bucket.value >= buckets[i - 1].value),
    )
    const count = group.find(sample => sample.name.endsWith('_count'))?.value
    if (!isRising || bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)!.value !== count)
      throw new Error(`${name}${labels} is no histogram`)
  }
}

/** The value of one series, or undefined. */
export function readSample(
  metrics: Map<string, Scraped>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const wanted = Object.entries(labels)
  const samples = [...(metrics.get(name)?.samples.values() ?? [])]
  return samples.find(sample => wanted.every(([label, value]) => sample.labels[label] === value))?.value
}
