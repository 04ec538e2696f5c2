import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import type { CutShard } from '../feed/plan/blocks.ts'
import type { PlannedShard, PromotedRows } from '../feed/plan/promotion.ts'
import { selectRows } from '../feed/plan/shard-list.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'
import { type Covered, coverBefore, type RunFeed } from './cover.ts'
import { findRepeats } from './repeats.ts'
import type { RowSet } from './row-set.ts'

/** What a feed is promoted to: the run, the runs that the feed was planned from until now, and what the command asks for. */
export interface Wish {
  readonly step: number
  readonly next: RunReader
  readonly known: readonly RunReader[]
  readonly backfill: Readonly<Record<string, string>>
  /** Where the feed will find a shard of `next`: a path from its shards folder. */
  readonly pathOf: (entry: ManifestEntry) => string
}

/** What becomes of a row of the new run. */
export type RowFate = keyof PromotedRows

/** Rows and tokens of one of the new run's domains of which the same becomes. */
export interface FateCount {
  readonly domain: string
  readonly fate: RowFate
  rows: number
  tokens: number
}

export interface Selection {
  readonly shards: readonly PlannedShard[]
  readonly rows: PromotedRows
  /** Of the new run's rows, by its domains. */
  readonly counts: readonly FateCount[]
  readonly covered: Covered
}

/** Chooses of each shard of the new run the rows that are fed. A function of both runs, the steps before and the wish. */
export async function selectShards(feed: RunFeed, wish: Wish): Promise<Selection> {
  const covered = await coverBefore(feed, wish.step)
  const copies = await findRepeats(covered.rows, wish.known, wish.next)
  const shards: PlannedShard[] = []
  const counts = new Map<string, FateCount>()
  for await (const entry of readManifest(wish.next.log)) {
    const backfill = Object.hasOwn(wish.backfill, entry.domain) ? wish.backfill[entry.domain] : null
    const judge = judgeRows(covered, copies, entry.domain, backfill !== null)
    const chosen = chooseRows(join(wish.next.dir, 'shards', entry.path), entry, judge, counts)
    shards.push(...planShard(entry, wish.pathOf(entry), entry.domain, chosen.fed))
    if (backfill !== null) shards.push(...planShard(entry, wish.pathOf(entry), backfill, chosen.backfilled))
  }
  const all = [...counts.values()]
  const sum = (fate: RowFate) => all.reduce((rows, count) => rows + (count.fate === fate ? count.rows : 0), 0)
  const rows = {
    covered: covered.rows.count,
    swapped: sum('swapped'),
    leftOut: sum('leftOut'),
    backfilled: sum('backfilled'),
    fed: sum('fed'),
  }
  return { shards, rows, counts: all, covered }
}

function judgeRows(
  { rows, lastByDomain }: Covered,
  copies: Pick<RowSet, 'has'>,
  domain: string,
  isBackfilled: boolean,
): (address: Address) => RowFate {
  const last = lastByDomain.get(domain) ?? -1
  return address => {
    if (rows.has(address)) return 'covered'
    if (copies.has(address)) return 'swapped'
    if (address > last) return 'fed'
    return isBackfilled ? 'backfilled' : 'leftOut'
  }
}

/** Rows of a shard, a bit each, with how many there are and their tokens. */
interface Chosen {
  readonly bits: Uint8Array
  rows: number
  tokens: number
}

function chooseRows(
  path: string,
  entry: ManifestEntry,
  judge: (address: Address) => RowFate,
  counts: Map<string, FateCount>,
): { readonly fed: Chosen; readonly backfilled: Chosen } {
  using shard = openShard(path, entry)
  const none = (): Chosen => ({ bits: new Uint8Array((entry.rows + 7) >>> 3), rows: 0, tokens: 0 })
  const chosen = { fed: none(), backfilled: none() }
  const lengths = shard.lengths()
  let at = 0
  for (const batch of shard.batches(['slot', 'row'])) {
    const [slots, rows] = ['slot', 'row'].map(name => numbers(batch, name))
    for (let i = 0; i < batch.rows; i++, at++) {
      const fate = judge(addressOf(slots[i], rows[i]))
      count(counts, entry.domain, fate, lengths[at])
      if (fate === 'fed' || fate === 'backfilled') choose(chosen[fate], at, lengths[at])
    }
  }
  return chosen
}

function choose(chosen: Chosen, at: number, tokens: number): void {
  chosen.bits[at >>> 3] |= 1 << (at & 7)
  chosen.rows++
  chosen.tokens += tokens
}

function count(counts: Map<string, FateCount>, domain: string, fate: RowFate, tokens: number): void {
  const key = `${fate} ${domain}`
  const known = counts.get(key) ?? { domain, fate, rows: 0, tokens: 0 }
  counts.set(key, known)
  known.rows++
  known.tokens += tokens
}

/** The shard as one that steps are planned from; nothing where no row of it is chosen. */
function planShard(entry: ManifestEntry, path: string, domain: string, { bits, rows, tokens }: Chosen): PlannedShard[] {
  if (rows === 0) return []
  const { sha256, bytes, first, last } = entry
  const whole: CutShard = { path, sha256, bytes, rows: entry.rows, tokens: entry.tokens }
  const shard = rows === entry.rows ? whole : selectRows(whole, bits)
  return [{ domain, number: null, shard, tokens, firstSlot: first.slot, lastSlot: last.slot }]
}
