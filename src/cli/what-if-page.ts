import { basename } from 'node:path'
import type { RunReader } from '../record/run-reader.ts'
import type { TokenRates } from '../record/token-rates.ts'
import type { Amount } from '../what-if/amounts.ts'
import type { Answer, Sample } from '../what-if/answer.ts'
import type { BrokenRule } from '../what-if/broken-rules.ts'
import type { Tally } from '../what-if/tally.ts'
import type { Terminal } from './command.ts'
import { describeRule } from './reasons.ts'
import { formatBytes, formatCount, formatMeasured, formatPlural, formatTable } from './table.ts'
import { type About, describeSample, documentsOf, groupsOf, movesOf, reasonsOf } from './what-if-json.ts'
import { cleanName, cleanPath, pageWidth, wrapText } from './wrap.ts'

/** Rows of a table that may be long. */
const rowsMax = 25

/** The answer for people. */
export async function printAnswer(run: RunReader, about: About, answer: Answer, terminal: Terminal): Promise<void> {
  const { tallies, rates, broken, documents, dead } = answer
  const [tally] = tallies
  const write = (text: string) => terminal.out.write(text)
  const paragraph = (text: string) => write(`\n${wrapText(text, pageWidth(terminal)).join('\n')}\n`)
  write(`run ${basename(run.dir)}, ${formatPlural(documents, 'document')}\n${describeChange(about)}\n`)
  write(formatTable([['', 'now', 'then', 'change'], ...amountRows(tally, rates), ...reasonRows(tally, dead)]))
  if (tally.unmeasured.size > 0) paragraph(describeUnmeasured(tally))
  if (tally.tried.isEstimate && rates.of('') > 0)
    paragraph("~ tokens of returning documents are an estimate: their bytes at the rate of their language's kept ones.")
  if (tally.moves.size > 0) write(`\nchanged fates\n${moveRows(tally)}`)
  for (const [title, list] of [
    ['would return', answer.returned],
    ['would go', answer.removed],
    ['need a replay', answer.unmeasured],
  ] as const)
    if (list.length > 0) write(`\n${title}, some\n${await sampleRows(run, list)}`)
  if (tally.groups.size > 0) write(`\n${groupRows(tally, rates)}`)
  write(`\n${ruleRows(broken.rules)}`)
  paragraph(
    'broken: documents that break the rule; alone: that break no other, so that loosening it brings back at most these; first: that are dropped for it.',
  )
  if (!answer.isEnded) paragraph(`The run has not ended: this is of the slots before ${answer.slots[1]}.`)
  if (answer.slots[0] > 0) paragraph(`Slots before ${answer.slots[0]} were trimmed and are not in this.`)
}

/** The thresholds of a sweep for people. */
export function printSweep(sweep: string, values: readonly number[], answer: Answer, terminal: Terminal): void {
  const { tallies, rates } = answer
  const hasUnmeasured = tallies.some(({ unmeasured }) => unmeasured.size > 0)
  const row = (name: string, amount: Amount, unmeasured: number | null) => [
    name,
    ...[formatCount(amount.documents), formatBytes(amount.bytes), formatTokens(amount, rates)],
    ...(hasUnmeasured ? [unmeasured === null ? '' : formatCount(unmeasured)] : []),
  ]
  const head = [
    sweep.slice(0, sweep.indexOf('=')),
    'kept',
    'bytes',
    'tokens',
    ...(hasUnmeasured ? ['need a replay'] : []),
  ]
  const points = tallies.map((tally, i) => row(String(values[i]), tally.tried, documentsOf(tally.unmeasured)))
  terminal.out.write(formatTable([head, row('now', tallies[0].now, null), ...points]))
  if (!answer.isEnded) terminal.out.write(`\nThe run has not ended: this is of the slots before ${answer.slots[1]}.\n`)
}

function describeChange({ changed, deciders }: About): string {
  const rule = (sign: string) => (one: BrokenRule['rule']) => `  ${sign} drops ${describeRule(one)} (${one.reason})\n`
  const options = [...deciders].map(
    ([name, change]) => `  ${change ? `+ ${name} ${JSON.stringify(change)}` : `- ${name}`}\n`,
  )
  const lines = [...changed.without.map(rule('-')), ...changed.with.map(rule('+')), ...options]
  return lines.length ? lines.join('') : '  as it was decided\n'
}

function sign(text: string, change: number): string {
  if (change === 0) return ''
  return change > 0 ? `+${text}` : `-${text}`
}

