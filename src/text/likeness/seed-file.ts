import { HeadraceError } from '../../errors.ts'
import { sealJson } from '../../sealed-json.ts'
import { openSealed } from '../sealed-file.ts'
import { type GramCounts, isBucketCount, type Seed } from './seed.ts'

/** Part of every file; raised when words or pairs are hashed in another way, as old counts then mean nothing. */
const format = 'headrace-seed/3'

/**
 * A seed as a JSON text of one object: `format`, `name`, `buckets`, for `seed` and `background` their `documents` and `counts`, and `sha256`
 * over the JSON without it. Of counts a number below 0 stands for as many zeros, of which most are of a small seed.
 */
export function writeSeed({ name, seed, background }: Seed): string {
  const side = ({ documents, counts }: GramCounts) => ({ documents, counts: packCounts(counts) })
  const content = { format, name, buckets: seed.counts.length, seed: side(seed), background: side(background) }
  return sealJson(content)
}

/** Reads what `writeSeed` wrote; throws `corrupt` for anything else. `file` is for the message. */
export function readSeed(text: string, file: string): Seed {
  const content = openSealed(text, {
    file,
    format,
    other: 'no seed',
    advice: "fit it again with 'headrace seed fit'",
    again: 'fit it again',
  })
  const { name, buckets, seed, background } = content as unknown as Content
  const side = ({ documents, counts }: Packed) => ({ documents, counts: unpackCounts(counts, buckets) })
  // Anybody can seal a file, so what decides about memory is looked at.
  if (typeof name === 'string' && isBucketCount(buckets) && isPacked(seed, buckets) && isPacked(background, buckets))
    return { name, seed: side(seed), background: side(background) }
  throw new HeadraceError('corrupt', `${file} does not hold the counts of a seed; fit it again`)
}

interface Content {
  readonly name: string
  readonly buckets: number
  readonly seed: Packed
  readonly background: Packed
}

interface Packed {
  readonly documents: number
  readonly counts: readonly number[]
}

function isPacked(side: Partial<Packed> | null | undefined, buckets: number): boolean {
  const counts = side?.counts
  if (!Array.isArray(counts) || counts.length > buckets || !counts.every(Number.isSafeInteger)) return false
  return counts.reduce((sum, count) => sum + (count < 0 ? -count : 1), 0) === buckets
}

function packCounts(counts: Float64Array): number[] {
  const packed: number[] = []
  let zeros = 0
  const endZeros = () => {
    if (zeros > 0) packed.push(-zeros)
    zeros = 0
  }
  for (const count of counts)
    if (count === 0) zeros++
    else {
      endZeros()
      packed.push(count)
    }
  endZeros()
  return packed
}

function unpackCounts(packed: readonly number[], buckets: number): Float64Array {
  const counts = new Float64Array(buckets)
  let at = 0
  for (const count of packed)
    if (count < 0) at -= count
    else counts[at++] = count
  return counts
}
