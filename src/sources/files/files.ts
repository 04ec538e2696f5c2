import { lstatSync, statSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { BadFileError } from '../bad-file.ts'
import type { Recorded } from '../fields.ts'
import { type LeftOut, LeftOutFiles } from '../left-out.ts'
import { type Chunk, offsetAtEnd, type ReadPosition, type Split } from '../source.ts'
import { isAbsent, refuseFile, refuseReplaced } from './file-errors.ts'
import type { WatchFolders } from './follow.ts'
import { type Identity, type InputFile, identityOf } from './input-file.ts'
import { ListedFiles } from './listed-files.ts'
import { openFile } from './open-file.ts'
import { checkNames, expandGlob, isFolder, splitPattern } from './patterns.ts'
import { checkFolders, isOfOneFolder, matchNames } from './readable-folders.ts'
import { stampAll, stampFile } from './stamp-all.ts'
import type { StampedFiles } from './stamps.ts'
import { describeFolder } from './what-is-there.ts'
import { checkUnchanged, type WitnessedFile, witnessFile } from './witness.ts'

export { type InputFile, openFile }
/** What a kind of files is read from. */
export type Readable = Pick<InputFile, 'size' | 'read'>

export { BadFileError }

/**
 * The files that the patterns match, by path in byte order and relative where the pattern is. Folders are passed over. A pattern that
 * matches nothing is a 'not-found' error unless `mayBeEmpty`.
 */
async function matchFiles(patterns: readonly string[], mayBeEmpty: boolean): Promise<Listing> {
  const names = new Set<string>()
  const leftOut = new LeftOutFiles()
  for (const pattern of patterns) {
    const matches = await expand(pattern, leftOut)
    if (matches.length === 0 && !mayBeEmpty) throw await refuseUnmatched(pattern, leftOut)
    for (const match of matches) names.add(match)
  }
  checkNames(names)
  return { names: sortNames(names), leftOut: leftOut.list(names) }
}

/** By their UTF-8 bytes, so that the order is the same on every machine. */
export function sortNames(names: Iterable<string>): string[] {
  const all = [...names]
  // Strings are compared by their UTF-16 units, which differs only where a character has two.
  if (!all.some(name => /[\ud800-\udfff]/.test(name))) return all.sort()
  const keyed = all.map(name => ({ name, key: Buffer.from(name) }))
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ name }) => name)
}

async function refuseUnmatched(pattern: string, leftOut: LeftOutFiles): Promise<HeadraceError> {
  const instead = await describeFolder(splitPattern(pattern).folder)
  const [first] = leftOut.paths()
  const advice =
    first === undefined
      ? ''
      : `; links to folders and hidden folders are passed over unless they are named, as in ${join(first, '**', '*')}`
  const message = `no file matches '${pattern}', and ${instead}${advice}; paths are relative to ${process.cwd()}`
  return new HeadraceError('not-found', message)
}

/** The files of a pattern; a path that exists is itself, whatever signs it has in its name. */
async function expand(pattern: string, leftOut: LeftOutFiles): Promise<string[]> {
  const entry = lookAtPath(pattern)
  if (!entry) return expandSigns(pattern, leftOut)
  if (!entry.isDirectory()) return isFolder(pattern) ? [] : [normalize(pattern)]
  const instead = await describeFolder(pattern)
  throw new HeadraceError('bad-option', `${pattern} is a folder; name the files in it, as in ${pattern}/*: ${instead}`)
}

/** The files that a pattern with signs matches. All folders that it leads into can be read. */
async function expandSigns(pattern: string, leftOut: LeftOutFiles): Promise<string[]> {
  const { folder, rest } = splitPattern(pattern)
  if (isOfOneFolder(rest)) return matchNames(folder, rest, leftOut)
  await checkFolders(folder, rest, leftOut)
  const matches = await Array.fromAsync(expandGlob(pattern))
  return matches.filter(path => !isFolder(path)).map(path => normalize(path))
}

function lookAtPath(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    // A name with signs may be too long to be a path.
    if (isAbsent(error)) return undefined
    throw refuseFile(error, path)
  }
}

/** The names of files in byte order, and what lies beside them that is not read. */
export interface Listing {
  readonly names: string[]
  readonly leftOut: readonly LeftOut[]
}

/** Files that may become more, and the folders in which new ones appear. */
export interface FileSet {
  readonly folders: readonly string[]
  list(): Promise<Listing>
}

export function matchedFiles({ patterns, follow }: Recorded): FileSet {
  return {
    folders: [...new Set(patterns.map(pattern => splitPattern(pattern).folder))],
    list: () => matchFiles(patterns, follow),
  }
}

/** A set of files that remembers its lists. */
export interface ListedSet extends FileSet {
  /** The newest list, or the first. */
  latest(): Promise<Listing>
  /** Leaves the newest list to whoever asks for the next. */
  keep(): void
}

/** The same files; whoever asks for a list while one is being made gets that one. */
export function listOnce({ folders, list }: FileSet): ListedSet {
  let begun: Promise<Listing> | null = null
  let kept: Promise<Listing> | null = null
  let latest: Promise<Listing> | null = null
  const forget = () => {
    begun = null
  }
  const listAgain = () => {
    latest = list()
    latest.then(forget, forget)
    return latest
  }
  const next = () => {
    const taken = kept ?? (begun ??= listAgain())
    kept = null
    return taken
  }
  const keep = () => {
    kept = latest
  }
  return { folders, list: next, latest: () => latest ?? next(), keep }
}

