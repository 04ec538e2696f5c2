import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { addressOf } from '../decide/decider.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'

/** How many tokens the kept documents have, from a run's sealed shards. Documents are asked for in their order; each is told once. */
export class TokenLengths {
  readonly #folder: string
  readonly #waiting: ManifestEntry[]
  readonly #lengths = new Map<number, number>()

  private constructor(folder: string, waiting: ManifestEntry[]) {
    this.#folder = folder
    this.#waiting = waiting
  }

  static async open({ dir, log }: RunReader): Promise<TokenLengths> {
    const entries = await Array.fromAsync(readManifest(log))
    // The next one stands at the end.
    return new TokenLengths(
      join(dir, 'shards'),
      entries.sort((a, b) => b.first.slot - a.first.slot),
    )
  }

  /** Tokens of a kept document, or -1 where its shard is not sealed. */
  take(slot: number, row: number): number {
    while (this.#waiting.length > 0 && this.#waiting.at(-1)!.first.slot <= slot) this.#load(this.#waiting.pop()!)
    const address = addressOf(slot, row)
    const tokens = this.#lengths.get(address) ?? -1
    this.#lengths.delete(address)
    return tokens
  }

  #load(entry: ManifestEntry): void {
    using shard = openShard(join(this.#folder, entry.path), entry)
    const lengths = shard.lengths()
    let at = 0
    for (const batch of shard.batches(['slot', 'row'])) {
      const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
      for (let i = 0; i < batch.rows; i++) this.#lengths.set(addressOf(slots[i], rows[i]), lengths[at++])
    }
  }
}
