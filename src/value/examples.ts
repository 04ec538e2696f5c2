import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readBytes, writeBytes } from '../disk/transfer.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'
import { hash128 } from '../text/hash.ts'
import { FeatureReader, scaleCounts } from '../text/linear/features.ts'

/** A text (UTF-8) with what it is to be known by: 0 or 1, a number, or the number of a class. */
export interface LabelledText {
  readonly bytes: Uint8Array
  readonly target: number
  /** Texts of one group are learned from together or held out together. */
  readonly group: string
  /** Where it is from, whatever its group. */
  readonly source: string
}

/** What was kept of a text, in the order in which texts came. */
export interface ExampleFacts {
  readonly target: number
  readonly group: string
  readonly source: string
  readonly words: number
  /** Of its content: decides what is drawn. */
  readonly hash: number
}

/** What was left out, and why. */
export interface LeftOutTexts {
  /** Without any word. */
  empty: number
  /** The same words as a text before, with the same target. */
  repeated: number
  /** The same words as a text before with another target: which of both is right nobody knows. */
  contradicting: number
}

/** A part of the texts, in memory: text i of `numbers` has the features from `offsets[i]` to `offsets[i + 1]`. */
export interface LoadedPart {
  readonly numbers: readonly number[]
  readonly offsets: readonly number[]
  readonly buckets: Uint32Array
  readonly values: Float32Array
}

const parts = 64
const flushBytes = 1 << 20
/** Features that stay in memory from one pass to the next: 8 bytes each. */
const heldFeaturesMax = 2 ** 25

/**
 * Texts to learn from, as features in files of a temporary folder: each is cut once, and a 64th of them is in memory at a time where they are
 * many. Texts of the same words are one.
 */
export class Examples implements AsyncDisposable {
  readonly facts: ExampleFacts[] = []
  readonly leftOut: LeftOutTexts = { empty: 0, repeated: 0, contradicting: 0 }
  readonly #dir: string
  readonly #reader = new FeatureReader()
  readonly #targets = new Map<string, number>()
  readonly #files: PartFile[] = []
  readonly #held = new Map<number, LoadedPart>()
  #features = 0

  private constructor(dir: string) {
    this.#dir = dir
  }

  static async open(): Promise<Examples> {
    try {
      return new Examples(await mkdtemp(join(tmpdir(), 'headrace-fit-')))
    } catch (error) {
      throw wrapDiskError(error, `making a folder in ${tmpdir()}`)
    }
  }

  get parts(): number {
    return this.#files.length
  }

  async add({ bytes, target, group, source }: LabelledText): Promise<void> {
    const length = this.#reader.read(bytes, 0, bytes.length)
    if (length === 0) {
      this.leftOut.empty++
      return
    }
    const [buckets, counts] = [this.#reader.buckets.slice(0, length), this.#reader.counts.slice(0, length)]
    const name = nameOf(buckets, counts)
    const known = this.#targets.get(name)
    if (known !== undefined) {
      this.leftOut[known === target ? 'repeated' : 'contradicting']++
      return
    }
    if (this.facts.length === limits.examplesMax)
      throw new HeadraceError('limit', `there are more than ${limits.examplesMax} texts to learn from: give fewer`)
    this.#targets.set(name, target)
    const hash = Number.parseInt(name.slice(0, 8), 16)
    // Files are numbered by content, so that a part has texts of every source.
    while (this.#files.length <= hash % parts) this.#files.push(new PartFile(join(this.#dir, `${this.#files.length}`)))
    await this.#files[hash % parts].add(this.facts.length, buckets, counts)
    this.facts.push({ target, group, source, words: this.#reader.words, hash })
    this.#features += length
  }

  async load(part: number): Promise<LoadedPart> {
    const known = this.#held.get(part)
    if (known) return known
    const loaded = await this.#files[part].load()
    if (this.#features <= heldFeaturesMax) this.#held.set(part, loaded)
    return loaded
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files) await file.close()
    await rm(this.#dir, { recursive: true, force: true })
  }
}

/** 64 bits of what features a text has, which is what is learned from. */
function nameOf(buckets: Uint32Array, counts: Uint32Array): string {
  const words = new Uint32Array(4)
  const both = new Uint8Array(8 * buckets.length)
  both.set(new Uint8Array(buckets.buffer, buckets.byteOffset, 4 * buckets.length))
  both.set(new Uint8Array(counts.buffer, counts.byteOffset, 4 * counts.length), 4 * buckets.length)
  hash128(both, 0, both.length, 0, words)
  return words[0].toString(16).padStart(8, '0') + words[1].toString(16).padStart(8, '0')
}

class PartFile {
  readonly #path: string
  readonly #numbers: number[] = []
  readonly #lengths: number[] = []
  #file: FileHandle | null = null
  #pending: Uint32Array[] = []
  #pendingBytes = 0
  #bytes = 0

  constructor(path: string) {
    this.#path = path
  }

  async add(number: number, buckets: Uint32Array, counts: Uint32Array): Promise<void> {
    this.#numbers.push(number)
    this.#lengths.push(buckets.length)
    this.#pending.push(buckets, counts)
    this.#pendingBytes += 8 * buckets.length
    if (this.#pendingBytes >= flushBytes) await this.#flush()
  }

  async load(): Promise<LoadedPart> {
    try {
      await this.#flush()
      const bytes = this.#file ? await readBytes(this.#file, 0, this.#bytes) : new Uint8Array()
      return this.#cut(new Uint32Array(bytes.buffer, 0, bytes.length / 4))
    } catch (error) {
      throw wrapDiskError(error, `reading ${this.#path}`)
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }

  #cut(stored: Uint32Array): LoadedPart {
    const features = stored.length / 2
    const [buckets, values] = [new Uint32Array(features), new Float32Array(features)]
    const offsets = [0]
    for (const length of this.#lengths) {
      const at = offsets[offsets.length - 1]
      buckets.set(stored.subarray(2 * at, 2 * at + length), at)
      scaleCounts(stored.subarray(2 * at + length, 2 * at + 2 * length), length, values.subarray(at, at + length))
      offsets.push(at + length)
    }
    return { numbers: this.#numbers, offsets, buckets, values }
  }

  async #flush(): Promise<void> {
    try {
      this.#file ??= await open(this.#path, 'w+')
      for (const array of this.#pending) {
        await writeBytes(this.#file, new Uint8Array(array.buffer, array.byteOffset, array.byteLength), this.#bytes)
        this.#bytes += array.byteLength
      }
      this.#pending = []
      this.#pendingBytes = 0
    } catch (error) {
      throw wrapDiskError(error, `writing ${this.#path}`)
    }
  }
}
