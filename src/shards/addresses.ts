import { numbers } from '../batch/batch.ts'
import type { Shard } from './shard.ts'

/** The documents of a shard: where each one's tokens end, counted through all of them, and its slot and row. 16 bytes a document. */
export interface ShardAddresses {
  readonly ends: Float64Array
  readonly slots: Uint32Array
  readonly rows: Uint32Array
}

export function readAddresses(shard: Shard): ShardAddresses {
  let sum = 0
  const ends = Float64Array.from(shard.lengths(), length => (sum += length))
  const [slots, rows] = [new Uint32Array(shard.rows), new Uint32Array(shard.rows)]
  let at = 0
  for (const batch of shard.batches(['slot', 'row'])) {
    slots.set(numbers(batch, 'slot'), at)
    rows.set(numbers(batch, 'row'), at)
    at += batch.rows
  }
  return { ends, slots, rows }
}

/** The number of the document that holds a token. */
export function documentAt({ ends }: ShardAddresses, token: number): number {
  let [low, high] = [0, ends.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ends[middle] <= token) low = middle + 1
    else high = middle
  }
  return low
}
