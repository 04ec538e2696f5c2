import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { utf8From } from '../../src/batch/batch.ts'
import { addressOf } from '../../src/decide/decider.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { openFeed } from '../../src/feed/publish.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Append } from '../../src/log/log.ts'
import { topics } from '../../src/record/layout.ts'
import type { RunFile } from '../../src/record/run-file.ts'
import { emptyDecideTotals, emptyShardTotals } from '../../src/record/totals.ts'
import { folderOf } from '../../src/shards/folder.ts'
import { type ManifestEntry, shardPath } from '../../src/shards/manifest.ts'
import { writeShard } from '../../src/shards/shard.ts'
import type { Random } from '../random.ts'

// Runs over made documents: what a promotion reads of a run is written as a run writes it, and nothing is measured. Every token is another
// number, so that a token that is lost, fed twice or moved shows.

export interface Doc {
  readonly slot: number
  readonly row: number
  readonly address: number
  readonly domain: string
  readonly quality: number
  /** Documents of one cluster are copies of each other; a looser run takes neighbouring clusters for one. */
  readonly cluster: number
  readonly tokens: Int32Array
}

export const domains = ['web', 'zh/水', '__proto__']
export const padding = 999_999_999

export function makeDocs(random: Random, slots: number): Doc[] {
  const docs: Doc[] = []
  for (let slot = 0; slot < slots; slot++)
    for (let row = 0, rows = random.between(3, 12); row < rows; row++) {
      if (random.chance(0.1)) continue
      const first = docs.length * 100
      const length = random.between(1, 25)
      docs.push({
        slot,
        row,
        address: addressOf(slot, row),
        domain: random.pick(domains),
        quality: random.unit(),
        cluster: random.between(0, slots * 20),
        tokens: Int32Array.from({ length }, (_, i) => first + i),
      })
    }
  return docs
}

/** How a run decides: by a threshold, and what it takes for a copy. `clusterWidth`: neighbouring clusters that are one; 0 for none. */
export interface Rules {
  readonly threshold: number
  readonly clusterWidth: number
}

export interface Decided {
  readonly kept: readonly Doc[]
  /** Dropped as a copy of a kept one. */
  readonly copies: readonly (readonly [doc: Doc, original: Doc])[]
}

export function decide(docs: readonly Doc[], { threshold, clusterWidth }: Rules): Decided {
  const kept: Doc[] = []
  const copies: [Doc, Doc][] = []
  const first = new Map<number, Doc>()
  for (const doc of docs) {
    if (doc.quality < threshold) continue
    const cluster = clusterWidth ? Math.floor(doc.cluster / clusterWidth) : doc.address
    const original = first.get(cluster)
    if (original) copies.push([doc, original])
    else {
      first.set(cluster, doc)
      kept.push(doc)
    }
  }
  return { kept, copies }
}

export interface MadeRun extends Decided {
  readonly dir: string
  readonly manifest: readonly ManifestEntry[]
  readonly shards: ReadonlyMap<string, readonly Doc[]>
}

/** What of `run.json`, its splits and how far it has come is otherwise. */
export interface MadeOptions {
  /** Slots that it has decided; all, and it has ended, where it is not given. */
  readonly slots?: number | undefined
  readonly shardTokens?: number
  readonly run?: Partial<RunFile>
  /** Of a version whose runs had no id. */
  readonly isOld?: boolean
  readonly splits?: readonly { readonly name: string; readonly stamp: string }[]
  /** What it has measured, which a promotion doesn't read. */
  readonly scored?: readonly Append[]
}

export async function makeRun(
  dir: string,
  docs: readonly Doc[],
  rules: Rules,
  options: MadeOptions = {},
): Promise<MadeRun> {
  const { slots, shardTokens = 60, splits = [{ name: 'a.jsonl', stamp: '1' }], scored = [] } = options
  const all = docs.at(-1)!.slot + 1
  const decided = decide(
    docs.filter(({ slot }) => slot < (slots ?? all)),
    rules,
  )
  const { manifest, shards } = await writeShards(dir, decided.kept, slots === undefined, shardTokens)
  await writeFile(
    join(dir, 'run.json'),
    JSON.stringify({ ...runFile(), ...options.run, ...(options.isOld && { id: undefined }) }),
  )
  await using log = new JournalLog(join(dir, 'log'), { writable: true })
  const at = (slot: number, note: object) => [{ partition: 0, offset: 0n, slot, note: JSON.stringify(note) }]
  const isEnded = slots === undefined
  const commit = async (stage: string, note: object, appends: Append[]) => {
    await using owner = await log.own(stage)
    await owner.commit({ positions: at(slots ?? all, { ...note, ended: isEnded }), appends })
  }
  const met = { topic: 'annotate.splits', partition: 0, headers: {}, value: Buffer.from(JSON.stringify(splits)) }
  await commit('annotate', { load: null, readBytes: 0 }, [met, ...scored])
  await commit('decide', { totals: emptyDecideTotals() }, dropAppends(decided.copies))
  await commit('shard', { domains: {}, totals: emptyShardTotals(), fed: null }, manifest.map(manifestAppend))
  return { dir, ...decided, manifest, shards }
}

