import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { slotOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { sampleByReason } from '../inspect/samples.ts'
import type { LocatedFate } from '../record/fate.ts'
import type { RunReader } from '../record/run-reader.ts'
import { compareLines, differenceStart } from '../text/compare-lines.ts'
import { type Command, runOptions, type Terminal } from './command.ts'
import { openRun } from './find-run.ts'
import { readReasons } from './reasons.ts'
import { formatMeasured, formatPlural } from './table.ts'
import { cleanName, cleanPath, clipText, indentText, pageWidth, printable } from './wrap.ts'

export const lookCommand: Command = {
  name: 'look',
  usage: '[REASON]',
  summary: 'Shows samples of what was dropped or dead, by reason, with the evidence.',
  details:
    'Each sample has its id, file and line, domain and the measured value; a duplicate also the document that it repeats, and a near-duplicate the lines in which they differ (- its own, + the kept one). The same run shows the same samples.',
  options: {
    ...runOptions,
    samples: { value: 'N', help: 'samples for each reason (default 3)' },
    chars: { value: 'N', help: 'characters of each text (default 300)' },
  },
  run: async (args, terminal) => {
    await using run = await openRun(args, terminal)
    await look(run, terminal, {
      reason: args.positionals[0],
      samplesMax: args.count('samples', 3, 1, 10_000),
      charsMax: args.count('chars', 300),
    })
  },
}

export interface LookOptions {
  readonly reason?: string | undefined
  readonly samplesMax: number
  readonly charsMax: number
}

/** How a sample is laid out. */
interface Page {
  readonly width: number
  readonly charsMax: number
}

/** Prints samples by reason, the most frequent first. */
export async function look(run: RunReader, terminal: Terminal, options: LookOptions): Promise<void> {
  const { reason: wanted, samplesMax, charsMax } = options
  const groups = await sampleByReason(run, samplesMax)
  if (wanted !== undefined && !groups.has(wanted)) throw unknownReason(wanted, [...groups.keys()])
  const { thresholds } = readReasons(run)
  const page = { width: pageWidth(terminal), charsMax }
  const sorted = [...groups].sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1))
  if (sorted.length === 0) terminal.out.write('nothing was dropped, and no record is dead\n')
  for (const [reason, { count, samples }] of sorted) {
    if (wanted !== undefined && reason !== wanted) continue
    const rule = thresholds.has(reason) ? ` (${thresholds.get(reason)})` : ''
    const title = `${cleanName(reason)}${printable(rule)}: ${formatPlural(count, 'record')}`
    terminal.out.write(`\n── ${clipText(title, page.width - 3)}\n`)
    for (const fate of samples) terminal.out.write(await describe(run, fate, page))
  }
}

function unknownReason(wanted: string, reasons: readonly string[]): HeadraceError {
  const known = reasons.length ? `the reasons are ${reasons.toSorted().join(', ')}` : 'nothing was dropped'
  return new HeadraceError('not-found', `no record has the reason '${wanted}'; ${known}`)
}

async function describe(run: RunReader, fate: LocatedFate, page: Page): Promise<string> {
  const parts = [cleanName(fate.id) || '(no document)', placeOf(fate.file, fate.line), cleanName(fate.domain)]
  if (fate.fate === 'dropped' && fate.similarity === null) parts.push(formatMeasured(fate.evidence))
  const head = `\n  ${clipText(printable(parts.filter(Boolean).join('  ')), page.width - 2)}\n`
  if (fate.index < 0) return head + indentText(printable(String(fate.evidence)), page.width, quoteMargin)
  const scored = await run.scored(fate.slot)
  if (!scored.columns.text) return head + indentText(`(${whyNoText(run)})`, page.width, quoteMargin)
  const text = stringAt(utf8(scored, 'text'), fate.index)
  const beginning = excerpt(text, page)
  return fate.partner < 0 ? head + beginning : head + beginning + (await describePartner(run, fate, text, page))
}

const whyNoText = ({ run: { storedText } }: RunReader) =>
  storedText === 'kept' ? 'this run stores the texts of kept documents alone' : 'this run does not store its texts'

/** `file:line`, whatever the file is called. */
const placeOf = (file: string, line: number) => `${cleanPath(file)}:${line}`

/** The document that a duplicate repeats, and in what they differ. */
async function describePartner(run: RunReader, fate: LocatedFate, text: string, page: Page): Promise<string> {
  if (slotOf(fate.partner) < run.first)
    return `    repeats a document of slot ${slotOf(fate.partner)}, which was trimmed\n`
  const { batch, index } = await run.find(fate.partner)
  const place = placeOf(stringAt(utf8(batch, 'file'), index), numbers(batch, 'line')[index])
  const similarity =
    fate.similarity === null || fate.similarity === 1 ? '' : `  similarity ${formatMeasured(fate.similarity)}`
  const head = `    repeats ${cleanName(fate.duplicateOf ?? '')}  ${place}${similarity}\n`
  if (fate.reason === 'exact-duplicate' || !batch.columns.text) return head
  const other = stringAt(utf8(batch, 'text'), index)
  return head + describeDifference(text, other, page.width)
}

const differencesMax = 3

function describeDifference(text: string, other: string, width: number): string {
  const { ours, theirs } = compareLines(text, other)
  if (ours.length + theirs.length === 0) return '    with the same lines\n'
  const show = (sign: string, line: string, start: number) =>
    `    ${sign} ${clipText(printable((start ? '…' : '') + line.slice(start, start + 200)), width - 6)}\n`
  const rows: string[] = []
  for (let i = 0; i < Math.min(differencesMax, Math.max(ours.length, theirs.length)); i++) {
    const start = ours[i] && theirs[i] ? differenceStart(ours[i], theirs[i], 20) : 0
    if (ours[i]) rows.push(show('-', ours[i], start))
    if (theirs[i]) rows.push(show('+', theirs[i], start))
  }
  const more = [ours, theirs].map(lines => Math.max(0, lines.length - differencesMax))
  if (more[0] + more[1]) rows.push(`      and ${more[0]} more of its own lines, ${more[1]} more of the other's\n`)
  return rows.join('')
}

/** The beginning of a text, wrapped and indented; its line breaks are shown as signs, so that lists and menus take no page. */
function excerpt(text: string, { width, charsMax }: Page): string {
  const short = text.length > charsMax ? `${text.slice(0, charsMax)}…` : text
  const lines = printable(short)
    .split('\n')
    .map(line => line.replace(/\s+/g, ' ').trim())
  return indentText(lines.filter(Boolean).join(' ↵ '), width, quoteMargin)
}

const quoteMargin = '    │ '
