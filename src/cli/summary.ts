import { otherDomain } from '../decide/name-limit.ts'
import { limits } from '../limits.ts'
import type { Figures } from '../record/figures.ts'
import type { LeftOut } from '../sources/left-out.ts'
import type { Terminal } from './command.ts'
import { describeLeftOut } from './left-out.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds, formatShare, formatTable, sortCounts } from './table.ts'
import { cleanName } from './wrap.ts'

/** What `--json` prints: the figures of a run. The seconds are of this process, where it ran the run. */
export interface Summary {
  readonly run: string
  readonly documents: number
  readonly kept: number
  /** Of the kept, those too short to be compared with others; undefined in a run that began before it was counted. */
  readonly uncompared?: number | undefined
  readonly dropped: Readonly<Record<string, number>>
  readonly dead: number
  /** Documents that were repaired, whatever became of them, and how many had which fault. */
  readonly repaired: number
  readonly repairs: Readonly<Record<string, number>>
  /** Records of a topic that only say that a key was deleted: they are no documents. */
  readonly tombstones: number
  /** Documents whose own domain was one too many: they are in the domain `other`. */
  readonly otherDomains: number
  /** What lies beside the input and is not read, by its kind. */
  readonly leftOut: readonly LeftOut[]
  readonly tokens: number
  readonly textBytes: number
  readonly seconds?: number
  readonly cpuSeconds?: number
  /** Columns that this process could not read and left out, where there are such. */
  readonly passedOver?: number
}

export function summaryOf(run: string, { decide, shard, tombstones, leftOut }: Figures): Summary {
  const { documents, kept, uncompared, dead, otherDomains, repaired, textBytes } = decide
  const dropped = Object.fromEntries(sortCounts(decide.dropped))
  const repairs = Object.fromEntries(sortCounts(decide.repairs))
  const { tokens } = shard
  return {
    run,
    documents,
    kept,
    uncompared,
    dropped,
    dead,
    repaired,
    repairs,
    tombstones,
    otherDomains,
    leftOut,
    tokens,
    textBytes,
  }
}

/** The summary for people. */
export function printSummary(summary: Summary, figures: Figures, dir: string, terminal: Terminal): void {
  const { documents, kept, uncompared, dead, dropped, repaired, repairs, tombstones, tokens } = summary
  const droppedAll = Object.values(dropped).reduce((a, b) => a + b, 0)
  const write = (text: string) => terminal.out.write(text)
  write(`\nrun ${summary.run} in ${dir}\n\n`)
  write(
    formatTable([
      ['documents', formatCount(documents), ''],
      ['  kept', formatCount(kept), formatShare(kept, documents)],
      ...(uncompared
        ? [['    too short to compare', formatCount(uncompared), formatShare(uncompared, documents)]]
        : []),
      ['  dropped', formatCount(droppedAll), formatShare(droppedAll, documents)],
      ...Object.entries(dropped).map(([reason, n]) => [
        `    ${cleanName(reason)}`,
        formatCount(n),
        formatShare(n, documents),
      ]),
      ['  dead', formatCount(dead), formatShare(dead, documents)],
      ...(repaired ? [['repaired', formatCount(repaired), formatShare(repaired, documents)]] : []),
      ...Object.entries(repairs).map(([fault, n]) => [
        `  ${cleanName(fault)}`,
        formatCount(n),
        formatShare(n, documents),
      ]),
      ...(tombstones ? [['tombstones, no documents', formatCount(tombstones), '']] : []),
    ]),
  )
  if (tokens > 0) {
    const { tokensByDomain, tokensByLanguage } = figures.shard
    write(`\n${formatTable([['tokens', formatCount(tokens), ''], ...shares(tokensByDomain, tokens)])}`)
    if (Object.keys(tokensByLanguage).length)
      write(`\n${formatTable([['tokens by language', '', ''], ...shares(tokensByLanguage, tokens)])}`)
  }
  if (summary.otherDomains > 0) write(`\n${describeOthers(summary.otherDomains)}\n`)
  if (summary.leftOut.length > 0) write(`\n${describeLeftOut(summary.leftOut)}\n`)
  write(`\n${describePace(summary, figures)}\n`)
}

function describeOthers(documents: number): string {
  const kept = `the first ${formatCount(limits.domainsMax)} of at most ${limits.nameLengthMax} characters are kept apart`
  return `${formatPlural(documents, 'document')} of further domains are in '${otherDomain}': ${kept}`
}

/** How much text, and what this process alone did of it. */
function describePace({ textBytes, seconds }: Summary, { readBytes, readBytesBefore }: Figures): string {
  const text = `${formatBytes(textBytes)} of text`
  if (seconds === undefined) return text
  const fresh = readBytes - readBytesBefore
  const pace = `${formatBytes(fresh)} read in ${formatSeconds(seconds)} (${formatBytes(fresh / seconds)}/s)`
  if (readBytesBefore > 0 && fresh === 0) return `${text}; all of it had been read before`
  return readBytesBefore > 0 ? `${text}; this time ${pace}` : `${text}; ${pace}`
}

const rowsMax = 12

function shares(counts: Readonly<Record<string, number>>, whole: number): string[][] {
  const sorted = sortCounts(counts)
  const rest = sorted.slice(rowsMax)
  const row = (name: string, n: number) => [`  ${name}`, formatCount(n), formatShare(n, whole)]
  const rows = sorted.slice(0, rowsMax).map(([name, n]) => row(cleanName(name) || '(none)', n))
  const left = rest.reduce((sum, [, n]) => sum + n, 0)
  return rest.length ? [...rows, row(`${rest.length} others`, left)] : rows
}
