import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import { readHead } from '../feed/files/head.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard, type ShardIdentity } from '../shards/shard.ts'
import { readBlocks, type Span, type Spans } from './fed-samples.ts'

/** Where a document stands in a shard: its row, and its tokens from `start` on. */
export interface ShardPlace {
  readonly path: string
  readonly row: number
  readonly start: number
  readonly tokens: number
  readonly entry: ManifestEntry
}

/** Finds documents in the run's shards; those that are in none, as they are not kept or not sealed yet, are left out. */
export async function findPlaces(run: RunReader, addresses: Iterable<Address>): Promise<Map<Address, ShardPlace>> {
  const wanted = [...new Set(addresses)].sort((a, b) => a - b)
  const places = new Map<Address, ShardPlace>()
  if (wanted.length === 0) return places
  const isWanted = new Set(wanted)
  for await (const entry of readManifest(run.log)) {
    const [first, last] = [entry.first, entry.last].map(end => addressOf(end.slot, end.row))
    const next = wanted[lowerBound(wanted, first)]
    if (next === undefined || next > last) continue
    const { path } = entry
    for (const { address, row, start, tokens } of rowsOf(join(run.dir, 'shards', path), entry))
      if (isWanted.has(address)) places.set(address, { path, row, start, tokens, entry })
  }
  return places
}

/** Index of the first number that is not below `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}

interface Row {
  readonly address: Address
  readonly row: number
  readonly start: number
  readonly tokens: number
}

function* rowsOf(path: string, expected?: ShardIdentity): Generator<Row> {
  using shard = openShard(path, expected)
  const lengths = shard.lengths()
  let [row, start] = [0, 0]
  for (const batch of shard.batches(['slot', 'row'])) {
    const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
    for (let i = 0; i < batch.rows; i++) {
      const tokens = lengths[row]
      yield { address: addressOf(slots[i], rows[i]), row, start, tokens }
      start += tokens
      row++
    }
  }
}

/**
 * The tokens of documents by shard, to find them in the feed in `dir`. Beside the run's own shards it looks through those that blocks of
 * the feed have from elsewhere: of another run over the same slots, whose rows have the same addresses.
 */
export async function findSpans(
  dir: string,
  places: ReadonlyMap<Address, ShardPlace>,
  addresses: Iterable<Address>,
): Promise<Spans> {
  const spans = new Map<string, Span[]>()
  const add = (path: string, { start, tokens, address }: Span) => {
    const inShard = spans.get(path) ?? []
    spans.set(path, inShard)
    if (tokens > 0) inShard.push({ start, tokens, address })
  }
  for (const [address, { path, start, tokens }] of places) add(path, { start, tokens, address })
  const wanted = new Set(addresses)
  const head = wanted.size > 0 ? await readHead(dir) : null
  if (head)
    for (const path of await listForeignShards(dir))
      for (const row of rowsOf(join(dir, head.shards, path))) if (wanted.has(row.address)) add(path, row)
  for (const inShard of spans.values()) inShard.sort((a, b) => a.start - b.start)
  return spans
}

/** Shards of a feed's blocks that lie outside the shards folder. */
async function listForeignShards(dir: string): Promise<Set<string>> {
  const found = new Set<string>()
  for await (const { shards } of readBlocks(dir))
    for (const { path } of shards) if (path.startsWith('../')) found.add(path)
  return found
}
