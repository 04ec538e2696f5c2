import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readBytes, writeBytes } from '../disk/transfer.ts'
import { wrapDiskError } from '../errors.ts'
import { RankBuckets } from './rank-buckets.ts'

/** A row of a run as two models see it. Hashes are of 53 bits, in [0, 1); NaN where a document has no such name. */
export interface ScoredRow {
  readonly address: number
  /** Of its text's bytes. */
  readonly text: number
  readonly host: number
  readonly source: number
  /** By a seed, and by a classifier; float32. */
  readonly seed: number
  readonly score: number
}

/** Five numbers of 64 bits: both scores share one. */
const wordsOfRow = 5
const rowsOfChunk = 2 ** 14

/** Scored rows in a temporary file, 40 bytes each, in the order in which they were added, with the ranks of both scores. */
export class ScoredRows implements AsyncDisposable {
  readonly #dir: string
  readonly #file: FileHandle
  readonly #seeds = new RankBuckets()
  readonly #scores = new RankBuckets()
  readonly #chunk = new Float64Array(wordsOfRow * rowsOfChunk)
  readonly #floats = new Float32Array(this.#chunk.buffer)
  #held = 0
  #bytes = 0

  private constructor(dir: string, file: FileHandle) {
    this.#dir = dir
    this.#file = file
  }

  static async open(): Promise<ScoredRows> {
    try {
      const dir = await mkdtemp(join(tmpdir(), 'headrace-scores-'))
      return new ScoredRows(dir, await open(join(dir, 'rows'), 'w+'))
    } catch (error) {
      throw wrapDiskError(error, `making a file in ${tmpdir()}`)
    }
  }

  async add({ address, text, host, source, seed, score }: ScoredRow): Promise<void> {
    const at = wordsOfRow * this.#held++
    this.#chunk.set([address, text, host, source], at)
    this.#floats.set([seed, score], 2 * (at + 4))
    this.#seeds.add(this.#floats[2 * (at + 4)])
    this.#scores.add(this.#floats[2 * (at + 4) + 1])
    if (this.#held === rowsOfChunk) await this.#flush()
  }

  get count(): number {
    return this.#seeds.count
  }

  /** The mean of the ranks that a row's two scores have among all rows, from 0 to 1. */
  rankOf({ seed, score }: Pick<ScoredRow, 'seed' | 'score'>): number {
    return (this.#seeds.rankOf(seed) + this.#scores.rankOf(score)) / 2
  }

  async *read(): AsyncGenerator<ScoredRow> {
    await this.#flush()
    try {
      for (let at = 0; at < this.#bytes; at += this.#chunk.byteLength) {
        const { buffer, length } = await readBytes(this.#file, at, Math.min(this.#chunk.byteLength, this.#bytes - at))
        const words = new Float64Array(buffer, 0, length / 8)
        const floats = new Float32Array(buffer, 0, length / 4)
        for (let row = 0; row < words.length; row += wordsOfRow) {
          const [address, text, host, source] = words.subarray(row, row + 4)
          yield { address, text, host, source, seed: floats[2 * (row + 4)], score: floats[2 * (row + 4) + 1] }
        }
      }
    } catch (error) {
      throw wrapDiskError(error, `reading ${this.#dir}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
    await rm(this.#dir, { recursive: true, force: true })
  }

  async #flush(): Promise<void> {
    const bytes = new Uint8Array(this.#chunk.buffer, 0, 8 * wordsOfRow * this.#held)
    try {
      await writeBytes(this.#file, bytes, this.#bytes)
    } catch (error) {
      throw wrapDiskError(error, `writing ${this.#dir}`)
    }
    this.#bytes += bytes.length
    this.#held = 0
  }
}
