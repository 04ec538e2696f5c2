import { HeadraceError } from '../errors.ts'
import { isSealed, parseObject } from '../sealed-json.ts'
import { cleanName } from './printable.ts'

/** A file of sealed JSON as a message names it. */
export interface SealedFile {
  readonly file: string
  /** What `format` must say. */
  readonly format: string
  /** What a file is called that says no format: `no seed`. */
  readonly other: string
  /** What makes one: `fit it again with 'headrace seed fit'`. */
  readonly advice: string
  /** The same of a damaged one. */
  readonly again: string
}

/** The object in a text that `sealJson` wrote. Throws `corrupt` for another format, or another text than was sealed. */
export function openSealed(text: string, { file, format, other, advice, again }: SealedFile): Record<string, unknown> {
  const content = parseObject(text)
  if (content?.format !== format) {
    const found = typeof content?.format === 'string' ? `of format ${cleanName(content.format)}` : other
    throw new HeadraceError('corrupt', `${file} is ${found}, not ${format}; ${advice}`)
  }
  if (isSealed(text)) return content
  throw new HeadraceError('corrupt', `${file} is damaged: its content does not match its sha256; ${again}`)
}
