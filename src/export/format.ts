import type { FieldName } from './fields.ts'
import type { OutFolder } from './out-folder.ts'
import type { Sample, SampleCounts } from './sample.ts'

/** What exporters know of an export before its first sample. */
export interface ExportShape {
  /** Tokens a sample. */
  readonly length: number
  /** The feed gives a target to the last token of a piece that was cut: `cutTargets: 'next'`. */
  readonly hasNext: boolean
  /** What padding consists of. */
  readonly endOfText: number | null
  /** Its name, for who reads the files. */
  readonly tokenizer: string
  /** Bytes a token has. */
  readonly tokenBytes: 2 | 4
  /** What of a sample is written, where a format has fields. */
  readonly fields: readonly FieldName[]
}

/** One file, or some that belong together as a data file and its index. It takes samples until it would be larger than files may be. */
export interface Part {
  /** Of its samples so far, in the largest of its files. */
  readonly bytes: number
  write(sample: Sample): Promise<void>
  /** Makes the files whole. */
  close(): Promise<void>
}

/**
 * Writes samples in one format. The port: parts are opened one after the other, each is closed before the next one and has one sample at
 * least, and `finish` comes once, when all are closed. Whatever it writes it writes through its `OutFolder`.
 */
export interface Exporter {
  /** Bytes that a sample adds to a part's largest file at most. */
  bytesMaxOf(sample: Sample): number
  /** `number` counts from 0. */
  openPart(number: number): Promise<Part>
  /** Writes what is of all parts. */
  finish(): Promise<void>
}

/** A format, with what it can hold and what its official reader does. */
export interface Format {
  readonly name: string
  /** For lists: the format and its reader in a few words. */
  readonly about: string
  /** Bytes of a part's samples by default and at most. */
  readonly fileBytes: { readonly default: number; readonly max: number }
  /** Bytes a token may have, the default first. */
  readonly tokenBytes: readonly (2 | 4)[]
  /** Fields that may be chosen; none where samples have always the same parts. */
  readonly fields: readonly FieldName[]
  /** Whether padding stands in the files. Where it does not, a sample's tokens are its pieces alone. */
  readonly hasPadding: boolean
  /** What its reader does with order, and what must be given to it. One sentence each. */
  advise(shape: ExportShape, counts: SampleCounts): string[]
  open(folder: OutFolder, shape: ExportShape): Exporter
}

/** Whether the exported files say which tokens are no targets. */
export function hasTargets({ fields }: Pick<ExportShape, 'fields'>): boolean {
  return fields.includes('targets')
}
