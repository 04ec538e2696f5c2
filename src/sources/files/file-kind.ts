import { stat } from 'node:fs/promises'
import { type OptionsOf, type OptionTable, resolveOptions } from '../../options.ts'
import { describeRecorded, followOptions, type Recorded, recordOptions, unpackOptions } from '../fields.ts'
import type { Chunk, ReadPosition, Source } from '../source.ts'
import { type FileSet, listOnce, matchedFiles, type Readable, readSplit, splitFiles } from './files.ts'
import { type WatchFolders, watchFolders } from './follow.ts'
import { refuseAddress } from './patterns.ts'
import { stampFile } from './stamp-all.ts'
import { StampedFiles } from './stamps.ts'

/** A kind of files that documents are read from. */
export interface FileKind<O extends OptionTable = OptionTable> {
  readonly name: string
  /** The source's. */
  readonly version?: number
  /** As help and errors of the command line call such files. */
  readonly called: string
  /** Whether a path or glob of the command line is of this kind; what no kind claims is JSON Lines. */
  readonly claims: (path: string) => boolean
  readonly options: O
  /** The files, where they are not those that the patterns match. */
  readonly filesOf?: (options: Recorded) => FileSet
  /** Set where a file is not read from its start to its end: then it is hashed whole before. */
  readonly isReadAnywhere?: boolean
  readonly read: (file: Readable, reading: Reading) => AsyncIterable<Omit<Chunk, 'split'>>
  readonly parser: (options: Recorded) => Source['parse']
}

/** Which file is read, from where on, and how. */
export interface Reading {
  readonly name: string
  readonly from: ReadPosition
  readonly options: Recorded
  readonly signal: AbortSignal
}

/** Makes sources of a kind: of paths or globs, relative to the current folder. `watch` says when to look for new files. */
export interface FileSources<O extends OptionTable> {
  (patterns: string | readonly string[], options?: OptionsOf<O & typeof followOptions>, watch?: WatchFolders): Source
  readonly kind: FileKind
}

/** What is read of a packed file, and when, says nothing of what is made of a record. */
const origin = ['patterns', ...Object.keys(followOptions), ...Object.keys(unpackOptions)]

/** `call` is the function's name, as errors have it. */
export function fileSources<O extends OptionTable>(call: string, kind: FileKind<O>): FileSources<O> {
  const table = { ...kind.options, ...followOptions }
  const { name, version = 1, read, parser, filesOf = matchedFiles, isReadAnywhere = false } = kind
  const make = (
    patterns: string | readonly string[],
    given: OptionsOf<OptionTable> = {},
    watch = watchFolders,
  ): Source => {
    const options = recordOptions(call, patterns, resolveOptions(call, table as OptionTable, given))
    for (const pattern of options.patterns) refuseAddress(call, pattern)
    const files = listOnce(filesOf(options))
    const { follow } = options
    const stamped = new StampedFiles()
    const stamp = (file: string) => stampFile(file, stamped)
    return {
      name,
      version,
      options,
      origin: origin.filter(option => Object.hasOwn(options, option)),
      splits: signal => splitFiles(files, options, watch, signal, stamped),
      names: async () => (await files.list()).names,
      leftOut: async () => (await files.latest()).leftOut,
      stamp,
      read: (split, from, signal) =>
        readSplit(split, from, { stamped, signal, follow, isReadAnywhere }, file =>
          read(file, { name: split.name, from, options, signal }),
        ),
      parse: parser(options),
      following: () => make(patterns, { ...given, follow: true }, watch),
      describe: () => describeRecorded(name, options),
      bytes: async () => (options.follow ? 0 : sumBytes((await files.latest()).names)),
    }
  }
  return Object.assign(make, { kind: { ...kind, options: table } })
}

/** Files whose sizes are asked for at once. */
const statsMax = 64

/** Files whose sizes are asked for in all. Of more, this many that are spread over the list stand for the others. */
const sizesMax = 4096

/** 0 where a file is packed or in columns: how much will be read of it is not known. */
async function sumBytes(names: readonly string[]): Promise<number> {
  if (names.some(name => /\.(gz|zst|bz2|xz|parquet)$/i.test(name))) return 0
  const step = Math.max(1, names.length / sizesMax)
  const asked = Array.from({ length: Math.min(names.length, sizesMax) }, (_, i) => names[Math.floor(i * step)])
  let sum = 0
  for (let i = 0; i < asked.length; i += statsMax) {
    const found = await Promise.all(asked.slice(i, i + statsMax).map(name => stat(name)))
    for (const one of found) if (one.isFile()) sum += one.size
  }
  return Math.round(sum * step)
}
