/** Bits that numbers up to `max` take. */
export function bitsFor(max: number): number {
  let bits = 0
  for (let rest = max; rest >= 1; rest = Math.floor(rest / 2)) bits++
  return bits
}

/** How pointers are cut: the upper bits are the place in an array, of which an element says from which entry on its bits hold. */
export interface ArraySizes {
  readonly inlineBits: number
  readonly length: number
}

/** The cut that KenLM chooses, by the least bits in all: of `entries` pointers up to `max`, at most `bitsMax` bits by an array. */
export function sizeArray(entries: number, max: number, bitsMax: number): ArraySizes {
  const bits = bitsFor(max)
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let cut = 0; cut <= Math.min(bits, bitsMax); cut++) {
    const change = Math.floor(max / 2 ** (bits - cut)) * 64 - entries * cut
    if (change < least) [least, best] = [change, cut]
  }
  return { inlineBits: bits - best, length: Math.floor(max / 2 ** (bits - best)) + 1 }
}

/** The number of `bits` bits, up to 57, that begins `bit` bits behind the byte `start`, the lowest bits first. */
export function readBits(view: DataView, start: number, bit: number, bits: number): number {
  const shift = bit & 7
  const at = start + (bit - shift) / 8
  const lower = view.getUint32(at, true) >>> shift
  if (bits + shift <= 32) return bits === 32 ? lower : (lower & ((1 << bits) - 1)) >>> 0
  const upper = view.getUint32(at + 4, true)
  const word = shift === 0 ? lower : (lower | (upper << (32 - shift))) >>> 0
  if (bits <= 32) return bits === 32 ? word : (word & ((1 << bits) - 1)) >>> 0
  return word + ((upper >>> shift) & ((1 << (bits - 32)) - 1)) * 2 ** 32
}
