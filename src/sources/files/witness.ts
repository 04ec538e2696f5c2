import { createHash } from 'node:crypto'
import { limits } from '../../limits.ts'
import type { ReadPosition, Split } from '../source.ts'
import { refuseReplaced } from './file-errors.ts'
import type { InputFile } from './input-file.ts'

type Readable = Pick<InputFile, 'size' | 'read'>

/** Hexadecimal digits of a hash that are kept: 128 bits, so that nobody can make another file with it. */
const digitsKept = 32

/**
 * A file that is hashed as it is read, from its first byte on; what a reader jumps over is hashed by `readTo`. `seen` is
 * `<bytes>-<SHA-256 of that many first bytes>`, with which a later look at the file is compared.
 */
export class WitnessedFile implements Readable {
  readonly #file: Readable
  readonly #hash = createHash('sha256')
  #hashed = 0
  /** Of the bytes until now; empty when more came since it was made. */
  #seen = ''

  constructor(file: Readable) {
    this.#file = file
  }

  get size(): number {
    return this.#file.size
  }

  get seen(): string {
    this.#seen ||= `${this.#hashed}-${this.#hash.copy().digest('hex').slice(0, digitsKept)}`
    return this.#seen
  }

  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#file.read(start, end)
    if (start <= this.#hashed && start + bytes.length > this.#hashed) {
      this.#hash.update(bytes.subarray(this.#hashed - start))
      this.#hashed = start + bytes.length
      this.#seen = ''
    }
    return bytes
  }

  /** Hashes all bytes before `end`, or before the file's end. */
  async readTo(end: number): Promise<void> {
    while (this.#hashed < end) {
      const block = await this.read(this.#hashed, Math.min(end, this.#hashed + limits.slotBytes))
      if (block.length === 0) return
    }
  }
}

/** What a file has now where `seen` was: equal to it when these bytes are the same. */
export async function lookAgain(file: Readable, seen: string): Promise<string> {
  const witness = new WitnessedFile(file)
  await witness.readTo(bytesSeen(seen))
  return witness.seen
}

const bytesSeen = (seen: string): number => Number.parseInt(seen, 10)

/**
 * Begins to hash a split's file, of which what stands before the position was read already. Throws 'source-changed' where that is another
 * now. A file that is read here and there, and not from its start to its end, is hashed whole before (`isReadAnywhere`).
 */
export async function witnessFile(
  { name }: Split,
  file: Readable,
  { seen = '' }: ReadPosition,
  isReadAnywhere: boolean,
): Promise<WitnessedFile> {
  const witness = new WitnessedFile(file)
  if (seen) {
    await witness.readTo(bytesSeen(seen))
    if (witness.seen !== seen)
      throw refuseReplaced(
        name,
        `is not what this run has begun to read: its first ${bytesSeen(seen)} bytes are others now`,
      )
  }
  if (isReadAnywhere) await witness.readTo(file.size)
  return witness
}

/** Throws 'source-changed' where a file was written to while it was read, so that parts of two files would stand as one. It `mayGrow` behind that. */
export async function checkUnchanged(
  { name }: Split,
  file: InputFile,
  { seen }: Pick<WitnessedFile, 'seen'>,
  mayGrow: boolean,
): Promise<void> {
  const { identity, size } = await file.look()
  if (identity !== null && identity === file.identity) return
  if (size !== file.size && !mayGrow)
    throw refuseReplaced(name, `had ${file.size} bytes when it was opened and has ${size} after it was read`)
  if ((await lookAgain(file, seen)) !== seen) throw refuseReplaced(name, 'was written to while it was read')
}
