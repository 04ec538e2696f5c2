import { join } from 'node:path'
import { writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { readFeed } from '../feed/read.ts'
import { type FieldName, kindOf } from './fields.ts'
import { checkRoom, checkTarget, openAside, publishAside, recordName } from './folder-aside.ts'
import { type Exporter, type ExportShape, type Format, hasTargets, type Part } from './format.ts'
import { type ExportedFile, OutFolder } from './out-folder.ts'
import { samplesOf } from './read-samples.ts'
import { countSample, countStep, noCounts, type Sample, type SampleCounts } from './sample.ts'
import { checkId } from './token-bytes.ts'

/** What is to be exported, and how. */
export interface ExportOrder {
  /** The feed's folder. */
  readonly feed: string
  readonly format: Format
  /** A folder that is not there, or empty. */
  readonly out: string
  /** The first step. */
  readonly from: number
  /** The step to end before; null for all that are published. */
  readonly to: number | null
  /** Bytes of a file of samples at most, unless one sample is more. */
  readonly fileBytes: number
  readonly tokenBytes: 2 | 4
  readonly fields: readonly FieldName[]
  /** Writes padding in place of the tokens of masked pieces. */
  readonly blankMasked: boolean
}

/** `headrace.json`: what an export is and holds. */
export interface ExportRecord extends Readonly<SampleCounts> {
  readonly version: 1
  readonly whole: boolean
  readonly format: string
  readonly feed: string
  /** The pipeline's name. */
  readonly run: string
  readonly tokenizer: unknown
  readonly endOfText: number | null
  readonly length: number
  readonly firstStep: number
  readonly firstDigest: string
  readonly lastStep: number
  readonly lastDigest: string
  /** Steps that the feed has published, and whether more may come. */
  readonly publishedSteps: number
  readonly ended: boolean
  readonly options: {
    readonly fileBytes: number
    readonly tokenBytes: number
    readonly fields: readonly FieldName[]
    readonly blankMasked: boolean
  }
  readonly padding: 'kept' | 'left out'
  /** What became of the masks of documents that were taken down. */
  readonly masks: 'none' | 'in targets' | 'blanked' | 'lost'
  readonly notes: readonly string[]
  readonly files: readonly ExportedFile[]
}

/** How far an export is. */
export interface ExportProgress {
  readonly steps: number
  readonly stepsInAll: number
  readonly counts: Readonly<SampleCounts>
}

/**
 * Writes the samples of a feed's steps into a new folder, in step order, and tells of each step. It is written beside the folder and renamed
 * at the end, so what has the name is whole. Throws `bad-option` and `not-found` before anything is written.
 */
export async function exportFeed(
  order: ExportOrder,
  onStep: (progress: ExportProgress) => void = () => {},
): Promise<ExportRecord> {
  const { format, out } = order
  const head = await readHead(order.feed)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${order.feed}, or no step of it yet`)
  const to = checkSteps(order, head)
  await checkTarget(out)
  await checkRoom(out, bytesMin(order, head, to))
  const shape = shapeOf(order, head)
  if (shape.tokenBytes === 2) checkId(shape.endOfText ?? 0)
  const aside = await openAside(out)
  await using _ = aside.lock
  const begun = recordOf(order, head, to)
  await writeJson(join(aside.dir, recordName), begun)
  await using folder = new OutFolder(aside.dir)
  const written = await writeSteps(order, to, format.open(folder, shape), step => {
    aside.lock.check()
    onStep(step)
  })
  await folder.sync()
  const notes = [...format.advise(shape, written), ...describeLoss(order, written)]
  const record = { ...begun, ...written, whole: true, masks: masksOf(order, written), notes, files: folder.files }
  await writeJson(join(aside.dir, recordName), record)
  await publishAside(aside, out)
  return record
}

/** The step to end before. */
function checkSteps({ from, to }: ExportOrder, { steps }: Head): number {
  const end = to ?? steps
  const has = `the feed has steps 0 to ${steps - 1}`
  if (steps === 0) throw new HeadraceError('not-found', 'the feed has no step yet')
  if (end > steps) throw new HeadraceError('bad-option', `--steps ends before step ${end}, and ${has}`)
  if (from >= end) throw new HeadraceError('bad-option', `--steps ${from}:${to ?? ''} has no step; ${has}`)
  return end
}

/** Exports take more: texts, offsets. What leaves out padding, or is text, takes less for some tokens. */
function bytesMin({ format, from, tokenBytes, fields }: ExportOrder, { batch, length }: Head, to: number): number {
  const rows = format.fields.length > 0 ? fields.filter(name => kindOf(name) === 'row').length : 1
  return format.hasPadding ? (to - from) * batch * length * tokenBytes * rows : 0
}

function shapeOf({ tokenBytes, fields }: ExportOrder, { length, endOfText, tokenizer }: Head): ExportShape {
  const { encoding } = (tokenizer ?? {}) as { encoding?: unknown }
  const name = typeof encoding === 'string' ? encoding : JSON.stringify(tokenizer)
  return { length, endOfText, tokenizer: name, tokenBytes, fields }
}

interface Written extends SampleCounts {
  readonly firstDigest: string
  readonly lastDigest: string
}

/** Writes the steps into parts, each of which is closed before it would have more bytes than files may have. */
async function writeSteps(
  { feed, from, format, fileBytes, blankMasked }: ExportOrder,
  to: number,
  exporter: Exporter,
  onStep: (progress: ExportProgress) => void,
): Promise<Written> {
  const counts = noCounts()
  const parts = new Parts(exporter, fileBytes, format.fileBytes.max)
  const { endOfText } = (await readHead(feed))!
  let [firstDigest, lastDigest] = ['', '']
  for await (const batch of readFeed(feed, { from, verify: 'files' })) {
    for (const sample of samplesOf(batch, blankMasked ? (endOfText ?? 0) : null)) {
      countSample(counts, sample)
      await parts.write(sample)
    }
    countStep(counts, batch.samples)
    firstDigest ||= batch.digest
    lastDigest = batch.digest
    onStep({ steps: batch.step + 1 - from, stepsInAll: to - from, counts })
    if (batch.step + 1 === to) break
  }
  await parts.close()
  await exporter.finish()
  return { ...counts, firstDigest, lastDigest }
}

class Parts {
  readonly #exporter: Exporter
  readonly #fileBytes: number
  readonly #bytesMax: number
  #part: Part | null = null
  #count = 0

  constructor(exporter: Exporter, fileBytes: number, bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#exporter = exporter
    this.#fileBytes = fileBytes
  }

  async write(sample: Sample): Promise<void> {
    const bytes = this.#exporter.bytesMaxOf(sample)
    if (bytes > this.#bytesMax)
      throw new HeadraceError(
        'limit',
        `a sample of step ${sample.step} takes up to ${bytes} bytes, and a file of this format has ${this.#bytesMax} at most`,
      )
    if (this.#part && this.#part.bytes + bytes > this.#fileBytes) await this.close()
    this.#part ??= await this.#exporter.openPart(this.#count++)
    await this.#part.write(sample)
  }

  async close(): Promise<void> {
    await this.#part?.close()
    this.#part = null
  }
}

function recordOf(order: ExportOrder, head: Head, to: number): ExportRecord {
  const { format, from, fileBytes, tokenBytes, fields, blankMasked } = order
  const { feed, run, tokenizer, endOfText, length, steps, ended } = head
  const what = { version: 1, whole: false, format: format.name, feed, run, tokenizer, endOfText, length } as const
  const range = { firstStep: from, firstDigest: '', lastStep: to - 1, lastDigest: '', publishedSteps: steps, ended }
  const options = { fileBytes, tokenBytes, fields, blankMasked }
  const padding = format.hasPadding ? 'kept' : 'left out'
  return { ...what, ...range, options, ...noCounts(), padding, masks: 'none', notes: [], files: [] }
}

function masksOf(order: ExportOrder, { maskedPieces }: SampleCounts): ExportRecord['masks'] {
  if (maskedPieces === 0) return 'none'
  if (hasTargets(order)) return 'in targets'
  return order.blankMasked ? 'blanked' : 'lost'
}

const show = (count: number) => count.toLocaleString('en-US')

/** What a trainer is given otherwise than by the feed. */
function describeLoss(order: ExportOrder, counts: SampleCounts): string[] {
  const { maskedPieces, maskedTokens, paddingTokens } = counts
  const notes: string[] = []
  if (masksOf(order, counts) === 'lost')
    notes.push(
      `${show(maskedPieces)} pieces of documents that were taken down (${show(maskedTokens)} tokens) are masked in the feed, and these files have no place for targets: a trainer learns them. --blank-masked writes end-of-text in their place.`,
    )
  if (order.format.hasPadding && !hasTargets(order) && paddingTokens > 0)
    notes.push(
      `${show(paddingTokens)} tokens of padding have no target in the feed; in these files they are tokens as others, of end-of-text.`,
    )
  return notes
}
