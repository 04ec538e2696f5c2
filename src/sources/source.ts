import type { Batch } from '../batch/batch.ts'
import type { LeftOut } from './left-out.ts'

/** A piece of the input that is read from its start to its end, as a file is. `stamp` (size and more) says whether it changed. */
export interface Split {
  readonly name: string
  readonly stamp: string
  /** Set where some records of another split are read again. */
  readonly again?: Again
  /** Set where it is a part of something that grows: what came of that between two looks. */
  readonly range?: SplitRange
}

/** The records from offset `first` on and before `end`. `of` names what they are a range of, and stands as their `file`. */
export interface SplitRange {
  readonly of: string
  readonly first: number
  readonly end: number
}

/** Records that follow each other, by `line`, both ends included. */
export type LineRange = readonly [first: number, last: number]

/** Which records of a split are read again, and at whose request. */
export interface Again {
  /** Name of the split that holds them: its file. */
  readonly of: string
  /** In rising order. The last one ends at `lineAtEnd` where the rest of the file had been given up. */
  readonly lines: readonly LineRange[]
  readonly request: string
  /** Slots before this one had made them dead. */
  readonly before: number
}

/** How far a split was read: `offset` in the source's own unit (bytes of uncompressed text, rows), `line` of the next record. */
export interface ReadPosition {
  readonly offset: number
  readonly line: number
  /** What was read until then, as a source that can tell describes it: whoever goes on from here is refused where that is another now. */
  readonly seen?: string
}

/** The offset after a dead record that ends its split: reading from there gives nothing and opens nothing. */
export const offsetAtEnd = Number.MAX_SAFE_INTEGER

/** The last line of a range that goes to the end of its split. */
export const lineAtEnd = Number.MAX_SAFE_INTEGER

/** Reasons of dead records that end their split, besides all on line 0: what comes after such a record was not read. */
export const restReasons = [
  'unreadable-file',
  'truncated-file',
  'corrupt-file',
  'encrypted-file',
  'page-too-large',
  'row-group-too-large',
  'trailing-junk',
  'wrong-kind',
  'unsupported-compression',
  'window-too-large',
  'inflates-too-much',
]

/** A record that can't become a document, found while reading or parsing. `line` counts from 1; 0 is the file as a whole. */
export interface DeadRecord {
  readonly line: number
  readonly reason: string
  readonly detail: string
}

/**
 * Whole records of one split, unparsed, so that the loader moves bytes and a worker does the work. `dead` are those that reading gave up,
 * in line order. `bytes` has an ArrayBuffer of its own, which can be transferred to a worker.
 */
export interface Chunk {
  readonly split: string
  /** Number of the first record in `bytes`, from 1. */
  readonly line: number
  readonly bytes: Uint8Array
  readonly dead: readonly DeadRecord[]
  /** What was passed over although no record was lost, in words for whoever runs it; told when it is read, and not recorded. */
  readonly notes?: readonly string[] | undefined
  /** Records of it that only say that a key was deleted: they are no documents, neither live nor dead, and counted apart. Default none. */
  readonly tombstones?: number
  /** The records in `bytes` that are meant, where not all are. */
  readonly only?: readonly LineRange[]
  /** Where the record after this chunk begins. */
  readonly next: ReadPosition
}

/** A chunk's records: `batch` has the columns of `document.v1`, of which `repaired` may be left out; every record is either a row of it or in `dead`. */
export interface Parsed {
  readonly batch: Batch
  readonly dead: readonly DeadRecord[]
}

/**
 * Documents from outside.
 *
 * `splits` yields each split once in a fixed order and ends when the source does; a follower's goes on until the signal. `known` are
 * those that a run has already: a source whose splits are ranges yields them first, with the stamps of now, and goes on behind them.
 * A follower yields a split again, with another stamp, when it changed after it was listed.
 * `read` yields the chunks of a split from a position that an earlier chunk gave; each holds whole records and about
 * `bytesTarget` bytes, never more than one record beyond it. What of its content can't be read (a truncated file, damage) ends the split with a dead
 * record, never with a throw. What can't be listed or opened, is gone, or is another than was listed is a throw, as behind it records would
 * be missing without a word. `tell` is told in words what it begins to wait for, where it waits longer than reading takes.
 * `parse` turns a chunk into rows, on a worker; same bytes, same rows.
 */
export interface Source {
  readonly name: string
  /** Rises where other documents come of the same records and options, so that a run is not gone on with by another. Default 1. */
  readonly version?: number
  /** As JSON. With `follow` the source waits for what comes later, instead of ending. */
  readonly options: Readonly<Record<string, unknown>> & { readonly follow?: boolean | undefined }
  /**
   * Names of the options that say where the input lies and when it comes. The others say what is made of a record, and are in the
   * fingerprint of every column. Default `patterns`, `follow` and `pollMs`.
   */
  readonly origin?: readonly string[]
  /** The names of all its splits, where these cost less than `splits`. */
  names?(): Promise<readonly string[]>
  /** What lies beside its splits and is not read, to be told. */
  leftOut?(): Promise<readonly LeftOut[]>
  splits(signal: AbortSignal, known?: readonly Split[]): AsyncIterable<Split>
  /** What the split of this name would be given as its stamp now; without it, a split that is read again keeps the one that it had. */
  stamp?(name: string): Promise<string>
  read(split: Split, from: ReadPosition, signal: AbortSignal, tell?: (waiting: string) => void): AsyncIterable<Chunk>
  parse(chunk: Chunk): Parsed | Promise<Parsed>
  /** The same source, waiting for what comes. */
  following?(): Source
  /** In a line, what it reads and how, for `headrace plan`. Default its name. */
  describe?(): string
  /** Bytes that it will read, or about as many, to show how far a run is; 0 where that can't be known. */
  bytes?(): Promise<number>
}