function runFile(): RunFile {
  const segments = [{ from: 0, annotate: 'a', decide: 'd', shard: 's', state: '' }]
  return {
    version: 1,
    id: randomUUID(),
    pipeline: 'made',
    module: 'file:///made.ts',
    input: [],
    source: 'made',
    log: null,
    logConfig: null,
    partitions: 1,
    lanes: 1,
    slotBytes: 512,
    segments,
    feed: null,
    tokenizer: { encoding: 'made' },
  }
}

function dropAppends(copies: Decided['copies']): Append[] {
  return [...Map.groupBy(copies, ([doc]) => doc.slot)].map(([slot, dropped]) => {
    const value = encodeBatch({
      rows: dropped.length,
      columns: {
        row: { kind: 'u32', values: Uint32Array.from(dropped, ([doc]) => doc.row) },
        duplicateOf: { kind: 'f64', values: Float64Array.from(dropped, ([, original]) => original.address) },
      },
    })
    return { topic: topics.drops, partition: 0, headers: { slot: String(slot) }, value }
  })
}

const manifestAppend = (entry: ManifestEntry): Append => {
  return { topic: topics.manifest, partition: 0, headers: {}, value: Buffer.from(JSON.stringify(entry)) }
}

/** Seals a domain's shard after the slot that fills it, and at the end what is open. */
async function writeShards(dir: string, kept: readonly Doc[], isEnded: boolean, shardTokens: number) {
  const open = new Map<string, Doc[]>()
  const manifest: ManifestEntry[] = []
  const shards = new Map<string, readonly Doc[]>()
  const seal = async (domain: string, docs: Doc[]) => {
    open.delete(domain)
    const number = manifest.filter(entry => entry.domain === domain).length
    const path = shardPath(folderOf(domain), number)
    await mkdir(dirname(join(dir, 'shards', path)), { recursive: true })
    const written = await writeShard(join(dir, 'shards', path), [batchOf(docs)], { domain })
    const [first, last] = [docs[0], docs.at(-1)!].map(({ slot, row }) => ({ slot, row }))
    const tokens = docs.reduce((sum, doc) => sum + doc.tokens.length, 0)
    const identity = { tokenizer: '{"encoding":"made"}', fingerprint: 's', textBytes: 0 }
    manifest.push({ path, domain, number, rows: docs.length, tokens, ...written, first, last, ...identity })
    shards.set(path, docs)
  }
  for (const [slot, docs] of Map.groupBy(kept, doc => doc.slot)) {
    for (const doc of docs) open.set(doc.domain, [...(open.get(doc.domain) ?? []), doc])
    for (const [domain, rows] of open)
      if (rows.reduce((sum, doc) => sum + doc.tokens.length, 0) >= shardTokens || slot - rows[0].slot > 6)
        await seal(domain, rows)
  }
  if (isEnded) for (const [domain, rows] of open) await seal(domain, rows)
  return { manifest, shards }
}

function batchOf(docs: readonly Doc[]) {
  const offsets = new Int32Array(docs.length + 1)
  for (const [i, { tokens }] of docs.entries()) offsets[i + 1] = offsets[i] + tokens.length
  return {
    rows: docs.length,
    columns: {
      tokens: {
        kind: 'list<i32>' as const,
        offsets,
        values: Int32Array.from(docs.flatMap(({ tokens }) => [...tokens])),
      },
      id: utf8From(docs.map(({ address }) => String(address))),
      slot: { kind: 'u32' as const, values: Uint32Array.from(docs, ({ slot }) => slot) },
      row: { kind: 'u32' as const, values: Uint32Array.from(docs, ({ row }) => row) },
    },
  }
}

/** Publishes the run's feed from its manifest, as its sharding stage does, also what a promotion has brought. */
export async function publish({ dir, manifest }: MadeRun, options: FeedOptions, isEnded: boolean): Promise<void> {
  const shards = join(dir, 'shards')
  const origin = { run: 'made', shards, tokenizer: { encoding: 'made' }, fingerprint: 's', segmentSteps: 5 }
  await using feed = await openFeed(join(dir, 'feed'), options, { ...origin, endOfText: padding })
  for (const entry of manifest) await feed.addManifest(entry)
  if (isEnded) await feed.end()
}
