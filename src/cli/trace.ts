import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { slotOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { type Trace, traceDocument } from '../inspect/trace.ts'
import { reasonColumn, standingColumn, standings } from '../record/recalled.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type Command, runOptions } from './command.ts'
import { describeShard } from './describe-shard.ts'
import { openRun } from './find-run.ts'
import { type Reasons, readReasons } from './reasons.ts'
import { formatCount, formatMeasured } from './table.ts'
import { cleanName, formatPairs, pageWidth, printable } from './wrap.ts'

export const traceCommand: Command = {
  name: 'trace',
  usage: 'ID',
  summary: "Shows a document's whole way: source, measurements, fate, shard, block, steps.",
  details:
    "ID is a document's id, or FILE:LINE as the other commands print it, which also finds a dead record. Ids are labels: every record with this one is shown.",
  options: { ...runOptions, json: { help: 'prints a line of JSON for each record' } },
  run: async (args, terminal) => {
    await using run = await openRun(args, terminal)
    const [id] = args.positionals
    const reasons = readReasons(run)
    let found = 0
    for await (const trace of traceDocument(run, id)) {
      const text = args.flag('json')
        ? `${JSON.stringify(publicTrace(trace))}\n`
        : `${found ? '\n' : ''}${await describe(run, trace, reasons, pageWidth(terminal))}`
      terminal.out.write(text)
      found++
    }
    if (found === 0)
      throw new HeadraceError(
        'not-found',
        `no decided record of ${run.dir} has the id '${id}', nor is it a FILE:LINE of one`,
      )
  },
}

function publicTrace({ fate, measurements, shard, samples }: Trace): unknown {
  const { id, file, line, domain, slot, row, reason, evidence, duplicateOf, similarity } = fate
  const place = shard && { path: shard.path, row: shard.row, start: shard.start, tokens: shard.tokens }
  const shown = { id, file, line, domain, slot, row, fate: fate.fate, reason, evidence, duplicateOf, similarity }
  return { ...shown, measurements, shard: place, samples }
}

async function describe(run: RunReader, trace: Trace, reasons: Reasons, width: number): Promise<string> {
  const { fate, measurements, shard, samples } = trace
  const rows: [string, string][] = [
    ['source', `${cleanName(fate.file, nameColumnsMax)}:${fate.line}`],
    ['address', `slot ${fate.slot}, row ${fate.row}`],
    ['fate', await describeFate(run, trace, reasons)],
  ]
  const before = describeBefore(run, measurements)
  if (before !== null) rows.push(['before', before])
  if (shard) {
    const tokens = `tokens ${formatCount(shard.start)} to ${formatCount(shard.start + shard.tokens)}`
    rows.push(['shard', `${describeShard(shard)}, ${tokens}`])
  }
  for (const sample of samples) rows.push(['sample', describeSample(sample)])
  if (fate.fate === 'kept' && samples.length === 0) rows.push(['sample', 'in none yet'])
  const unmeasured = fate.reason === null ? undefined : reasons.unmeasured.get(fate.reason)
  const cells = Object.entries(measurements)
    .filter(([name, value]) => value !== '' && !Number.isNaN(value) && !unmeasured?.has(name))
    .map(([name, value]) => [name, shorten(formatMeasured(value))] as const)
  const measured = cells.length ? `  measured\n${formatPairs(cells, Number.POSITIVE_INFINITY, 4)}` : ''
  return printable(`${cleanName(fate.id, nameColumnsMax) || '(no document)'}\n${formatPairs(rows, width)}${measured}`)
}

/** Names are shown whole, unless they are absurd. */
const nameColumnsMax = 300

/** Columns of a measured string that are shown: `meta` may be anything. `--json` has all. */
const charsMax = 400

function shorten(text: string): string {
  return cleanName(text, charsMax)
}

function describeSample({ block, epoch, cut, sample, tokens, steps }: Trace['samples'][number]): string {
  const place = `block ${block}${epoch ? `, epoch ${epoch}` : ''}${cut ? `, cut ${cut}` : ''}, sample ${sample}, ${formatCount(tokens)} of its tokens`
  return `${place}: ${steps.length ? `step ${steps.join(', ')}` : 'in no step yet'}`
}

/** Of a document of a recall: what became of it in the run that is recalled from, where it has the same address. */
function describeBefore(
  { dir, run: { recall, replays } }: RunReader,
  measurements: Trace['measurements'],
): string | null {
  const [standing, reason] = [standingColumn, reasonColumn].map(name => String(measurements[name] ?? ''))
  if (!recall || !replays || standing === '') return null
  const of = cleanName(join(dir, replays.dir), nameColumnsMax)
  if (standing === standings.kept) return `kept by ${of}`
  const again = standing === standings.recalled ? ', and recalled by an earlier recall' : ''
  return `dropped by ${of}: ${cleanName(reason, nameColumnsMax)}${again}`
}

async function describeFate(run: RunReader, { fate, shard }: Trace, reasons: Reasons): Promise<string> {
  // A held-out document keeps its own domain in the log: where it went is its shard's.
  if (fate.fate === 'kept') return `kept in ${cleanName(shard ? shard.domain : fate.domain, nameColumnsMax)}`
  if (fate.fate === 'dead') return `dead: ${fate.reason}, ${fate.evidence}`
  if (fate.partner < 0) {
    const threshold = reasons.thresholds.get(fate.reason!)
    const rule = threshold === undefined ? '' : ` (${threshold})`
    return `dropped: ${fate.reason}${fate.evidence === null ? '' : `, measured ${formatMeasured(fate.evidence)}`}${rule}`
  }
  const partnerSlot = slotOf(fate.partner)
  if (partnerSlot < run.first) return `dropped: ${fate.reason} of a document of slot ${partnerSlot}, which was trimmed`
  const { batch, index } = await run.find(fate.partner)
  const place = `${cleanName(stringAt(utf8(batch, 'file'), index), nameColumnsMax)}:${numbers(batch, 'line')[index]}`
  const similarity = fate.similarity === null ? '' : `, similarity ${formatMeasured(fate.similarity)}`
  return `dropped: ${fate.reason} of ${cleanName(fate.duplicateOf ?? '', nameColumnsMax)} (${place})${similarity}`
}
