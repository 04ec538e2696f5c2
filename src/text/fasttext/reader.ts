/** Bytes that are read here and there, of a file or in memory. */
export interface ByteSource {
  readonly length: number
  /** Fills `into` with what stands from `at` on; throws RangeError where there is less. */
  read(at: number, into: Uint8Array): void
}

export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return {
    length: bytes.length,
    read(at, into) {
      if (at + into.length > bytes.length) throw new RangeError(`${into.length} bytes at ${at} of ${bytes.length}`)
      into.set(bytes.subarray(at, at + into.length))
    },
  }
}

/** Held at a time; a word is shorter. */
const windowBytes = 1 << 20

/** Little-endian values one after the other. Throws RangeError at the end of the bytes. */
export class Reader {
  readonly #source: ByteSource
  readonly #window: Uint8Array
  readonly #view: DataView
  /** Where the window begins in the source, how much of it holds, and where reading is in it. */
  #start = 0
  #held = 0
  #at = 0

  constructor(source: ByteSource) {
    this.#source = source
    this.#window = new Uint8Array(Math.min(windowBytes, source.length))
    this.#view = new DataView(this.#window.buffer)
  }

  get left(): number {
    return this.#source.length - this.#start - this.#at
  }

  /** Throws RangeError unless so many bytes are left. */
  check(bytes: number): void {
    if (!(bytes >= 0 && bytes <= this.left))
      throw new RangeError(`${bytes} bytes at ${this.#start + this.#at} of ${this.#source.length}`)
  }

  skip(bytes: number): void {
    this.check(bytes)
    this.#at += bytes
  }

  uint8(): number {
    return this.#window[this.#take(1)]
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  int32s(count: number): number[] {
    return Array.from({ length: count }, () => this.int32())
  }

  int64(): number {
    return Number(this.#view.getBigInt64(this.#take(8), true))
  }

  /** `count` values into `out`, from its `at` on. */
  float32s(count: number, out = this.#allocate(count), at = 0): Float32Array {
    this.#fill(new Uint8Array(out.buffer, out.byteOffset + 4 * at, 4 * count))
    return out
  }

  bytes(count: number): Uint8Array {
    this.check(count)
    const bytes = new Uint8Array(count)
    this.#fill(bytes)
    return bytes
  }

  /** A word up to its zero, which is read too. What comes back is overwritten by the next call. */
  zeroTerminated(): Uint8Array {
    this.#hold(Math.min(this.left, windowBytes))
    const end = this.#window.subarray(0, this.#held).indexOf(0, this.#at)
    if (end < 0) throw new RangeError(`no end of a word at ${this.#start + this.#at}`)
    const word = this.#window.subarray(this.#at, end)
    this.#at = end + 1
    return word
  }

  #allocate(count: number): Float32Array {
    this.check(4 * count)
    return new Float32Array(count)
  }

  #take(bytes: number): number {
    this.check(bytes)
    if (this.#at + bytes > this.#held) this.#hold(bytes)
    this.#at += bytes
    return this.#at - bytes
  }

  /** Lets the window hold so many bytes from where reading is, and as many more as it has room for where it lacks one. */
  #hold(bytes: number): void {
    // A word ends long before the window does: it is moved on when half of it is read.
    if (this.#at + Math.min(bytes, windowBytes / 2) <= this.#held) return
    this.#start += this.#at
    this.#at = 0
    this.#held = Math.min(this.#window.length, this.#source.length - this.#start)
    this.#source.read(this.#start, this.#window.subarray(0, this.#held))
  }

  #fill(out: Uint8Array): void {
    this.check(out.length)
    const inWindow = Math.max(0, Math.min(out.length, this.#held - this.#at))
    out.set(this.#window.subarray(this.#at, this.#at + inWindow))
    if (inWindow < out.length) this.#source.read(this.#start + this.#at + inWindow, out.subarray(inWindow))
    this.#at += out.length
  }
}
