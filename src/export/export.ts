import { join } from 'node:path'
import { writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { holdFeed } from '../feed/files/holds.ts'
import { lengthPhases } from '../feed/plan/length.ts'
import { readFeed } from '../feed/read.ts'
import { kindOf } from './fields.ts'
import { checkRoom, checkTarget, openAside, publishAside, recordName } from './folder-aside.ts'
import type { Exporter, ExportShape } from './format.ts'
import { OutFolder } from './out-folder.ts'
import { Parts } from './parts.ts'
import { samplesOf } from './read-samples.ts'
import { beginRecord, type ExportOrder, type ExportRecord, finishRecord, type Written } from './record.ts'
import { countSample, countStep, noCounts, type SampleCounts } from './sample.ts'
import { checkId } from './token-bytes.ts'

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
  const length = await findLength(order, head, to)
  await checkTarget(out)
  await checkRoom(out, bytesMin(order, { ...head, length }, to))
  await using _held = await holdFeed(order.feed)
  const shape = shapeOf(order, { ...head, length })
  if (shape.tokenBytes === 2) checkId(shape.endOfText ?? 0)
  const aside = await openAside(out)
  await using _ = aside.lock
  const begun = beginRecord(order, { ...head, length }, to)
  await writeJson(join(aside.dir, recordName), begun)
  await using folder = new OutFolder(aside.dir)
  const blank = order.blankMasked ? (head.endOfText ?? 0) : null
  const written = await writeSteps(order, { to, blank }, format.open(folder, shape), step => {
    aside.lock.check()
    onStep(step)
  })
  await folder.sync()
  const record = finishRecord(begun, order, written, format.advise(shape, written), folder.files)
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

/** Tokens of each sample. Readers of these formats are told one length. */
async function findLength({ feed, from }: ExportOrder, head: Head, to: number): Promise<number> {
  const phases = lengthPhases(head, await readControls(feed), from, to)
  if (phases.length === 1) return phases[0].length
  const each = phases.map(phase => `${phase.from}:${phase.to} (samples of ${phase.length} tokens)`).join(', ')
  throw new HeadraceError(
    'bad-option',
    `the length of samples changes at step ${phases
      .slice(1)
      .map(phase => phase.from)
      .join(', ')}, and an export has one: give --steps ${each} each a folder of its own`,
  )
}

/** Exports take more: texts, offsets. What leaves out padding, or is text, takes less for some tokens. */
function bytesMin({ format, from, tokenBytes, fields }: ExportOrder, { batch, length }: Head, to: number): number {
  const rows = format.fields.length > 0 ? fields.filter(name => kindOf(name) === 'row').length : 1
  return format.hasPadding ? (to - from) * batch * length * tokenBytes * rows : 0
}

function shapeOf({ tokenBytes, fields }: ExportOrder, { length, cutTargets, endOfText, tokenizer }: Head): ExportShape {
  const { encoding } = (tokenizer ?? {}) as { encoding?: unknown }
  const name = typeof encoding === 'string' ? encoding : JSON.stringify(tokenizer)
  return { length, hasNext: cutTargets === 'next', endOfText, tokenizer: name, tokenBytes, fields }
}

/** Writes the steps, with `blank` in the place of masked tokens where it is given. */
async function writeSteps(
  { feed, from, format, fileBytes }: ExportOrder,
  { to, blank }: { readonly to: number; readonly blank: number | null },
  exporter: Exporter,
  onStep: (progress: ExportProgress) => void,
): Promise<Written> {
  const counts = noCounts()
  const parts = new Parts(exporter, fileBytes, format.fileBytes.max)
  let [firstDigest, lastDigest, next] = ['', '', from]
  for await (const batch of readFeed(feed, { from, verify: 'files' })) {
    for (const sample of samplesOf(batch, blank)) {
      countSample(counts, sample)
      await parts.write(sample)
    }
    countStep(counts, batch.samples)
    firstDigest ||= batch.digest
    lastDigest = batch.digest
    next = batch.step + 1
    onStep({ steps: next - from, stepsInAll: to - from, counts })
    if (next === to) break
  }
  if (next !== to)
    throw new HeadraceError('corrupt', `the feed in ${feed} ended before step ${next}, and had ${to} steps before`)
  await parts.close()
  await exporter.finish()
  return { ...counts, firstDigest, lastDigest }
}
