import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, wrapDiskError } from '../errors.ts'

/** Keys that are sorted at a time: 64 MB. */
const heldKeys = 2 ** 23
/** Values of each run that are in memory while runs are merged. */
const cursorValues = 2 ** 13
const batchKeys = 2 ** 16
/** A run's value is a key times this, plus how often the key stood; a key that stood more often has several values. */
const countRoom = 32

/** The first `length` of these. */
export interface CountedKeys {
  readonly keys: Float64Array
  readonly counts: Float64Array
  readonly length: number
}

/**
 * Counts keys, whole numbers below 2^48, in bounded memory: what does not fit is sorted and put into a file of a temporary folder, and all
 * that is merged when it is read.
 */
export class KeyCounts implements Disposable {
  #held: Float64Array
  #count = 0
  readonly #runs: Run[] = []
  #dir: string | null = null
  #isRead = false

  constructor(held = heldKeys) {
    this.#held = new Float64Array(held)
  }

  add(key: number): void {
    if (this.#count === this.#held.length) this.#spill()
    this.#held[this.#count++] = key
  }

  /** All keys in rising order, each once, as often as wanted; none is added then. What a batch holds is overwritten by the next. */
  *read(): Generator<CountedKeys> {
    this.#finish()
    const merge = new Merge(this.#runs.map(run => new Cursor(run)))
    const [keys, counts] = [new Float64Array(batchKeys), new Float64Array(batchKeys)]
    let length = 0
    for (let value = merge.next(); value >= 0; value = merge.next()) {
      const key = Math.floor(value / countRoom)
      const count = value - key * countRoom
      if (length > 0 && keys[length - 1] === key) counts[length - 1] += count
      else {
        if (length === batchKeys) {
          yield { keys, counts, length }
          length = 0
        }
        keys[length] = key
        counts[length++] = count
      }
    }
    if (length > 0) yield { keys, counts, length }
  }

  #finish(): void {
    if (this.#isRead) return
    this.#runs.push(new HeldRun(packRun(this.#held.subarray(0, this.#count))))
    this.#isRead = true
  }

  #spill(): void {
    assert(!this.#isRead, 'a key that comes when keys were read')
    this.#dir ??= makeFolder()
    this.#runs.push(new FileRun(join(this.#dir, `${this.#runs.length}`), packRun(this.#held)))
    this.#count = 0
  }

  [Symbol.dispose](): void {
    for (const run of this.#runs) run.close()
    this.#held = new Float64Array(0)
    if (this.#dir !== null) rmSync(this.#dir, { recursive: true, force: true })
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'headrace-fit-'))
  } catch (error) {
    throw wrapDiskError(error, `making a folder in ${tmpdir()}`)
  }
}

/** Sorts the keys, and puts the values of a run in their place. */
function packRun(keys: Float64Array): Float64Array {
  keys.sort()
  let length = 0
  for (let i = 0; i < keys.length; ) {
    const [key, from] = [keys[i], i]
    while (i < keys.length && i - from < countRoom - 1 && keys[i] === key) i++
    keys[length++] = key * countRoom + (i - from)
  }
  return keys.subarray(0, length)
}

/** Rising values that are read from anywhere. */
interface Run {
  readonly length: number
  read(at: number, into: Float64Array): void
  close(): void
}

class HeldRun implements Run {
  readonly length: number
  readonly #values: Float64Array

  constructor(values: Float64Array) {
    this.#values = values
    this.length = values.length
  }

  read(at: number, into: Float64Array): void {
    into.set(this.#values.subarray(at, at + into.length))
  }

  close(): void {}
}

class FileRun implements Run {
  readonly length: number
  readonly #path: string
  readonly #file: number

  constructor(path: string, values: Float64Array) {
    this.#path = path
    this.length = values.length
    try {
      this.#file = openSync(path, 'w+')
      const bytes = bytesOf(values)
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done, bytes.length - done, done)
    } catch (error) {
      throw wrapDiskError(error, `writing ${path}`)
    }
  }

  read(at: number, into: Float64Array): void {
    const bytes = bytesOf(into)
    try {
      for (let done = 0; done < bytes.length; ) {
        const count = readSync(this.#file, bytes, done, bytes.length - done, 8 * at + done)
        assert(count > 0, `${this.#path} ends too early`)
        done += count
      }
    } catch (error) {
      throw wrapDiskError(error, `reading ${this.#path}`)
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array) => new Uint8Array(buffer, byteOffset, byteLength)

/** Where reading is in a run; `value` is infinite behind its end. */
class Cursor {
  value = Number.POSITIVE_INFINITY
  readonly #run: Run
  readonly #values: Float64Array
  #start = 0
  #at = 0
  #held = 0

  constructor(run: Run) {
    this.#run = run
    this.#values = new Float64Array(Math.min(cursorValues, run.length))
    this.next()
  }

  next(): void {
    if (this.#at === this.#held) this.#load()
    this.value = this.#at < this.#held ? this.#values[this.#at++] : Number.POSITIVE_INFINITY
  }

  #load(): void {
    this.#start += this.#held
    this.#at = 0
    this.#held = Math.min(this.#values.length, this.#run.length - this.#start)
    this.#run.read(this.#start, this.#values.subarray(0, this.#held))
  }
}

/** The values of several runs in rising order: a heap of cursors, the least value at its top. */
class Merge {
  readonly #heap: Cursor[]

  constructor(cursors: Cursor[]) {
    this.#heap = cursors.sort((a, b) => a.value - b.value)
  }

  /** The next value; -1 at the end. */
  next(): number {
    const [top] = this.#heap
    const { value } = top
    if (value === Number.POSITIVE_INFINITY) return -1
    top.next()
    this.#sink(top)
    return value
  }

  #sink(cursor: Cursor): void {
    const heap = this.#heap
    const { value } = cursor
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1].value < heap[child].value) child++
      if (heap[child].value >= value) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = cursor
  }
}
