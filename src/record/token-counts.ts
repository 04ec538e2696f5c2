import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'
import { readManifest } from './manifest.ts'
import type { RunReader } from './run-reader.ts'

const none: ReadonlyMap<number, number> = new Map()

/**
 * How many tokens kept rows have, from the run's sealed shards: of each its addresses and lengths are read, without the tokens. A shard
 * spans few slots (`limits.shardSlotsMax`), so what stands in memory is of as many.
 */
export class TokenCounts {
  readonly #dir: string
  readonly #shards: ManifestEntry[]
  readonly #slots = new Map<number, Map<number, number>>()
  #next = 0

  private constructor(dir: string, shards: ManifestEntry[]) {
    this.#dir = dir
    this.#shards = shards
  }

  static async open({ dir, log, run }: RunReader): Promise<TokenCounts> {
    const shards = run.tokenizer === null ? [] : await Array.fromAsync(readManifest(log))
    return new TokenCounts(
      join(dir, 'shards'),
      shards.sort((a, b) => a.first.slot - b.first.slot),
    )
  }

  /** Tokens by row of a slot. Slots are asked for in rising order. */
  take(slot: number): ReadonlyMap<number, number> {
    for (; this.#shards[this.#next]?.first.slot <= slot; this.#next++)
      if (this.#shards[this.#next].last.slot >= slot) this.#load(this.#shards[this.#next], slot)
    const found = this.#slots.get(slot) ?? none
    // Nor is any slot before it asked for any more.
    for (const known of this.#slots.keys()) if (known <= slot) this.#slots.delete(known)
    return found
  }

  #load(entry: ManifestEntry, from: number): void {
    using shard = openShard(join(this.#dir, entry.path), entry)
    const lengths = shard.lengths()
    let at = 0
    for (const batch of shard.batches(['slot', 'row'])) {
      const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
      for (let i = 0; i < batch.rows; i++, at++) if (slots[i] >= from) this.#of(slots[i]).set(rows[i], lengths[at])
    }
  }

  #of(slot: number): Map<number, number> {
    const found = this.#slots.get(slot) ?? new Map()
    if (found.size === 0) this.#slots.set(slot, found)
    return found
  }
}
