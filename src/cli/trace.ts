import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../replay/run-reader.ts'
import { type Trace, traceDocument } from '../replay/trace.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { formatTable } from './table.ts'

export const traceCommand: Command = {
  name: 'trace',
  usage: 'ID',
  summary:
    "Shows a document's whole way: source, measurements, fate, shard, block, steps. ID is its id, or FILE:LINE for a dead record.",
  positionals: { min: 1, max: 1 },
  options: { ...runOptions, json: { help: 'prints a line of JSON for each record with this id' } },
  run: async (args, terminal) => {
    await using run = await openRun(args)
    const [id] = args.positionals
    let found = 0
    for await (const trace of traceDocument(run, id)) {
      found++
      terminal.out.write(args.flag('json') ? `${JSON.stringify(publicTrace(trace))}\n` : await describe(run, trace))
    }
    if (found === 0) throw new HeadraceError('not-found', `no record of the run in ${run.dir} has the id '${id}'`)
    return 0
  },
}

function publicTrace({ fate, measurements, shard, samples }: Trace): unknown {
  const { index: _, partner: __, ...rest } = fate
  const place = shard && { path: shard.path, row: shard.row, start: shard.start, tokens: shard.tokens }
  return { ...rest, measurements, shard: place, samples }
}

async function describe(run: RunReader, trace: Trace): Promise<string> {
  const { fate, measurements, shard, samples } = trace
  const rows = [
    ['source', `${fate.file}, line ${fate.line}`],
    ['address', `slot ${fate.slot}, row ${fate.row}`],
    ['fate', await describeFate(run, trace)],
  ]
  if (shard)
    rows.push(['shard', `${shard.path}, row ${shard.row}, tokens ${shard.start} to ${shard.start + shard.tokens}`])
  for (const { block, epoch, sample, tokens, steps } of samples)
    rows.push([
      'sample',
      `block ${block}${epoch ? `, epoch ${epoch}` : ''}, sample ${sample}, ${tokens} tokens: ${steps.length ? `step ${steps.join(', ')}` : 'in no step yet'}`,
    ])
  if (fate.fate === 'kept' && samples.length === 0) rows.push(['samples', 'none yet'])
  const cells = Object.entries(measurements).filter(([, value]) => value !== '' && !Number.isNaN(value))
  const width = Math.max(...cells.map(([name]) => name.length), 0)
  const lines = cells.map(
    ([name, value]) => `    ${name.padEnd(width)}  ${typeof value === 'number' ? +value.toPrecision(6) : value}\n`,
  )
  const left = formatTable(rows.map(([name, text]) => [`  ${name.padEnd(8)}${text}`]))
  return `\n${fate.id || '(no document)'}\n${left}${lines.length ? `  measured\n${lines.join('')}` : ''}`
}

async function describeFate(run: RunReader, { fate }: Trace): Promise<string> {
  if (fate.fate === 'kept') return `kept in ${fate.domain}`
  const evidence = fate.evidence === null ? '' : ` (${fate.evidence})`
  if (fate.partner < 0) return `${fate.fate}: ${fate.reason}${evidence}`
  const { batch, index } = await run.find(fate.partner)
  const { file, line } = batch.columns
  const place =
    file.kind === 'utf8' && 'values' in line
      ? `${new TextDecoder().decode(file.bytes.subarray(file.offsets[index], file.offsets[index + 1]))}, line ${line.values[index]}`
      : ''
  const similarity = fate.similarity === null ? '' : ` with similarity ${fate.similarity}`
  return `dropped: ${fate.reason} of ${fate.duplicateOf}${similarity} (${place})`
}
