import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { findId, idCount, startId } from '../text/language-model/model.ts'
import type { CountedKeys } from './key-counts.ts'
import { CountCounts, type Discounts, discountOf } from './kneser-ney.ts'

/** All bigrams with their probabilities, in the order of their ids: what trigrams are smoothed by. */
export interface BigramTable {
  readonly starts: Uint32Array
  readonly ids: Uint16Array
  readonly probabilities: Float64Array
  /** Of single ids: probabilities, and what those have in common that did not follow them. */
  readonly unigrams: Float64Array
  readonly unigramBackoffs: Float64Array
  readonly discounts: { readonly unigrams: Discounts; readonly bigrams: Discounts }
}

/** Places of ids in keys: keys of bigrams are `first * idRoom + second`. */
export const idRoom = 2 ** 16

/**
 * Makes bigrams and single ids of counts: of a bigram how many ids stood before it (of one that begins a text how many texts begin so), of an id how
 * many stood before it. Throws `limit` for more bigrams than memory is for.
 */
export function makeBigrams(read: () => Iterable<CountedKeys>): BigramTable {
  const counted = collect(read())
  const { starts, ids, counts } = counted
  const discounts = { unigrams: discountUnigrams(counted), bigrams: discountAll(counts) }
  const unigrams = smoothUnigrams(countContinuations(ids), discounts.unigrams)
  const probabilities = new Float64Array(ids.length)
  const unigramBackoffs = new Float64Array(idCount).fill(1)
  for (let first = 0; first < idCount; first++) {
    let [sum, left] = [0, 0]
    for (let i = starts[first]; i < starts[first + 1]; i++) {
      sum += counts[i]
      left += discountOf(discounts.bigrams, counts[i])
    }
    if (sum > 0) unigramBackoffs[first] = left / sum
    for (let i = starts[first]; i < starts[first + 1]; i++)
      probabilities[i] =
        (counts[i] - discountOf(discounts.bigrams, counts[i])) / sum + unigramBackoffs[first] * unigrams[ids[i]]
  }
  return { starts, ids, probabilities, unigrams, unigramBackoffs, discounts }
}

export function findBigram(
  { starts, ids }: Pick<BigramTable, 'starts' | 'ids'>,
  first: number,
  second: number,
): number {
  return findId(ids, starts[first], starts[first + 1], second)
}

interface Counted {
  readonly starts: Uint32Array
  readonly ids: Uint16Array
  readonly counts: Uint32Array
}

function collect(batches: Iterable<CountedKeys>): Counted {
  const starts = new Uint32Array(idCount + 1)
  let ids = new Uint16Array(2 ** 16)
  let counts = new Uint32Array(2 ** 16)
  let length = 0
  for (const batch of batches) {
    if (length + batch.length > limits.bigramsMax)
      throw new HeadraceError('limit', `there are more than ${limits.bigramsMax} pairs of tokens: give fewer texts`)
    if (length + batch.length > ids.length) {
      const capacity = Math.max(2 * ids.length, length + batch.length)
      ids = copyTo(new Uint16Array(capacity), ids)
      counts = copyTo(new Uint32Array(capacity), counts)
    }
    for (let i = 0; i < batch.length; i++) {
      const first = Math.floor(batch.keys[i] / idRoom)
      ids[length] = batch.keys[i] - first * idRoom
      counts[length++] = batch.counts[i]
      starts[first + 1] = length
    }
  }
  for (let first = 0; first < idCount; first++) starts[first + 1] = Math.max(starts[first], starts[first + 1])
  return { starts, ids: ids.subarray(0, length), counts: counts.subarray(0, length) }
}

export function copyTo<T extends { set(values: T): void }>(target: T, values: T): T {
  target.set(values)
  return target
}

function countContinuations(ids: Uint16Array): Float64Array {
  const counts = new Float64Array(idCount)
  for (let i = 0; i < ids.length; i++) counts[ids[i]]++
  return counts
}

function discountUnigrams({ ids }: Counted): Discounts {
  return discountAll(countContinuations(ids).filter(count => count > 0))
}

function discountAll(counts: ArrayLike<number>): Discounts {
  const all = new CountCounts()
  for (let i = 0; i < counts.length; i++) all.add(counts[i])
  return all.discounts()
}

/** What discounts leave is shared by all ids alike, so that each has a probability; the start of a text has none. */
function smoothUnigrams(counts: Float64Array, discounts: Discounts): Float64Array {
  let [sum, left] = [0, 0]
  for (const count of counts) {
    sum += count
    left += discountOf(discounts, count)
  }
  const shared = left / sum / (idCount - 1)
  return counts.map((count, id) => (id === startId ? 0 : (count - discountOf(discounts, count)) / sum + shared))
}
