import type { DecideTotals, ShardTotals } from '../record/totals.ts'
import type { Terminal } from './command.ts'
import { formatBytes, formatCount, formatSeconds, formatShare, formatTable } from './table.ts'

/** What a run has counted, and what of its input was read: by whom it went on before, and in all. */
export interface Figures {
  readonly decide: DecideTotals
  readonly shard: ShardTotals
  readonly readBytes: number
  readonly readBytesBefore: number
}

/** What `--json` prints: the figures of a run. `seconds` and `cpuSeconds` are of this process alone. */
export interface Summary {
  readonly run: string
  readonly documents: number
  readonly kept: number
  readonly dropped: Readonly<Record<string, number>>
  readonly dead: number
  readonly tokens: number
  readonly textBytes: number
  readonly seconds: number
  readonly cpuSeconds: number
}

export function summaryOf(run: string, figures: Figures, time: { seconds: number; cpuSeconds: number }): Summary {
  const { documents, kept, dead, textBytes } = figures.decide
  const { tokens } = figures.shard
  const round = (seconds: number) => Math.round(seconds * 1000) / 1000
  const reasons = Object.entries(figures.decide.dropped).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const dropped = Object.fromEntries(reasons)
  const seconds = round(time.seconds)
  const cpuSeconds = round(time.cpuSeconds)
  return { run, documents, kept, dropped, dead, tokens, textBytes, seconds, cpuSeconds }
}

/** The summary for people. */
export function printSummary(summary: Summary, figures: Figures, dir: string, terminal: Terminal): void {
  const { documents, kept, dead, dropped, tokens } = summary
  const droppedAll = Object.values(dropped).reduce((a, b) => a + b, 0)
  const write = (text: string) => terminal.out.write(text)
  write(`\nrun ${summary.run} in ${dir}\n\n`)
  write(
    formatTable([
      ['documents', formatCount(documents), ''],
      ['  kept', formatCount(kept), formatShare(kept, documents)],
      ['  dropped', formatCount(droppedAll), formatShare(droppedAll, documents)],
      ...Object.entries(dropped).map(([reason, n]) => [`    ${reason}`, formatCount(n), formatShare(n, documents)]),
      ['  dead', formatCount(dead), formatShare(dead, documents)],
    ]),
  )
  if (tokens > 0) {
    const { tokensByDomain, tokensByLanguage } = figures.shard
    write(`\n${formatTable([['tokens', formatCount(tokens), ''], ...shares(tokensByDomain, tokens)])}`)
    if (Object.keys(tokensByLanguage).length)
      write(`\n${formatTable([['tokens by language', '', ''], ...shares(tokensByLanguage, tokens)])}`)
  }
  write(`\n${describePace(summary, figures)}\n`)
}

/** How much text, and what this process alone did of it. */
function describePace({ textBytes, seconds }: Summary, { readBytes, readBytesBefore }: Figures): string {
  const text = `${formatBytes(textBytes)} of text`
  if (seconds === 0) return text
  const fresh = readBytes - readBytesBefore
  const pace = `${formatBytes(fresh)} read in ${formatSeconds(seconds)} (${formatBytes(fresh / seconds)}/s)`
  if (readBytesBefore > 0 && fresh === 0) return `${text}; all of it had been read before`
  return readBytesBefore > 0 ? `${text}; this time ${pace}` : `${text}; ${pace}`
}

const rowsMax = 12

function shares(counts: Readonly<Record<string, number>>, whole: number): string[][] {
  const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const rest = sorted.slice(rowsMax)
  const rows = sorted
    .slice(0, rowsMax)
    .map(([name, n]) => [`  ${name || '(none)'}`, formatCount(n), formatShare(n, whole)])
  const left = rest.reduce((sum, [, n]) => sum + n, 0)
  return rest.length ? [...rows, [`  ${rest.length} others`, formatCount(left), formatShare(left, whole)]] : rows
}
