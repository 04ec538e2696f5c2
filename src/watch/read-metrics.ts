/** A value that a status server gave, with its labels. */
export interface Metric {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y
const escapes: Readonly<Record<string, string>> = { n: '\n', '\\': '\\', '"': '"' }

/** The samples of Prometheus's text format 0.0.4 as `formatMetrics` writes it. Lines that are no samples are passed over. */
export function readMetrics(text: string): Metric[] {
  return text.split('\n').flatMap(row => {
    const [, name, labels = '', value] = line.exec(row) ?? []
    return name === undefined ? [] : [{ name, labels: readLabels(labels), value: readValue(value) }]
  })
}

function readValue(text: string): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
}

/** Names stand for reasons of pipelines: any name may come. */
function readLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null)
  pair.lastIndex = 0
  for (let found = pair.exec(text); found; found = pair.exec(text))
    labels[found[1]] = found[2].replace(/\\(.)/g, (whole, sign) => escapes[sign] ?? whole)
  return labels
}
