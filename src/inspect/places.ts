import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import { readControls } from '../feed/files/control-file.ts'
import { readHead } from '../feed/files/head.ts'
import { hasBit } from '../feed/plan/blocks.ts'
import type { PlannedShard } from '../feed/plan/promotion.ts'
import { readShardList } from '../feed/plan/shard-list.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard, type ShardIdentity } from '../shards/shard.ts'
import type { Span, Spans } from './fed-samples.ts'

/** Where a document stands in a shard: its row, and its tokens from `start` on. `domain` is the one that it is fed in. */
export interface ShardPlace extends Pick<PlannedShard, 'domain'>, Pick<ManifestEntry, 'path' | 'sha256'> {
  readonly row: number
  readonly start: number
  readonly tokens: number
}

/**
 * Finds documents in the shards that the feed in `dir` is planned from: those of its run, and of runs that it was promoted to, whose rows
 * have the same addresses. Where several have a document, it is fed from the last: a promotion does not choose what was fed before. Left
 * out are documents that are in none, as they are not kept or not sealed yet.
 */
export async function findPlaces(
  run: RunReader,
  dir: string,
  addresses: Iterable<Address>,
): Promise<Map<Address, ShardPlace>> {
  const wanted = [...new Set(addresses)].sort((a, b) => a - b)
  const places = new Map<Address, ShardPlace>()
  if (wanted.length === 0) return places
  const isWanted = new Set(wanted)
  const look = (folder: string, { domain, shard }: Pick<PlannedShard, 'domain' | 'shard'>) => {
    const { path, sha256, bits } = shard
    for (const { address, ...place } of rowsOf(join(folder, path), shard))
      if (isWanted.has(address) && (!bits || hasBit(bits, place.row)))
        places.set(address, { domain, path, sha256, ...place })
  }
  const mayHold = (first: Address, last: Address) => {
    const next = wanted[lowerBound(wanted, first)]
    return next !== undefined && next <= last
  }
  for await (const entry of readManifest(run.log)) {
    const [first, last] = [entry.first, entry.last].map(end => addressOf(end.slot, end.row))
    if (mayHold(first, last)) look(join(run.dir, 'shards'), { domain: entry.domain, shard: entry })
  }
  const head = await readHead(dir)
  for (const { promote } of head ? await readControls(dir) : [])
    for (const planned of promote ? await readShardList(dir, promote.selection) : [])
      if (mayHold(addressOf(planned.firstSlot, 0), addressOf(planned.lastSlot + 1, 0) - 1))
        look(join(dir, head!.shards), planned)
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

/** The tokens of documents by shard, to find them in the feed. */
export function findSpans(places: ReadonlyMap<Address, ShardPlace>): Spans {
  const spans = new Map<string, Span[]>()
  for (const [address, { path, start, tokens }] of places) {
    const inShard = spans.get(path) ?? []
    spans.set(path, inShard)
    if (tokens > 0) inShard.push({ start, tokens, address })
  }
  for (const inShard of spans.values()) inShard.sort((a, b) => a.start - b.start)
  return spans
}
