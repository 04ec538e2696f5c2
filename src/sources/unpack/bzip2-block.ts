import { isDamaged } from './cursor.ts'

/** Thrown where a reader of bits is asked for more than there are. */
export class EndOfBits extends Error {}

/** Bits of bytes, the highest first. */
export class MsbBits {
  readonly #bytes: Uint8Array
  #next = 0
  /** The bits that were taken from the bytes and not given, the last of them lowest. */
  #held = 0
  #count = 0

  constructor(bytes: Uint8Array, bitsOver: number) {
    this.#bytes = bytes
    this.read(bitsOver)
  }

  /** How many bits were given. */
  get position(): number {
    return this.#next * 8 - this.#count
  }

  /** The next bits as a number: at most 24. */
  read(count: number): number {
    while (this.#count < count) {
      if (this.#next >= this.#bytes.length) throw new EndOfBits()
      this.#held = ((this.#held & 0xffffff) << 8) | this.#bytes[this.#next++]
      this.#count += 8
    }
    this.#count -= count
    return (this.#held >>> this.#count) & ((1 << count) - 1)
  }

  readLong(count: number): number {
    const high = this.read(count - 24)
    return high * 2 ** 24 + this.read(24)
  }
}

const codeBitsMax = 20
const groupSymbols = 50

/** A Huffman code in the canonical form: how the codes of each length begin, and the symbols in the order of their codes. */
interface Code {
  /** The largest code of a length; -1 where it has none. */
  readonly last: Int32Array
  /** What is taken from a code of a length to give its place among the symbols. */
  readonly base: Int32Array
  readonly symbols: Uint16Array
}

function makeCode(lengths: Uint8Array): Code {
  const last = new Int32Array(codeBitsMax + 1).fill(-1)
  const base = new Int32Array(codeBitsMax + 1)
  const symbols: number[] = []
  let code = 0
  for (let length = 1; length <= codeBitsMax; length++) {
    base[length] = code - symbols.length
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) {
        symbols.push(symbol)
        last[length] = code++
      }
    code <<= 1
  }
  return { last, base, symbols: Uint16Array.from(symbols) }
}

function readSymbol(bits: MsbBits, { last, base, symbols }: Code): number {
  let code = 0
  for (let length = 1; length <= codeBitsMax; length++) {
    code = (code << 1) | bits.read(1)
    if (code <= last[length]) return symbols[code - base[length]]
  }
  throw isDamaged('a code of no symbol')
}

/** The bytes that a block uses, in order. */
function readAlphabet(bits: MsbBits): number[] {
  const ranges = bits.read(16)
  const used: number[] = []
  for (let i = 0; i < 16; i++) {
    if (!(ranges & (0x8000 >> i))) continue
    const range = bits.read(16)
    for (let j = 0; j < 16; j++) if (range & (0x8000 >> j)) used.push(16 * i + j)
  }
  if (used.length === 0) throw isDamaged('a block without bytes')
  return used
}

/** Moves the item at `index` to the front and returns it. */
function moveToFront(items: Uint8Array, index: number): number {
  const item = items[index]
  items.copyWithin(1, 0, index)
  items[0] = item
  return item
}

function readSelectors(bits: MsbBits, codes: number): Uint8Array {
  const selectors = new Uint8Array(bits.read(15))
  const order = Uint8Array.from({ length: codes }, (_, i) => i)
  for (let i = 0; i < selectors.length; i++) {
    let index = 0
    while (bits.read(1)) if (++index >= codes) throw isDamaged('a selector of no code')
    selectors[i] = moveToFront(order, index)
  }
  return selectors
}

function readLengths(bits: MsbBits, symbols: number): Uint8Array {
  const lengths = new Uint8Array(symbols)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (; bits.read(1); length += bits.read(1) ? -1 : 1)
      if (length < 1 || length > codeBitsMax) throw isDamaged('a code without length')
    if (length < 1 || length > codeBitsMax) throw isDamaged('a code without length')
    lengths[symbol] = length
  }
  return lengths
}
/** The last column of the sorted rotations of the text, in the low bytes. */
function readColumn(bits: MsbBits, bytesMax: number): Uint32Array {
  const alphabet = Uint8Array.from(readAlphabet(bits))
  const codeCount = bits.read(3)
  if (codeCount < 2 || codeCount > 6) throw isDamaged(`a block with ${codeCount} codes`)
  const selectors = readSelectors(bits, codeCount)
  const symbolEnd = alphabet.length + 1
  const codes = Array.from({ length: codeCount }, () => makeCode(readLengths(bits, symbolEnd + 1)))
  const column = new Uint32Array(bytesMax)
  let [length, run, runUnit] = [0, 0, 1]
  for (let i = 0; ; i++) {
    const group = Math.floor(i / groupSymbols)
    if (group >= selectors.length) throw isDamaged('a block without an end')
    const symbol = readSymbol(bits, codes[selectors[group]])
    if (symbol <= 1) {
      run += runUnit << symbol
      runUnit *= 2
      if (run > bytesMax) throw isDamaged('a block that is too long')
      continue
    }
    if (length + run + Number(symbol < symbolEnd) > bytesMax) throw isDamaged('a block that is too long')
    column.fill(alphabet[0], length, length + run)
    length += run
    run = 0
    runUnit = 1
    if (symbol === symbolEnd) return column.subarray(0, length)
    column[length++] = moveToFront(alphabet, symbol - 1)
  }
}

/** Turns the column into a chain: each place has its byte below and where the text goes on above. */
function chain(column: Uint32Array): void {
  const starts = new Uint32Array(257)
  for (const byte of column) starts[byte + 1]++
  for (let byte = 0; byte < 256; byte++) starts[byte + 1] += starts[byte]
  for (let i = 0; i < column.length; i++) column[starts[column[i] & 0xff]++] |= i << 8
}

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let check = byte << 24
  for (let bit = 0; bit < 8; bit++) check = (check << 1) ^ (check < 0 ? 0x04c11db7 : 0)
  return check
})

function checkOf(bytes: Uint8Array): number {
  let check = -1
  for (let i = 0; i < bytes.length; i++) check = (check << 8) ^ table[(check >>> 24) ^ bytes[i]]
  return ~check >>> 0
}

/** Undoes the first step of packing: after four equal bytes stands how many more follow. */
function expandRuns(column: Uint32Array, start: number): Uint8Array {
  let out = Buffer.allocUnsafe(column.length + 1024)
  let [length, equal, before] = [0, 0, -1]
  let entry = column[start]
  for (let i = 0; i < column.length; i++) {
    entry = column[entry >>> 8]
    const byte = entry & 0xff
    if (length + 256 > out.length) out = Buffer.concat([out, Buffer.allocUnsafe(out.length)])
    if (equal === 4) {
      out.fill(before, length, length + byte)
      length += byte
      equal = 0
      before = -1
      continue
    }
    equal = byte === before ? equal + 1 : 1
    before = byte
    out[length++] = byte
  }
  return out.subarray(0, length)
}

/** The text of the block whose content begins at `bits`, held against its checksum. */
export function decodeBlock(bits: MsbBits, check: number, bytesMax: number): Uint8Array {
  if (bits.read(1)) throw isDamaged('a block is randomized, which no version since 0.9.5 of 1999 writes')
  const start = bits.read(24)
  const column = readColumn(bits, bytesMax)
  if (start >= column.length) throw isDamaged('a block that begins behind its end')
  chain(column)
  const bytes = expandRuns(column, start)
  if (checkOf(bytes) !== check) throw isDamaged('a block differs from its checksum')
  return bytes
}
