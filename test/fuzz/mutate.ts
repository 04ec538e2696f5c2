/** A whole number from 0 to `below` - 1. */
export type Random = (below: number) => number

/** A real file. `marks` are bytes where something begins in it: damage falls on them more often. */
export interface Original {
  readonly name: string
  readonly bytes: Uint8Array
  readonly marks?: readonly number[]
}

/** Where `pattern` stands in the bytes. */
export function marksOf(bytes: Uint8Array, pattern: string): number[] {
  const buffer = Buffer.from(bytes)
  const marks: number[] = []
  for (let at = buffer.indexOf(pattern, 0, 'latin1'); at >= 0; at = buffer.indexOf(pattern, at + 1, 'latin1'))
    marks.push(at)
  return marks
}

const extremes = [
  ...[0n, 1n, 7n, 0xffn, 0x7fffn, 0xffffn, 0x10000n, 0x100000n, 0x1000_0000n, 0x7fff_ffffn, 0x8000_0000n],
  ...[0xffff_fff8n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_fff8n, 0xffff_ffff_ffff_ffffn],
]
const extremeTokens = [
  ...['0', '-1', '1e999', '9007199254740993', '4294967296', '2147483647', '1.5', 'null', 'true', '""', '[]', '{}'],
  ...['[[]]', '"\\ud800"', '"\\u0000"', '"../../x"', '"__proto__"', '-0', '1e-999'],
]

interface Place {
  /** The bytes so far. */
  readonly bytes: Buffer
  readonly marks: readonly number[]
  readonly others: readonly Original[]
  readonly random: Random
}
type Change = (place: Place) => Buffer

/** A place to begin: often a mark, the start or the end, where lengths and footers are. */
function pick({ bytes, marks, random }: Place): number {
  const kind = random(10)
  if (kind < 3 && marks.length > 0) return Math.min(marks[random(marks.length)], bytes.length)
  if (kind < 4) return random(Math.min(64, bytes.length + 1))
  if (kind < 6) return bytes.length - random(Math.min(64, bytes.length + 1))
  return random(bytes.length + 1)
}

/** A range, short more often than long; sometimes of whole parts. */
function pickRange(place: Place): [from: number, to: number] {
  const { bytes, marks, random } = place
  if (marks.length > 1 && random(4) === 0) {
    const i = random(marks.length - 1)
    return [Math.min(marks[i], bytes.length), Math.min(marks[i + 1 + random(marks.length - 1 - i)], bytes.length)]
  }
  const [a, b] = [pick(place), place.random(2) ? pick(place) : -1]
  const length = b < 0 ? place.random([4, 16, 256, 4096][place.random(4)]) + 1 : Math.abs(a - b)
  const from = b < 0 ? a : Math.min(a, b)
  return [from, Math.min(from + length, place.bytes.length)]
}

function withPart(bytes: Buffer, at: number, part: Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(part.subarray(0, Math.max(0, copy.length - at)), at)
  return copy
}

const splice = (bytes: Buffer, from: number, to: number, part: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, from), part, bytes.subarray(to)])

/** A number or a string of JSON, or a run of digits, near a place; null where there is none. */
function findToken(place: Place): [from: number, to: number] | null {
  const text = place.bytes.toString('latin1')
  const token = /"(?:[^"\\\n]|\\.)*"|-?\d[\d.e+]*|true|false|null/g
  token.lastIndex = pick(place)
  // After a miss it begins at the start.
  const found = token.exec(text) ?? token.exec(text)
  return found && [found.index, found.index + found[0].length]
}

const changes: Readonly<Record<string, Change>> = {
  cut: place => place.bytes.subarray(0, pick(place)),
  'flip bits': place => {
    const copy = Buffer.from(place.bytes)
    for (let i = place.random(3); i >= 0 && copy.length; i--)
      copy[Math.min(pick(place), copy.length - 1)] ^= 1 << place.random(8)
    return copy
  },
  'insert bytes': place => {
    const length = 1 + place.random([4, 16, 600][place.random(3)])
    const at = pick(place)
    const zeros = place.random(2) === 0
    return splice(
      place.bytes,
      at,
      at,
      Uint8Array.from({ length }, () => (zeros ? 0 : place.random(256))),
    )
  },
  'remove bytes': place => splice(place.bytes, ...pickRange(place), new Uint8Array(0)),
  'zero a range': place => {
    const [from, to] = pickRange(place)
    return withPart(place.bytes, from, new Uint8Array(to - from).fill(place.random(4) === 0 ? 255 : 0))
  },
  'double a range': place => {
    const [from, to] = pickRange(place)
    const at = place.random(2) ? to : pick(place)
    return splice(place.bytes, at, at, place.bytes.subarray(from, to))
  },
  'write over with another range': place => {
    const [from, to] = pickRange(place)
    return withPart(place.bytes, pick(place), Buffer.from(place.bytes.subarray(from, to)))
  },
  'go on as another file': place => {
    const other = Buffer.from(place.others[place.random(place.others.length)].bytes)
    const at = pick(place)
    const same = place.random(2) ? at : pick({ ...place, bytes: other })
    return Buffer.concat([place.bytes.subarray(0, at), other.subarray(same)])
  },
  'an extreme number': place => {
    const width = [1, 2, 4, 4, 8][place.random(5)]
    const raw = pick(place)
    const at = place.random(2) ? raw - (raw % width) : raw
    const part = Buffer.alloc(8)
    part.writeBigUInt64LE(extremes[place.random(extremes.length)])
    return withPart(place.bytes, at, place.random(5) ? part.subarray(0, width) : part.subarray(0, width).reverse())
  },
  'an extreme token': place => {
    const found = findToken(place)
    if (!found) return place.bytes
    return splice(place.bytes, ...found, Buffer.from(extremeTokens[place.random(extremeTokens.length)]))
  },
  'tokens in each other place': place => {
    const [a, b] = [findToken(place), findToken(place)]
    if (!a || !b) return place.bytes
    return splice(place.bytes, ...a, Buffer.from(place.bytes.subarray(...b)))
  },
  'one byte very often': place => {
    const at = pick(place)
    const byte = place.bytes[Math.min(at, place.bytes.length - 1)] ?? 0
    return splice(place.bytes, at, at, new Uint8Array(20_000).fill(byte))
  },
}
const names = Object.keys(changes)

/** `original` with one to four kinds of damage. */
export function mutate(original: Original, others: readonly Original[], random: Random): Buffer {
  let bytes = Buffer.from(original.bytes)
  for (let left = [1, 1, 1, 2, 2, 3, 4][random(7)]; left > 0; left--) {
    const change = changes[names[random(names.length)]]
    bytes = Buffer.from(change({ bytes, marks: original.marks ?? [], others, random }))
  }
  return bytes
}
