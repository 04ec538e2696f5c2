import { HeadraceError } from '../errors.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { type AuditedPiece, addSources, auditStep } from '../inspect/audit.ts'
import { type AuditedDocument, auditDocument, type DocumentAudit, type InForce } from '../inspect/audit-document.ts'
import type { FedSample } from '../inspect/fed-samples.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { describeShard } from './describe-shard.ts'
import { type FeedOfRun, openFeedOfRun } from './find-feed.ts'
import { openOrTell } from './promoted-runs.ts'
import { formatCount, formatPlural, formatTable } from './table.ts'
import { cleanName, formatPairs, pageWidth } from './wrap.ts'

export const auditCommand: Command = {
  name: 'audit',
  summary: 'Shows what a step of a feed gave to trainers, or which steps gave them a document.',
  details:
    "With --step, every piece of a document in that step; with --document, all documents of that id and their copies: fate, take-downs, and the steps that hold them. --json is the proof: with the feed's id, the pipeline's fingerprints and the digests of steps, which headrace verify computes again.",
  options: {
    ...runOptions,
    feed: { value: 'PATH', help: "another feed than the run's own: a fork's folder" },
    step: { value: 'N', help: 'shows this step' },
    document: { value: 'ID', help: 'shows this document' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const id = args.text('document')
    if ((id === undefined) === (args.text('step') === undefined))
      throw new HeadraceError('bad-option', 'give --step N or --document ID. See: headrace audit --help')
    await using feed = await openFeedOfRun(args, args.text('feed'), 'audit')
    if (id === undefined) await showStep(feed, args.count('step', 0, 0), args, terminal)
    else await showDocument(feed, id, args, terminal)
    return 0
  },
}

function describeFeed({ run, dir }: FeedOfRun, { feed, fingerprint, tokenizer, ...head }: Head) {
  return { run: run.dir, dir, feed, pipeline: head.run, fingerprint, tokenizer, forks: head.forks ?? [] }
}

/** Pieces that are shown to people: each costs reading its slot. */
const piecesMax = 40

async function showStep(feed: FeedOfRun, number: number, args: ParsedArgs, terminal: Terminal): Promise<void> {
  const { head, step, pieces } = await auditStep(feed.dir, number)
  if (args.flag('json')) {
    const documents = await addSources(feed.run, pieces)
    terminal.out.write(`${JSON.stringify({ ...describeFeed(feed, head), step, documents })}\n`)
    return
  }
  const masked = pieces.filter(piece => piece.masked !== 'nothing').length
  const rows: [string, string][] = [
    ['step', `${number} of feed ${head.feed}`],
    ['digest', step.digest],
    ['pipeline', `${cleanName(head.run)}, fingerprint ${head.fingerprint}`],
    ['planned', `from ${formatPlural(step.manifest, 'shard')} and ${step.control} control entries`],
    [
      'holds',
      `${formatPlural(step.samples, 'sample')}, ${formatPlural(pieces.length, 'piece')}, ${masked} of them masked`,
    ],
  ]
  terminal.out.write(`${formatPairs(rows, pageWidth(terminal), 0)}\n`)
  const shown = await addSources(feed.run, pieces.slice(0, piecesMax))
  terminal.out.write(formatTable([pieceHead, ...shown.map(pieceRow)], [1, 2, 3, 6]))
  if (pieces.length > shown.length)
    terminal.out.write(`... ${formatCount(pieces.length - shown.length)} more: --json has all\n`)
}

const pieceHead = ['sample', 'document', 'source', 'domain', 'slot:row', 'tokens', '']

function pieceRow({ sample, id, file, line, domain, slot, row, tokens, masked }: AuditedPiece): string[] {
  const source = file === null ? 'trimmed' : cleanName(`${file}:${line}`, 50)
  const mark = masked === 'nothing' ? '' : `masked: ${masked}`
  return [String(sample), cleanName(id, 30), source, cleanName(domain, 20), `${slot}:${row}`, formatCount(tokens), mark]
}

async function showDocument(feed: FeedOfRun, id: string, args: ParsedArgs, terminal: Terminal): Promise<void> {
  const head = await readHead(feed.dir)
  if (!head) throw new HeadraceError('not-found', `the feed in ${feed.dir} has no step yet: headrace trace tells fates`)
  await using promoted = await openOrTell('audit', feed, terminal)
  const audit = await auditDocument(feed.run, feed.dir, id, promoted.runs)
  if (audit.documents.length === 0)
    throw new HeadraceError('not-found', `no decided document of ${feed.run.dir} has the id '${cleanName(id, 100)}'`)
  if (args.flag('json')) {
    terminal.out.write(`${JSON.stringify(jsonOf(feed, head, id, audit))}\n`)
    return
  }
  const texts = audit.documents.map(document => describeDocument(document, pageWidth(terminal)))
  terminal.out.write(`feed ${head.feed}, ${formatPlural(head.steps, 'step')}\n\n${texts.join('\n')}`)
  if (audit.more) terminal.out.write(`\n... and ${formatPlural(audit.more, 'dropped copy')} more\n`)
}

function jsonOf(feed: FeedOfRun, head: Head, id: string, { documents, more }: DocumentAudit): unknown {
  const { steps, digest } = head
  return { document: id, ...describeFeed(feed, head), steps, digest, documents: documents.map(publicDocument), more }
}

function publicDocument({ fate: all, isNamed, pipeline, place, takeDowns, samples }: AuditedDocument): unknown {
  const { id, file, line, domain, slot, row, fate, reason, evidence, duplicateOf, similarity } = all
  const { annotate, decide, shard } = pipeline
  const shown = { id, named: isNamed, file, line, domain, slot, row, fate, reason, evidence, duplicateOf, similarity }
  const inShard = place && { path: place.path, sha256: place.sha256, row: place.row, tokens: place.tokens }
  const fed = samples.map(({ domain, number, epoch, cut, sample, tokens, step }) => {
    const block = { domain, block: number, epoch, ...(cut !== undefined && { cut }) }
    return { step: step?.step ?? null, digest: step?.digest ?? null, ...block, sample, tokens }
  })
  return { ...shown, pipeline: { annotate, decide, shard }, shard: inShard, takeDowns, samples: fed }
}

/** Samples of a document that are shown to people. */
const samplesMax = 20

function describeDocument(
  { fate, isNamed, pipeline, place, takeDowns, samples }: AuditedDocument,
  width: number,
): string {
  const duplicate = fate.duplicateOf === null ? '' : ` of ${cleanName(fate.duplicateOf, 100)}`
  const became =
    fate.fate === 'kept'
      ? `kept in ${cleanName(place?.domain ?? fate.domain, 100)}`
      : `dropped: ${fate.reason}${duplicate}`
  const rows: [string, string][] = [
    ['source', fate.file === '' ? 'its slot was trimmed' : cleanName(`${fate.file}:${fate.line}`, 300)],
    ['address', `slot ${fate.slot}, row ${fate.row}`],
    ['fate', isNamed ? became : `${became} (of its duplicate cluster)`],
    ['pipeline', `decide ${pipeline.decide}, shard ${pipeline.shard}`],
  ]
  for (const { step, blank, list, sha256, note } of takeDowns) {
    const what = blank ? 'targets and tokens masked' : 'targets masked'
    rows.push([
      'taken down',
      `from step ${step} on, ${what}: ${list}, SHA-256 ${sha256}${note ? `; ${cleanName(note, 200)}` : ''}`,
    ])
  }
  if (place) rows.push(['shard', `${describeShard(place)}, ${formatPlural(place.tokens, 'token')}`])
  for (const sample of samples.slice(0, samplesMax)) rows.push(['fed', describeSample(sample, takeDowns)])
  if (samples.length > samplesMax)
    rows.push(['fed', `and in ${formatPlural(samples.length - samplesMax, 'sample')} more`])
  if (fate.fate === 'kept' && samples.length === 0) rows.push(['fed', 'in no step yet'])
  return `${cleanName(fate.id, 300)}\n${formatPairs(rows, width)}`
}

function describeSample({ step, epoch, cut, sample, tokens }: FedSample, takeDowns: readonly InForce[]): string {
  const place = `sample ${sample} of its block${epoch ? `, epoch ${epoch}` : ''}${cut ? `, cut ${cut}` : ''}, ${formatPlural(tokens, 'token')}`
  if (!step) return `in no step yet: ${place}`
  const isMasked = takeDowns.some(one => one.step <= step.step)
  return `step ${step.step}, ${step.digest.slice(0, 12)}${isMasked ? ', masked' : ''}: ${place}`
}
