import { mix32 } from '../hash.ts'

/** Hashes of 64 bits, the halves apart. */
export interface Shingles {
  readonly low: Uint32Array
  readonly high: Uint32Array
}

/**
 * A shingle that meets this many others is taken as new, so that a text whose shingles were made to meet takes linear time as well. An
 * extra copy changes no signature.
 */
const probesMax = 64

/** The first `distinctMax` different ones of `count` hashes, in their order. */
export function collectDistinct({ low, high }: Shingles, count: number, distinctMax: number): Shingles {
  const max = Math.min(count, distinctMax)
  const found = { low: new Uint32Array(max), high: new Uint32Array(max) }
  const mask = 2 ** (33 - Math.clz32(max)) - 1
  const slots = new Int32Array(mask + 1)
  let size = 0
  for (let i = 0; i < count && size < max; i++) {
    const slot = findSlot(slots, found, low[i], high[i])
    if (slot >= 0 && slots[slot] > 0) continue
    found.low[size] = low[i]
    found.high[size++] = high[i]
    if (slot >= 0) slots[slot] = size
  }
  return { low: found.low.subarray(0, size), high: found.high.subarray(0, size) }
}

/** The slot of a hash or the free one where it goes; -1 after too many others. A slot has the number of a hash, from 1. */
function findSlot(slots: Int32Array, { low, high }: Shingles, wantedLow: number, wantedHigh: number): number {
  const mask = slots.length - 1
  let slot = mix32(wantedLow ^ wantedHigh) & mask
  for (let probes = 0; probes < probesMax; probes++, slot = (slot + 1) & mask) {
    const number = slots[slot]
    if (number === 0 || (low[number - 1] === wantedLow && high[number - 1] === wantedHigh)) return slot
  }
  return -1
}
