import { join } from 'node:path'
import { numbers } from '../../batch/batch.ts'
import { readManifest } from '../../record/manifest.ts'
import type { RunReader } from '../../record/run-reader.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import { openShard, type Shard } from '../../shards/shard.ts'

/** Shards that are open at once: one a domain is asked for in each slot, and each is a file. */
const openMax = 128

/** The tokens of the documents that another run kept, as its sealed shards have them. */
export class StoredTokens implements Disposable {
  readonly #dir: string
  readonly #byDomain: readonly (readonly ManifestEntry[])[]
  /** The shard that was used last is the last. */
  readonly #open = new Map<string, OpenShard>()

  private constructor(dir: string, entries: readonly ManifestEntry[]) {
    this.#dir = dir
    this.#byDomain = [...Map.groupBy(entries, entry => entry.domain).values()]
  }

  static async open({ dir, log }: RunReader): Promise<StoredTokens> {
    return new StoredTokens(join(dir, 'shards'), await Array.fromAsync(readManifest(log)))
  }

  /** The tokens of a slot's documents, by their rows. */
  of(slot: number): Map<number, Int32Array> {
    const found = new Map<number, Int32Array>()
    for (const entries of this.#byDomain) {
      // Shards of a domain follow each other in the order of slots, and none ends within one.
      const entry = findEntry(entries, slot)
      if (entry) this.#shard(entry).read(slot, found)
    }
    return found
  }

  #shard(entry: ManifestEntry): OpenShard {
    const { path } = entry
    const shard = this.#open.get(path) ?? new OpenShard(openShard(join(this.#dir, path), entry))
    this.#open.delete(path)
    this.#open.set(path, shard)
    const [[oldest, unused]] = this.#open
    if (this.#open.size > openMax) {
      this.#open.delete(oldest)
      unused.close()
    }
    return shard
  }

  [Symbol.dispose](): void {
    for (const shard of this.#open.values()) shard.close()
    this.#open.clear()
  }
}

/** The shard of a domain that may have rows of a slot, or null. */
function findEntry(entries: readonly ManifestEntry[], slot: number): ManifestEntry | null {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle].last.slot < slot) low = middle + 1
    else high = middle
  }
  return low < entries.length && entries[low].first.slot <= slot ? entries[low] : null
}

/** A shard with 12 bytes a document in memory: its address and where its tokens end. */
class OpenShard {
  readonly #shard: Shard
  readonly #slots: Uint32Array
  readonly #rows: Uint32Array
  readonly #ends: Float64Array

  constructor(shard: Shard) {
    this.#shard = shard
    this.#slots = new Uint32Array(shard.rows)
    this.#rows = new Uint32Array(shard.rows)
    let at = 0
    for (const batch of shard.batches(['slot', 'row'])) {
      this.#slots.set(numbers(batch, 'slot'), at)
      this.#rows.set(numbers(batch, 'row'), at)
      at += batch.rows
    }
    let end = 0
    this.#ends = Float64Array.from(shard.lengths(), length => (end += length))
  }

  /** Adds the tokens of a slot's documents, which stand together. */
  read(slot: number, found: Map<number, Int32Array>): void {
    const first = this.#findSlot(slot)
    if (this.#slots[first] !== slot) return
    let last = first
    while (this.#slots[last + 1] === slot) last++
    const start = first === 0 ? 0 : this.#ends[first - 1]
    const tokens = new Int32Array(this.#ends[last] - start)
    this.#shard.readTokens(start, tokens)
    for (let i = first; i <= last; i++)
      found.set(this.#rows[i], tokens.subarray((i === 0 ? 0 : this.#ends[i - 1]) - start, this.#ends[i] - start))
  }

  /** The first document of a slot or of the next one that there is: slots rise. */
  #findSlot(slot: number): number {
    let [low, high] = [0, this.#slots.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#slots[middle] < slot) low = middle + 1
      else high = middle
    }
    return low
  }

  close(): void {
    this.#shard.close()
  }
}
