import { getRandomValues } from 'node:crypto'
import { mix32, mix32b } from './hash.ts'

/**
 * Where a table puts keys of 64 bits that documents have a say in. The place depends on two numbers drawn for each process: with none,
 * 300,000 texts, found in seconds, whose hashes fell in one part of a table made every look-up walk past them. Only the place does, never
 * what a table finds, so what comes of a run is the same under any key and no key is kept.
 */
export interface PlaceKey {
  readonly high: number
  readonly low: number
}

export function drawPlaceKey(): PlaceKey {
  const [high, low] = getRandomValues(new Int32Array(2))
  return { high, low }
}

/** An int32 of which a table takes the low bits. */
export function placeOf(high: number, low: number, key: PlaceKey): number {
  return (mix32(low ^ key.low) + mix32b(high ^ key.high)) | 0
}