/**
 * The splits of files. A follower looks again whenever `watch` says so and yields what is new, in byte order within one look, and again
 * what changed after it was listed, until the signal aborts; its folders must exist.
 */
export async function* splitFiles(
  files: ListedSet,
  { follow, pollMs }: Recorded,
  watch: WatchFolders,
  signal: AbortSignal,
  stamped: StampedFiles,
): AsyncGenerator<Split, void> {
  if (!follow) return yield* splitAll(files, signal, stamped)
  const { folders, list } = files
  const stamp = (name: string) => stampFile(name, stamped)
  const missing = folders.find(folder => !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
  if (missing !== undefined) throw new HeadraceError('not-found', `there is no folder '${missing}' to follow`)
  const listed = new ListedFiles()
  for await (const _ of watch(folders, pollMs, signal)) {
    for (const name of (await list()).names) {
      if (signal.aborted) return
      if (!listed.has(name)) yield await listed.add(name, stamp)
    }
    yield* listed.changed(stamp)
  }
}

/** All files there are. Whoever looks at the first alone leaves the list to the one who reads on. */
async function* splitAll(files: ListedSet, signal: AbortSignal, stamped: StampedFiles): AsyncGenerator<Split, void> {
  const { names } = await files.list()
  let isLeft = true
  try {
    yield* stampAll(names, stamped, signal)
    isLeft = false
  } catch (error) {
    isLeft = false
    throw error
  } finally {
    if (isLeft) files.keep()
  }
}

/**
 * What the system says of a file that is not open. It is asked at once: of a file that was listed it mostly knows that without the disk,
 * and waiting for the answer on another thread takes ten times as long.
 */
function lookAtFile(name: string): Identity {
  const at = Date.now()
  return identityOf(statSync(name), at)
}

/** The file's bytes from `offset` to where its end was when it was opened, in blocks of `limits.slotBytes` at most. */
export async function* readBlocks(file: Readable, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  while (offset < file.size && !signal.aborted) {
    const block = await file.read(offset, Math.min(offset + limits.slotBytes, file.size))
    if (block.length === 0) return
    yield block
    offset += block.length
  }
}

/** How the files of a source are read. */
export interface FileReading {
  readonly stamped: StampedFiles
  readonly signal: AbortSignal
  /** A follower's files may grow behind what was read: whoever looks for new files tells that. */
  readonly follow: boolean
  /** Set for kinds that do not read a file from its start to its end. */
  readonly isReadAnywhere: boolean
}

/**
 * Reads a split by `readFile`. What is wrong with the file's content ends the split with one dead record: on the line that would come next,
 * or 0 when nothing of the file was read. A file that is not, or is no more, the one that was stamped throws 'source-changed' before its
 * last chunk is given. Ends without a throw when the signal aborts.
 */
export async function* readSplit(
  split: Split,
  from: ReadPosition,
  { stamped, signal, follow, isReadAnywhere }: FileReading,
  readFile: (file: Readable) => AsyncIterable<Omit<Chunk, 'split'>>,
): AsyncGenerator<Chunk, void> {
  if (from.offset === offsetAtEnd || signal.aborted) return
  try {
    await using file = await openListed(split, stamped, signal)
    await stamped.check(split, file)
    const witness = await witnessFile(split, file, from, isReadAnywhere)
    let last: Chunk | null = null
    for await (const { next, ...chunk } of readOrLose(split.name, from, witness, readFile)) {
      if (last) yield last
      last = { split: split.name, ...chunk, next: { ...next, seen: witness.seen } }
    }
    if (signal.aborted) return
    await checkUnchanged(split, file, witness, follow)
    if (last) yield last
  } catch (error) {
    // The signal closes the file, so that reading it fails.
    if (!signal.aborted) throw refuseFile(error, split.name)
  }
}

/** What was listed is there: where it is gone, the input is another. */
async function openListed(split: Split, stamped: StampedFiles, signal: AbortSignal): Promise<InputFile> {
  const { name, stamp } = split
  try {
    return stamped.takeHeld(split, lookAtFile) ?? (await openFile(name, signal))
  } catch (error) {
    throw isAbsent(error) ? refuseReplaced(name, `is gone since it was listed (it was ${stamp})`) : error
  }
}

/** The chunks of a file, and a dead record in place of what its content kept from being read. */
async function* readOrLose(
  name: string,
  from: ReadPosition,
  file: WitnessedFile,
  readFile: (file: WitnessedFile) => AsyncIterable<Omit<Chunk, 'split'>>,
): AsyncGenerator<Omit<Chunk, 'split'>, void> {
  let position = from
  try {
    checkNotEmpty(name, file)
    for await (const chunk of readFile(file)) {
      yield chunk
      position = chunk.next
    }
  } catch (error) {
    if (!(error instanceof BadFileError)) throw error
    const { offset, line } = position
    const dead = [{ line: offset === 0 ? 0 : line, reason: error.reason, detail: error.message }]
    yield { line, bytes: new Uint8Array(0), dead, next: { offset: offsetAtEnd, line: line + 1 } }
  }
}

const packed = /\.(gz|zst|bz2|xz|parquet)$/i

/** A packed file of no documents has bytes; one without any was never written. */
function checkNotEmpty(name: string, { size }: WitnessedFile): void {
  if (size === 0 && packed.test(name))
    throw new BadFileError('truncated-file', 'the file is empty, where its name says that it is packed')
}