function amountRows({ now, tried }: Pick<Tally, 'now' | 'tried'>, rates: TokenRates): string[][] {
  const row = (name: string, of: (amount: Amount) => number | null, format: (value: number) => string) => {
    const [before, after] = [of(now) ?? 0, of(tried) ?? 0]
    return [name, format(before), format(after), sign(format(Math.abs(after - before)), after - before)]
  }
  const tokens = row('  tokens', amount => amount.tokens(rates), formatCount)
  const mark = (cell: string) => (cell === '' ? cell : `~${cell}`)
  const marked = tried.isEstimate ? [...tokens.slice(0, 2), ...tokens.slice(2).map(mark)] : tokens
  const rows = [
    row('kept', amount => amount.documents, formatCount),
    row('  bytes', amount => amount.bytes, formatBytes),
  ]
  return now.tokens(rates) === null ? rows : [...rows, marked]
}

function reasonRows(tally: Tally, dead: number): string[][] {
  const row = (name: string, now: number, then: number) => [
    name,
    ...[formatCount(now), formatCount(then), sign(formatCount(Math.abs(then - now)), then - now)],
  ]
  const reasons = reasonsOf(tally)
  const sum = (at: 1 | 2) => reasons.reduce((all, reason) => all + reason[at], 0)
  const replay = documentsOf(tally.unmeasured)
  return [
    row('dropped', sum(1), sum(2)),
    ...reasons.map(([name, now, then]) => row(`  ${cleanName(name)}`, now, then)),
    ...(replay > 0 ? [row('need a replay', 0, replay)] : []),
    ...(dead > 0 ? [row('dead', dead, dead)] : []),
  ]
}

function describeUnmeasured({ unmeasured }: Tally): string {
  const documents = documentsOf(unmeasured)
  const bytes = [...unmeasured.values()].reduce((sum, amount) => sum + amount.bytes, 0)
  const reasons = [...unmeasured].map(([reason, amount]) => `${cleanName(reason)} ${formatCount(amount.documents)}`)
  return `${formatPlural(documents, 'document')} (${formatBytes(bytes)}) would pass the gate that stopped them (${reasons.join(', ')}) and were measured no further: only a replay tells whether they would be kept. The other figures are exact as long as none of them is.`
}

function moveRows(tally: Tally): string {
  const moves = movesOf(tally)
  const name = (fate: string | null) => (fate === null ? 'kept' : cleanName(fate))
  const rows = moves
    .slice(0, rowsMax)
    .map(({ from, to, documents }) => [`  ${name(from)}`, '→', name(to), formatCount(documents)])
  return formatTable(rows, [0, 1, 2]) + describeMore(moves.length)
}

async function sampleRows(run: RunReader, list: readonly Sample[]): Promise<string> {
  const rows: string[] = []
  for (const sample of list) {
    const { id, file, line, from, to, evidence, duplicateOf } = await describeSample(run, sample)
    const measured = evidence === null ? '' : ` ${cleanName(formatMeasured(evidence))}`
    const partner = duplicateOf === null ? '' : ` of ${cleanName(duplicateOf)}`
    const why = `${from ?? 'kept'} → ${to ?? 'kept'},${measured}${partner}`.replace(/,$/, '')
    rows.push(`  ${cleanName(id)}  ${cleanPath(file)}:${line}\n    ${why}\n`)
  }
  return rows.join('')
}

function groupRows(tally: Tally, rates: TokenRates): string {
  const groups = groupsOf(tally)
  const rows = groups.slice(0, rowsMax).map(([name, { documents, now, tried }]) => {
    const change = tried.documents - now.documents
    return [
      `  ${cleanName(name) || '(none)'}`,
      ...[documents, now.documents, tried.documents].map(formatCount),
      sign(formatCount(Math.abs(change)), change),
      ...[formatBytes(now.bytes), formatBytes(tried.bytes)],
      ...[formatTokens(now, rates), formatTokens(tried, rates)],
    ]
  })
  const head = ['', 'documents', 'kept', 'then', 'change', 'bytes', 'then', 'tokens', 'then']
  return formatTable([head, ...rows]) + describeMore(groups.length)
}

function ruleRows(rules: readonly BrokenRule[]): string {
  const sorted = [...rules].sort((a, b) => b.broken - a.broken)
  const rows = sorted.map(({ rule, broken, alone, first, unmeasured }) => [
    `${describeRule(rule)}`,
    rule.reason,
    ...[broken, alone, first, unmeasured].map(formatCount),
  ])
  return formatTable([['rule', 'reason', 'broken', 'alone', 'first', 'not measured'], ...rows], [0, 1])
}

function formatTokens(amount: Amount, rates: TokenRates): string {
  const tokens = amount.tokens(rates)
  return tokens === null ? '-' : `${amount.isEstimate ? '~' : ''}${formatCount(tokens)}`
}

const describeMore = (rows: number) => (rows > rowsMax ? `  and ${rows - rowsMax} more\n` : '')
