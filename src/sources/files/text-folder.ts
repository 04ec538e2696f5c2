import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { byteOrderMark, DocumentBuilder, tooLong } from '../document.ts'
import { fieldOptions, type Recorded, repairOptions } from '../fields.ts'
import { headBytes, nameBinary } from '../signatures.ts'
import { type Chunk, type DeadRecord, offsetAtEnd, type Parsed } from '../source.ts'
import { detectEncoding, encodeUtf8 } from './encoding.ts'
import { refuseFile } from './file-errors.ts'
import { fileSources } from './file-kind.ts'
import { BadFileError, type FileSet, type Readable, sortNames } from './files.ts'
import { checkNames } from './patterns.ts'
import { describeFolder } from './what-is-there.ts'

const endings = /\.(txt|md)$/i

/**
 * A folder of text: every .txt and .md file in it and in the folders below is one document, with the bytes it has (without a byte order
 * mark; UTF-16 and UTF-32 are decoded where that says so). The id is the path below the folder; the domain is the first folder of that path, or `domainDefault` for a file that is in none.
 * Files are read in the byte order of their paths. With `follow` the source waits for new files, which must be complete when they appear.
 *
 *     textFolder('books')
 */
export const textFolder = fileSources('textFolder()', {
  name: 'text',
  called: 'a folder of text',
  claims: isFolder,
  options: { domainDefault: fieldOptions.domainDefault, ...repairOptions },
  filesOf,
  read: readWhole,
  parser: options => chunk => parseText(chunk, options),
})

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function filesOf({ patterns: [folder, ...others], follow }: Recorded): FileSet {
  if (others.length > 0)
    throw new HeadraceError('bad-option', `textFolder() got ${1 + others.length} folders of text; a run reads one`)
  return { folders: [folder], list: () => listTexts(folder, follow) }
}

async function listTexts(folder: string, mayBeEmpty: boolean): Promise<string[]> {
  if (!isFolder(folder)) throw new HeadraceError('not-found', `there is no folder '${folder}' below ${process.cwd()}`)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(error => {
    throw refuseFile(error, error.path ?? folder)
  })
  const names = entries.filter(entry => !entry.isDirectory() && endings.test(entry.name))
  if (names.length === 0 && !mayBeEmpty)
    throw new HeadraceError('not-found', `${folder} has no .txt and no .md: ${await describeFolder(folder)}`)
  const paths = names.map(entry => join(entry.parentPath, entry.name))
  checkNames(paths)
  return sortNames(paths)
}

async function* readWhole(file: Readable): AsyncGenerator<Omit<Chunk, 'split'>, void> {
  const isTooLong = file.size > limits.documentBytesMax
  const bytes = toText(await file.read(0, isTooLong ? headBytes : file.size))
  const dead = judgeSize(file.size)
  yield { line: 1, bytes: isTooLong ? new Uint8Array(0) : bytes, dead, next: { offset: offsetAtEnd, line: 2 } }
}

/** A file without bytes is a document without text. */
function judgeSize(size: number): DeadRecord[] {
  if (size > limits.documentBytesMax) return [tooLong(1, size)]
  return size === 0 ? [{ line: 1, reason: 'empty-text', detail: 'the file has no bytes' }] : []
}

/** What is no text is refused by its name; text with the byte order mark of another encoding is decoded. */
function toText(bytes: Uint8Array): Uint8Array {
  const kind = nameBinary(bytes)
  if (kind) throw new BadFileError('wrong-kind', `this is ${kind.name}, not text: ${kind.advice}`)
  const encoding = detectEncoding(bytes)
  return encoding ? Uint8Array.from(encodeUtf8(bytes, encoding)) : bytes
}

function parseText({ split, bytes }: Chunk, options: Recorded): Parsed {
  const builder = new DocumentBuilder(split, options, bytes.length)
  if (bytes.length === 0) return builder.finish()
  const id = relative(options.patterns[0], split)
  const text = byteOrderMark.equals(bytes.subarray(0, 3)) ? bytes.subarray(3) : bytes
  const domain = id.includes(sep) ? id.slice(0, id.indexOf(sep)) : ''
  builder.add(1, { text, id, domain, url: '', added: '', meta: '' })
  return builder.finish()
}
