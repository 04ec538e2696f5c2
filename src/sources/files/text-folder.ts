import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { byteOrderMark, DocumentBuilder, tooLong } from '../document.ts'
import { fieldOptions, type Recorded, repairOptions } from '../fields.ts'
import { LeftOutFiles } from '../left-out.ts'
import { headBytes, nameBinary } from '../signatures.ts'
import { type Chunk, type DeadRecord, offsetAtEnd, type Parsed } from '../source.ts'
import { detectEncoding, encodeUtf8 } from './encoding.ts'
import { isAbsent, refuseFile } from './file-errors.ts'
import { fileSources } from './file-kind.ts'
import { BadFileError, type FileSet, type Listing, type Readable, sortNames } from './files.ts'
import { checkNames, isFolder } from './patterns.ts'
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

function filesOf({ patterns: [folder, ...others], follow }: Recorded): FileSet {
  if (others.length > 0)
    throw new HeadraceError('bad-option', `textFolder() got ${1 + others.length} folders of text; a run reads one`)
  return { folders: [folder], list: () => listTexts(folder, follow) }
}

async function listTexts(folder: string, mayBeEmpty: boolean): Promise<Listing> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(error => {
    throw refuseFolder(error, folder)
  })
  const leftOut = new LeftOutFiles()
  const paths: string[] = []
  for (const entry of entries) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() && isFolder(path)) leftOut.add(path, 'link')
    else if (endings.test(entry.name)) paths.push(path)
    else leftOut.add(path, 'ending')
  }
  if (paths.length === 0 && !mayBeEmpty)
    throw new HeadraceError('not-found', `${folder} has no .txt and no .md: ${await describeFolder(folder)}`)
  checkNames(paths)
  return { names: sortNames(paths), leftOut: leftOut.list(paths) }
}

function refuseFolder(error: NodeJS.ErrnoException, folder: string): unknown {
  if (!isAbsent(error)) return refuseFile(error, error.path ?? folder)
  return new HeadraceError('not-found', `there is no folder '${folder}' below ${process.cwd()}`)
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
