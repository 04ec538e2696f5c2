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

/** What a head is to know a text by. */
export interface HeadTarget {
  /** Its number. */
  readonly head: number
  readonly target: number
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

/** What was left out of a head's texts, and why. */
export interface LeftOutTexts {
  /** Without any word. */
  empty: number
  /** The same words as a text before, with the same target. */
  repeated: number
  /** The same words as a text before with another target: which of both is right nobody knows. */
  contradicting: number
}

/** A part of the texts, in memory: text i of `numbers` has the features from `offsets[i]` to `offsets[i + 1]`; a number is -1 where the head has not the text. */
export interface LoadedPart {
  readonly numbers: Int32Array
  readonly offsets: readonly number[]
  readonly buckets: Uint32Array
  readonly values: Float32Array
}

/** The texts that one head has a target for. `facts[n]` is of the text of number n. */
export interface HeadExamples {
  readonly facts: readonly ExampleFacts[]
  readonly leftOut: Readonly<LeftOutTexts>
  readonly parts: number
  load(part: number): Promise<LoadedPart>
}

const parts = 64
const flushBytes = 1 << 20
/** Features that stay in memory from one pass to the next: 8 bytes each. */
const heldFeaturesMax = 2 ** 25

type Part = Omit<LoadedPart, 'numbers'> & { readonly numbers: readonly number[] }

/** Targets by text: NaN of a text that a head does not have. */
interface Known {
  readonly targets: number[]
  readonly leftOut: LeftOutTexts
}

/**
 * Texts to learn from, as features in files of a temporary folder: each is cut once, for however many heads, and a 64th of them is in memory at a
 * time where they are many. Texts of the same words are one.
 */
export class Examples implements AsyncDisposable {
  readonly #dir: string
  readonly #reader = new FeatureReader()
  readonly #facts: Omit<ExampleFacts, 'target'>[] = []
  readonly #heads: Known[] = []
  readonly #numbers = new Map<string, number>()
  readonly #files: PartFile[] = []
  readonly #held = new Map<number, Part>()
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

  /** Adds a text for one head alone. */
  add({ target, ...text }: LabelledText): Promise<void> {
    return this.addFor(text, [{ head: 0, target }])
  }

  async addFor({ bytes, group, source }: Omit<LabelledText, 'target'>, targets: readonly HeadTarget[]): Promise<void> {
    const length = this.#reader.read(bytes, 0, bytes.length)
    if (length === 0) {
      for (const { head } of targets) this.#head(head).leftOut.empty++
      return
    }
    const [buckets, counts] = [this.#reader.buckets.slice(0, length), this.#reader.counts.slice(0, length)]
    const name = nameOf(buckets, counts)
    const known = this.#numbers.get(name)
    const number = known ?? this.#facts.length
    for (const { head, target } of targets) this.#learn(this.#head(head), number, target)
    if (known !== undefined) return
    if (number === limits.examplesMax)
      throw new HeadraceError('limit', `there are more than ${limits.examplesMax} texts to learn from: give fewer`)
    this.#numbers.set(name, number)
    const hash = Number.parseInt(name.slice(0, 8), 16)
    // Files are numbered by content, so that a part has texts of every source.
    while (this.#files.length <= hash % parts) this.#files.push(new PartFile(join(this.#dir, `${this.#files.length}`)))
    await this.#files[hash % parts].add(number, buckets, counts)
    this.#facts.push({ group, source, words: this.#reader.words, hash })
    this.#features += length
  }

  /** What there is of a head, 0 for one that is alone. */
  of(head = 0): HeadExamples {
    const { targets, leftOut } = this.#head(head)
    const own = new Int32Array(this.#facts.length).fill(-1)
    const facts: ExampleFacts[] = []
    for (const [number, fact] of this.#facts.entries()) {
      const target = targets[number] ?? Number.NaN
      if (Number.isNaN(target)) continue
      own[number] = facts.length
      facts.push({ ...fact, target })
    }
    const load = async (part: number) => {
      const { numbers, ...loaded } = await this.#load(part)
      return { ...loaded, numbers: Int32Array.from(numbers, number => own[number]) }
    }
    return { facts, leftOut, parts: this.#files.length, load }
  }

  #head(head: number): Known {
    while (this.#heads.length <= head)
      this.#heads.push({ targets: [], leftOut: { empty: 0, repeated: 0, contradicting: 0 } })
    return this.#heads[head]
  }

  /** The first target of a text stays. */
  #learn({ targets, leftOut }: Known, number: number, target: number): void {
    while (targets.length < number) targets.push(Number.NaN)
    if (Number.isNaN(targets[number] ?? Number.NaN)) targets[number] = target
    else leftOut[targets[number] === target ? 'repeated' : 'contradicting']++
  }

  async #load(part: number): Promise<Part> {
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

  async load(): Promise<Part> {
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

  #cut(stored: Uint32Array): Part {
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
