import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { addressOf } from '../decide/decider.ts'
import type { Amount } from '../feed/plan/join.ts'
import type { PlannedShard } from '../feed/plan/promotion.ts'
import { selectRows } from '../feed/plan/shard-list.ts'
import type { RowSet } from '../promote/row-set.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'
import { mapDomain, type Source } from './source.ts'

/** Documents and tokens of a domain, by what becomes of them. */
export interface DomainCount {
  readonly domain: string
  readonly fed: Amount
  readonly leftOut: Amount
}

export interface Selection {
  readonly shards: readonly PlannedShard[]
  /** By the domain that they are fed in. */
  readonly domains: readonly DomainCount[]
  readonly fed: Amount
  readonly leftOut: Amount
}

/** Chooses of each shard of a source the documents that are fed: all but those that are left out. */
export function selectShards(source: Source, slotOffset: number, leftOut: Pick<RowSet, 'has'>): Selection {
  const shards: PlannedShard[] = []
  const counts = new Map<string, { fed: Sum; leftOut: Sum }>()
  const all = { fed: new Sum(), leftOut: new Sum() }
  for (const entry of source.entries) {
    const domain = mapDomain(source.map, entry.domain)
    const chosen = chooseRows(join(source.run.dir, 'shards', entry.path), entry, leftOut)
    const count = counts.get(domain) ?? { fed: new Sum(), leftOut: new Sum() }
    counts.set(domain, count)
    const rest = { documents: entry.rows - chosen.fed.documents, tokens: entry.tokens - chosen.fed.tokens }
    for (const sum of [count, all]) {
      sum.fed.add(chosen.fed)
      sum.leftOut.add(rest)
    }
    if (chosen.fed.documents > 0) shards.push(planShard(source, entry, domain, slotOffset, chosen))
  }
  const domains = Array.from(counts, ([domain, { fed, leftOut: left }]) => ({
    domain,
    fed: { ...fed },
    leftOut: { ...left },
  }))
  return { shards, domains, fed: { ...all.fed }, leftOut: { ...all.leftOut } }
}

class Sum implements Amount {
  documents = 0
  tokens = 0

  add({ documents, tokens }: Amount): void {
    this.documents += documents
    this.tokens += tokens
  }
}

interface Chosen {
  readonly bits: Uint8Array
  readonly fed: Amount
}

function chooseRows(path: string, entry: ManifestEntry, leftOut: Pick<RowSet, 'has'>): Chosen {
  using shard = openShard(path, entry)
  const bits = new Uint8Array((entry.rows + 7) >>> 3)
  const fed = { documents: 0, tokens: 0 }
  const lengths = shard.lengths()
  let at = 0
  for (const batch of shard.batches(['slot', 'row'])) {
    const [slots, rows] = ['slot', 'row'].map(name => numbers(batch, name))
    for (let i = 0; i < batch.rows; i++, at++) {
      if (leftOut.has(addressOf(slots[i], rows[i]))) continue
      bits[at >>> 3] |= 1 << (at & 7)
      fed.documents++
      fed.tokens += lengths[at]
    }
  }
  return { bits, fed }
}

function planShard(
  { links }: Source,
  entry: ManifestEntry,
  domain: string,
  slotOffset: number,
  { bits, fed }: Chosen,
): PlannedShard {
  const { sha256, bytes, rows, tokens, first, last } = entry
  const whole = { path: links.pathOf(entry), sha256, bytes, rows, tokens, slotOffset }
  const shard = fed.documents === rows ? whole : selectRows(whole, bits)
  return { domain, number: null, shard, tokens: fed.tokens, firstSlot: first.slot, lastSlot: last.slot }
}
