import { HeadraceError } from '../errors.ts'
import { type ExportProgress, exportFeed } from '../export/export.ts'
import { defaultFields, type FieldName, fieldNames } from '../export/fields.ts'
import { recordName } from '../export/folder-aside.ts'
import type { Format } from '../export/format.ts'
import { findFormat, formats } from '../export/formats.ts'
import type { ExportOrder, ExportRecord } from '../export/record.ts'
import { refuseName } from '../options.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { locateFeed } from './find-feed.ts'
import { showParts } from './show-progress.ts'
import { readSteps } from './steps.ts'
import { formatBar, formatBytes, formatCount, formatPlural, formatSeconds, formatShare, formatShort } from './table.ts'
import { cleanName, cleanPath, formatPairs, pageWidth, wrapText } from './wrap.ts'

const names = formats.map(format => format.name)

export const exportCommand: Command = {
  name: 'export',
  usage: '[FEED]',
  summary: "Writes a feed's samples, in the order of its steps, in the format of another trainer's reader.",
  details: `FEED is a feed's folder, or a run's name or folder (default: the run of --dir and --run). DIR must not be there, or be empty; it appears once all in it is whole, with ${recordName}: the feed, the steps and their digests, what was counted, and the SHA-256 of each file. An export that was killed leaves DIR.tmp, and the same command begins it again. What is taken down is masked as readers of the feed mask it.\n\nThe formats: ${formats.map(format => `${format.name}, ${format.about}`).join('; ')}.`,
  options: {
    ...runOptions,
    to: { value: 'FORMAT', help: names.join(', ') },
    out: { value: 'DIR', help: 'a new folder' },
    steps: {
      value: 'A:B',
      help: 'from step A up to B, without B; either may be left out (default all that are published)',
    },
    'file-bytes': { value: 'N', help: 'bytes of a file of samples at most (the default depends on the format)' },
    'token-bytes': { value: '2|4', help: 'bytes a token, where the format has both (default 4)' },
    fields: {
      value: 'NAMES',
      help: `what a sample has in mds, hf and webdataset, of ${fieldNames.join(',')} (default all but cu_seqlens, as that has another length in each)`,
    },
    'blank-masked': { help: 'writes end-of-text in place of documents that were taken down' },
    json: { help: `prints ${recordName} in one line, and nothing else` },
  },
  run: async (args, terminal) => {
    const options = optionsOf(args)
    const order = { ...options, feed: await locateFeed(args) }
    const started = performance.now()
    const record = await exportShowing(order, args.flag('json'), terminal)
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(record)}\n`)
    else show(record, order, (performance.now() - started) / 1000, terminal)
    return 0
  },
}

function optionsOf(args: ParsedArgs): Omit<ExportOrder, 'feed'> {
  const format = findFormat(needed(args, 'to', `it takes ${names.join(', ')}`))
  const { default: fileBytes, max } = format.fileBytes
  const range = readSteps(args.text('steps') ?? ':', 'export')
  return {
    ...range,
    format,
    out: needed(args, 'out', 'it names a new folder'),
    fileBytes: args.count('file-bytes', fileBytes, 1, max),
    tokenBytes: tokenBytesOf(args, format),
    fields: fieldsOf(args, format),
    blankMasked: args.flag('blank-masked'),
  }
}

function needed(args: ParsedArgs, name: string, what: string): string {
  const given = args.text(name)
  if (given) return given
  throw refuse(`--${name} is missing: ${what}`)
}

function tokenBytesOf(args: ParsedArgs, { name, tokenBytes }: Format): 2 | 4 {
  const given = args.text('token-bytes') ?? '4'
  const bytes = tokenBytes.find(one => String(one) === given)
  if (bytes) return bytes
  throw refuse(`--token-bytes is '${given}'; tokens of ${name} have ${tokenBytes.join(' or ')}`)
}

function fieldsOf(args: ParsedArgs, { name, fields }: Format): readonly FieldName[] {
  const text = args.text('fields')
  if (text === undefined) return fields.length > 0 ? defaultFields : []
  if (fields.length === 0) throw refuse(`--fields is given, and samples of ${name} have no fields to choose`)
  const given = [...new Set(text.split(','))]
  for (const field of given)
    if (!fields.includes(field as FieldName)) throw refuse(refuseName('--fields has no', field, fields))
  return fields.filter(field => given.includes(field))
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace export --help`)
}

