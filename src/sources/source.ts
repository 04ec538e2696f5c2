import type { Batch } from '../batch/batch.ts'

/** A piece of the input that is read from its start to its end: a file. `stamp` (size and more) says whether it changed. */
export interface Split {
  readonly name: string
  readonly stamp: string
}

/** How far a split was read: `offset` in the source's own unit (bytes of uncompressed text, rows), `line` of the next record. */
export interface ReadPosition {
  readonly offset: number
  readonly line: number
}

/** The offset after a dead record that ends its split: reading from there gives nothing and opens nothing. */
export const offsetAtEnd = Number.MAX_SAFE_INTEGER

/** A record that can't become a document, found while reading or parsing. `line` counts from 1; 0 is the file as a whole. */
export interface DeadRecord {
  readonly line: number
  readonly reason: string
  readonly detail: string
}

/**
 * Whole records of one split, still unparsed, so that the loader only moves bytes and a worker does the work. `dead` are records
 * that reading itself had to give up, in line order. The buffer owns its memory (its ArrayBuffer holds nothing else) and can be
 * transferred to a worker.
 */
export interface Chunk {
  readonly split: string
  /** Number of the first record in `bytes`, from 1. */
  readonly line: number
  readonly bytes: Uint8Array
  readonly dead: readonly DeadRecord[]
  /** Where the record after this chunk begins. */
  readonly next: ReadPosition
}

/** A chunk's records: `batch` has the columns of `document.v1`; every record is either a row of it or in `dead`. */
export interface Parsed {
  readonly batch: Batch
  readonly dead: readonly DeadRecord[]
}

/**
 * Documents from outside.
 *
 * `splits` yields each split once in a fixed order and ends when the source does; a follower's goes on until the signal.
 * `read` yields the chunks of a split from a position that an earlier chunk gave; each holds whole records and about
 * `bytesTarget` bytes, never more than one record beyond it. What can't be read at all (a truncated file, no permission) ends
 * the split with a dead record, never with a throw: a throw means the world's fault that a later try may mend.
 * `parse` turns a chunk into rows, on a worker; same bytes, same rows.
 */
export interface Source {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  splits(signal: AbortSignal): AsyncIterable<Split>
  read(split: Split, from: ReadPosition, signal: AbortSignal): AsyncIterable<Chunk>
  parse(chunk: Chunk): Parsed | Promise<Parsed>
}
