import type { Head } from '../feed/files/head.ts'
import type { FieldName } from './fields.ts'
import { type Format, hasTargets } from './format.ts'
import type { ExportedFile } from './out-folder.ts'
import { noCounts, type SampleCounts } from './sample.ts'

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

/** What is known once all samples are written. */
export interface Written extends SampleCounts {
  readonly firstDigest: string
  readonly lastDigest: string
}

/** The record of an export that begins. */
export function beginRecord(order: ExportOrder, head: Head, to: number): ExportRecord {
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

/** The record of an export whose files are all written. */
export function finishRecord(
  begun: ExportRecord,
  order: ExportOrder,
  written: Written,
  notes: string[],
  files: readonly ExportedFile[],
): ExportRecord {
  const masks = masksOf(order, written)
  return { ...begun, ...written, whole: true, masks, notes: [...notes, ...describeLoss(order, written)], files }
}
