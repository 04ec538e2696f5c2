import { BadFileError } from '../bad-file.ts'

/** A file's bytes from `start` to `end`; fewer where the file ends. */
export interface Readable {
  read(start: number, end: number): Promise<Uint8Array>
}

const blockBytes = 512 * 1024

/** A place in a file: formats are read from it piece by piece, and may go back to where a piece began. */
export class Cursor {
  readonly #file: Readable
  #block: Uint8Array = new Uint8Array(0)
  #start = 0
  /** Where in the file the next byte stands. */
  at = 0

  constructor(file: Readable) {
    this.#file = file
  }

  /** At least `count` bytes from here on, without going on; fewer only where the file ends. */
  async ahead(count = 1): Promise<Uint8Array> {
    const from = this.at - this.#start
    if (from >= 0 && this.#block.length - from >= count) return this.#block.subarray(from)
    this.#start = this.at
    // More than is asked for, so that long pieces are not read again for each that follows.
    this.#block = await this.#file.read(this.at, this.at + Math.max(count > blockBytes ? 3 * count : 0, blockBytes))
    return this.#block
  }

  /** The next `count` bytes. A file that ends before them is cut. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.ahead(count)
    if (bytes.length < count) throw endsEarly()
    this.at += count
    return bytes.subarray(0, count)
  }

  /** Goes on over zeros, with which archivers pad what they pack. */
  async skipZeros(): Promise<void> {
    for (let bytes = await this.ahead(); bytes.length > 0; bytes = await this.ahead()) {
      const end = bytes.findIndex(byte => byte !== 0)
      this.at += end < 0 ? bytes.length : end
      if (end >= 0) return
    }
  }
}

export const endsEarly = () => new BadFileError('truncated-file', 'the compressed file ends too early')

export const isDamaged = (what: string) => new BadFileError('corrupt-file', `the compressed file is damaged: ${what}`)

/** What stands behind the last `part` of a file and is none: everything before it has been read. */
export function hasJunk(part: string, at: number, bytes: Uint8Array): BadFileError {
  const shown = Buffer.from(bytes.subarray(0, 8)).toString('hex')
  return new BadFileError(
    'trailing-junk',
    `behind the last ${part}, at byte ${at} of the file, stands something else (${shown} ...): nothing before it is lost`,
  )
}