/** Exports, and shows how far it is unless the output is for machines. */
async function exportShowing(order: ExportOrder, isJson: boolean, terminal: Terminal): Promise<ExportRecord> {
  if (isJson) return exportFeed(order)
  let progress: ExportProgress | null = null
  const display = showParts(seconds => describeProgress(progress, seconds), terminal.out, terminal.err)
  try {
    return await exportFeed(order, step => {
      progress = step
    })
  } finally {
    display.stop()
  }
}

function describeProgress(progress: ExportProgress | null, seconds: number) {
  if (!progress) return [{ rank: 0, text: 'beginning' }]
  const { steps, stepsInAll, counts } = progress
  const left = ((stepsInAll - steps) * seconds) / steps
  return [
    { rank: 3, text: formatBar(steps / stepsInAll, 12) },
    { rank: 0, text: `${Math.floor((100 * steps) / stepsInAll)}%` },
    { rank: 2, text: `${formatCount(steps)} of ${formatPlural(stepsInAll, 'step')}` },
    { rank: 1, text: `${formatShort(counts.tokens)} tokens` },
    { rank: 4, text: `${formatShort(counts.tokens / Math.max(seconds, 0.001))}/s` },
    { rank: 0, text: `${formatSeconds(left)} left` },
  ]
}

const masks = {
  none: 'none',
  'in targets': 'targets are -100',
  blanked: 'end-of-text in their place',
  lost: 'NOT KEPT: a trainer learns them',
}

function show(record: ExportRecord, { out }: ExportOrder, seconds: number, terminal: Terminal): void {
  const { tokens, paddingTokens, maskedPieces, maskedTokens, files } = record
  const width = pageWidth(terminal)
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const steps = `${formatCount(record.firstStep)} to ${formatCount(record.lastStep)}`
  const more = record.ended ? '' : '; the feed goes on, and what it publishes later takes another export'
  const padding = `${formatPlural(paddingTokens, 'token')}, ${formatShare(paddingTokens, tokens + paddingTokens)}, ${record.padding}`
  const rows: [string, string][] = [
    ['export', `${record.format}, in ${cleanPath(out)}`],
    ['of', `${cleanName(record.run)}, feed ${record.feed.slice(0, 12)}`],
    ['steps', `${steps} of ${formatCount(record.publishedSteps)}${more}`],
    ['digests', `${record.firstDigest.slice(0, 12)} to ${record.lastDigest.slice(0, 12)}`],
    ['samples', `${formatCount(record.samples)} of ${formatPlural(record.length, 'token')}`],
    ['pieces', formatCount(record.pieces)],
    ['tokens', formatCount(tokens)],
    ['padding', padding],
    [
      'taken down',
      maskedPieces === 0
        ? 'none'
        : `${formatPlural(maskedPieces, 'piece')}, ${formatPlural(maskedTokens, 'token')}: ${masks[record.masks]}`,
    ],
    ['files', `${formatCount(files.length)}, ${formatBytes(bytes)}; ${recordName} has their SHA-256`],
  ]
  terminal.out.write(formatPairs(rows, width, 0))
  const rate = `${formatSeconds(seconds)} (${formatShort(tokens / Math.max(seconds, 0.001))} tokens/s)`
  terminal.out.write(`\nwritten in ${rate}\n`)
  for (const note of record.notes) terminal.out.write(`\n${wrapText(note, width).join('\n')}\n`)
}
