import { createHash } from 'node:crypto'
import { lstatSync, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { normalize } from 'node:path'
import { readBytes } from '../../disk/transfer.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { BadFileError } from '../bad-file.ts'
import type { Recorded } from '../fields.ts'
import { type Chunk, offsetAtEnd, type ReadPosition, type Split } from '../source.ts'
import type { WatchFolders } from './follow.ts'
import { checkNames, describePassedOver, expandGlob, splitPattern } from './patterns.ts'
import { workAhead } from './work-ahead.ts'

export { BadFileError }

/** System codes that say that this file can't be read, whatever state the disk is in. */
const fileCodes = ['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'EINVAL']

/** A file error as the file's own fault, or as a `disk` error that a later try may mend; what is neither comes back as it is. */
function judgeFileError(error: unknown, name: string): unknown {
  const { code = '', syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  if (error instanceof BadFileError || syscall === undefined) return error
  if (fileCodes.includes(code)) return new BadFileError('unreadable-file', `${code} when the file was opened or read`)
  return new HeadraceError('disk', `reading ${name} failed with ${code}; run the same command again`, error)
}

const stampBytes = 64 * 1024

/**
 * The files that the patterns match, by path in byte order and relative where the pattern is. Folders are passed over. A pattern that
 * matches nothing is a 'not-found' error unless `mayBeEmpty`.
 */
async function matchFiles(patterns: readonly string[], mayBeEmpty: boolean): Promise<string[]> {
  const names = new Set<string>()
  for (const pattern of patterns) {
    let isMatched = false
    for await (const match of expand(pattern)) {
      if (isFolder(match)) continue
      isMatched = true
      names.add(normalize(match))
    }
    if (!isMatched && !mayBeEmpty) throw await refuseUnmatched(pattern)
  }
  checkNames(names)
  return sortNames(names)
}

async function refuseUnmatched(pattern: string): Promise<HeadraceError> {
  const passedOver = await describePassedOver(splitPattern(pattern).folder)
  const message = `no file matches '${pattern}'${passedOver}; paths are relative to ${process.cwd()}`
  return new HeadraceError('not-found', message)
}

/** A link that leads nowhere or round in a circle is no folder; opening it says what it is. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** By their UTF-8 bytes, so that the order is the same on every machine. */
export function sortNames(names: Iterable<string>): string[] {
  const keyed = Array.from(names, name => ({ name, key: Buffer.from(name) }))
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ name }) => name)
}

/** The files of a pattern; a path that exists is itself, whatever signs it has in its name. */
function expand(pattern: string): AsyncIterable<string> | string[] {
  const entry = lstatSync(pattern, { throwIfNoEntry: false })
  if (!entry) return expandGlob(pattern)
  if (!entry.isDirectory()) return [pattern]
  throw new HeadraceError('bad-option', `${pattern} is a folder; name the files in it, as in ${pattern}/*`)
}

/** Files that may become more: their names in byte order, and the folders in which new ones appear. */
export interface FileSet {
  readonly folders: readonly string[]
  list(): Promise<string[]>
}

export function matchedFiles({ patterns, follow }: Recorded): FileSet {
  return {
    folders: [...new Set(patterns.map(pattern => splitPattern(pattern).folder))],
    list: () => matchFiles(patterns, follow),
  }
}

/**
 * The splits of files. A follower looks again whenever `watch` says so and yields what is new, in byte order within one look, until the
 * signal aborts; its folders must exist.
 */
export async function* splitFiles(
  { folders, list }: FileSet,
  { follow, pollMs }: Recorded,
  watch: WatchFolders,
  signal: AbortSignal,
): AsyncGenerator<Split, void> {
  if (!follow) return yield* stampAll(await list(), signal)
  const missing = folders.find(folder => !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
  if (missing !== undefined) throw new HeadraceError('not-found', `there is no folder '${missing}' to follow`)
  const seen = new Set<string>()
  for await (const _ of watch(folders, pollMs, signal)) {
    const fresh = (await list()).filter(name => !seen.has(name))
    for (const name of fresh) seen.add(name)
    yield* stampAll(fresh, signal)
  }
}

async function* stampAll(names: readonly string[], signal: AbortSignal): AsyncGenerator<Split, void> {
  for await (const split of workAhead(names, async name => ({ name, stamp: await stampFile(name) }))) {
    if (signal.aborted) return
    yield split
  }
}

/**
 * A file's size and a hash of its first and last 64 KB: the same for a copy with another time, another when a file was cut, grew or
 * was written anew. A file that can't be read has the stamp 'unreadable'.
 */
export async function stampFile(name: string): Promise<string> {
  try {
    await using file = await openFile(name)
    const hash = createHash('sha256')
    const head = await file.read(0, Math.min(stampBytes, file.size))
    hash.update(head)
    hash.update(file.size <= stampBytes ? head : await file.read(file.size - stampBytes, file.size))
    return `${file.size}-${hash.digest('hex').slice(0, 16)}`
  } catch (error) {
    const judged = judgeFileError(error, name)
    if (judged instanceof BadFileError) return 'unreadable'
    throw judged
  }
}

/** An open file of a known size. */
export interface InputFile extends AsyncDisposable {
  readonly size: number
  /** The bytes from `start` to `end` with memory of their own; fewer where the file ends. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}

/** Opens a regular file; anything else (a folder, a pipe) is a BadFileError. The handle closes with the signal too. */
async function openFile(name: string, signal?: AbortSignal): Promise<InputFile> {
  // Looked at before it is opened, as opening a pipe waits for its writer.
  if (!(await stat(name)).isFile()) throw new BadFileError('unreadable-file', 'this is not a regular file')
  const handle = await open(name)
  const close = () => void handle.close()
  signal?.addEventListener('abort', close)
  return {
    size: (await handle.stat()).size,
    read: (start, end) => readBytes(handle, start, Math.max(0, end - start)),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', close)
      await handle.close()
    },
  }
}

/** The file's bytes from `offset` to where its end was when it was opened, in blocks of `limits.slotBytes` at most. */
export async function* readBlocks(
  file: Pick<InputFile, 'size' | 'read'>,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  while (offset < file.size && !signal.aborted) {
    const block = await file.read(offset, Math.min(offset + limits.slotBytes, file.size))
    if (block.length === 0) return
    yield block
    offset += block.length
  }
}

/**
 * Reads a split by `readFile`. What is wrong with the file ends the split with one dead record: on the line that would come next, or
 * 0 when nothing of the file was read. Ends without a throw when the signal aborts.
 */
export async function* readSplit(
  split: Split,
  from: ReadPosition,
  signal: AbortSignal,
  readFile: (file: InputFile) => AsyncIterable<Omit<Chunk, 'split'>>,
): AsyncGenerator<Chunk, void> {
  if (from.offset === offsetAtEnd || signal.aborted) return
  let position = from
  try {
    await using file = await openFile(split.name, signal)
    for await (const chunk of readFile(file)) {
      yield { split: split.name, ...chunk }
      position = chunk.next
    }
  } catch (error) {
    // The signal closes the file, so that reading it fails.
    if (signal.aborted) return
    const judged = judgeFileError(error, split.name)
    if (!(judged instanceof BadFileError)) throw judged
    const { offset, line } = position
    const dead = [{ line: offset === 0 ? 0 : line, reason: judged.reason, detail: judged.message }]
    yield { split: split.name, line, bytes: new Uint8Array(0), dead, next: { offset: offsetAtEnd, line: line + 1 } }
  }
}
