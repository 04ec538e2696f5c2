import { dirname, join } from 'node:path'
import { type Batch, list, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { NameLimit } from '../../decide/name-limit.ts'
import { makeFolder } from '../../disk/durable-file.ts'
import { assert } from '../../errors.ts'
import type { Append, Owner, Position } from '../../log/log.ts'
import { type DecidedEntry, DecidedReader } from '../../record/decided-reader.ts'
import { topics } from '../../record/layout.ts'
import { type ChangedNames, NoteWriter, wholePosition } from '../../record/long-notes.ts'
import { readManifest } from '../../record/manifest.ts'
import { type FeedEnd, firstOpenSlot, noteFeedEnd, readShardNote, splitShardNote } from '../../record/notes.ts'
import { isSegmentEnd, segmentAt } from '../../record/run-file.ts'
import { positionsOf } from '../../record/slots.ts'
import { bareOf } from '../../record/text-log.ts'
import { addCount, type ShardTotals } from '../../record/totals.ts'
import { ShardFolders } from '../../shards/folder.ts'
import { type ManifestEntry, shardPath } from '../../shards/manifest.ts'
import { writeShard } from '../../shards/shard.ts'
import type { RunContext } from '../context.ts'
import { type FullShard, OpenShards } from './open-shards.ts'

/** Who plans training steps from sealed shards as they come. */
export interface ManifestSink {
  add(entry: ManifestEntry): Promise<void>
  /** Publishes what is left, and says what the feed ended with. */
  end(): Promise<FeedEnd>
}

/**
 * The ordered stage that makes shards, for its owner. The pool tokenizes; rows fill, in order, one open shard a domain. A full one is
 * written aside, synced, renamed and then committed to the manifest: after a crash the same bytes are written under the same name again.
 */
export async function shardAll(
  context: RunContext,
  owner: Owner,
  upstreamDone: AbortSignal,
  sink: ManifestSink | null,
): Promise<void> {
  const { dir, plan, log, shape, lead, watch } = context
  const from = await positionsOf(log, 'shard', shape.partitions)
  const { slot: counted, note } = await wholePosition(log, 'shard', from[0])
  watch({ kind: 'stage-began', stage: 'shard', slot: counted, note })
  const { domains, totals, ended, fed } = readShardNote({ note })
  lead.report('shard', counted)
  const folders = new ShardFolders()
  for await (const entry of readManifest(log)) {
    folders.add(entry)
    await sink?.add(entry)
  }
  // The log says what the feed ended with, so that one which is lost, or another's, is not taken for one that has not begun.
  const endFeed = async (at: readonly Position[]) => {
    const end = await sink?.end()
    if (!end || fed) return
    const positions = at.map(position => ({ ...position, note: noteFeedEnd(position.note, end) }))
    await owner.commit({ positions, appends: [] })
  }
  if (ended) return endFeed(from)
  const notes = new NoteWriter('shard')
  const open = new OpenShards(domains, notes.changed)
  const languages = new NameLimit(Object.keys(totals.tokensByLanguage))
  // Texts of kept documents that are stored stand with these.
  const place = { dir, shape, log: plan.storedText === 'kept' ? bareOf(log) : log }
  const reader = await DecidedReader.open(place, firstOpenSlot(domains, counted), upstreamDone)
  for await (const { entry, batch } of tokenizeInOrder(context, reader)) {
    context.failed.throwIfAborted()
    const { slot, isEnd } = entry
    if (batch) open.add(slot, batch)
    const isFresh = isClosing(context, slot)
    const full = open.takeFull(slot, isEnd || isFresh)
    // A shard's rows are of one segment. Cut last, as an upgrade may come when what was full by itself is sealed already.
    const isCut = isSegmentEnd(context.segments, slot)
    if (isCut) full.push(...open.takeFull(slot, true))
    if (slot < counted) {
      assert(full.length === 0 || isCut, `slot ${slot} seals a shard that it did not seal before the restart`)
      if (full.length === 0) continue
    } else if (batch) countTokens(batch, totals, languages, notes.changed)
    const sealed: ManifestEntry[] = []
    for (const shard of full) sealed.push(await sealShard(context, shard, folders))
    if (isFresh && sealed.length > 0) sealed.push({ ...sealed.pop()!, closes: true })
    totals.shards += sealed.length
    if (sealed.length > 0 || isEnd) {
      const state = { domains: open.notes(), totals, ended: isEnd, fed: null }
      const noted = notes.write(slot + 1, splitShardNote(state))
      const offsetIn = (partition: number) => (entry.partition === partition ? entry.offset + 1n : 0n)
      const positions = from.map(({ partition }) => ({
        partition,
        offset: offsetIn(partition),
        slot: slot + 1,
        note: noted.note,
      }))
      await owner.commit({ positions, appends: [...sealed.map(manifestAppend), ...noted.appends] })
      for (const manifest of sealed) await sink?.add(manifest)
    }
    lead.report('shard', slot + 1)
    watch({ kind: 'sharded', slot: slot + 1, totals })
    if (isEnd) await endFeed(await positionsOf(log, 'shard', shape.partitions))
  }
}

/** Whether all that was kept up to a slot is sealed with it, as its feed is to be fresh. */
function isClosing({ plan }: RunContext, slot: number): boolean {
  const freshness = plan.feed?.freshness ?? null
  return freshness !== null && (slot + 1) % freshness === 0
}

/** A slot's entry of `kept`, and its rows; null for the end, and where there are none. */
type Tokenized = { readonly entry: DecidedEntry['kept']; readonly batch: Batch | null }

/** Slots with their tokens, in order, with as many in the pool as it can hold. */
async function* tokenizeInOrder(context: RunContext, reader: DecidedReader): AsyncGenerator<Tokenized> {
  const window: Promise<Tokenized>[] = []
  const windowMax = context.pool.size * 2
  try {
    for (;;) {
      if (window.length > 0 && (window.length >= windowMax || !(await reader.isReady()))) {
        yield await window.shift()!
        continue
      }
      const entry = await reader.next()
      if (!entry) break
      const result = tokenize(context, entry)
      // A failure is met when its turn comes; until then it must not count as unhandled.
      result.catch(() => {})
      window.push(result)
    }
    while (window.length) yield await window.shift()!
  } finally {
    await reader[Symbol.asyncDispose]()
  }
}

async function tokenize({ pool }: RunContext, { slot, kept, scored }: DecidedEntry): Promise<Tokenized> {
  if (!scored || kept.headers.rows === '0') return { entry: kept, batch: null }
  return { entry: kept, batch: await pool.tokenize(slot, { scored: scored.value, kept: kept.value }) }
}

async function sealShard(context: RunContext, shard: FullShard, folders: ShardFolders): Promise<ManifestEntry> {
  const { plan, dir } = context
  const path = shardPath(folders.of(shard.domain), shard.number)
  await makeFolder(dirname(join(dir, 'shards', path)))
  const tokenizer = plan.tokenizer!
  const batches = shard.batches.map(withoutDomain)
  const { shard: fingerprint } = segmentAt(context.segments, numbers(batches[0], 'slot')[0])
  const identity = { tokenizer: JSON.stringify(tokenizer.options), fingerprint }
  const metadata = { domain: shard.domain, number: String(shard.number), ...identity }
  const written = await writeShard(join(dir, 'shards', path), batches, metadata, { onEffect: context.checkOwner })
  const at = (batch: Batch, row: number) => ({ slot: numbers(batch, 'slot')[row], row: numbers(batch, 'row')[row] })
  const last = batches.at(-1)!
  return {
    path,
    domain: shard.domain,
    number: shard.number,
    rows: shard.rows,
    tokens: shard.tokens,
    ...written,
    ...identity,
    textBytes: batches.reduce((sum, batch) => sum + sumOf(numbers(batch, 'textBytes')), 0),
    first: at(batches[0], 0),
    last: at(last, last.rows - 1),
  }
}

function withoutDomain({ rows, columns }: Batch): Batch {
  const { domain, ...others } = columns
  return { rows, columns: others }
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum
}

function manifestAppend(entry: ManifestEntry): Append {
  return {
    topic: topics.manifest,
    partition: 0,
    headers: { path: entry.path },
    value: Buffer.from(JSON.stringify(entry)),
  }
}

function countTokens(batch: Batch, totals: ShardTotals, known: NameLimit, changed: ChangedNames): void {
  const { offsets } = list(batch, 'tokens')
  const domains = utf8(batch, 'domain')
  const languages = batch.columns.language ? utf8(batch, 'language') : null
  for (let row = 0; row < batch.rows; row++) {
    const tokens = offsets[row + 1] - offsets[row]
    totals.tokens += tokens
    const domain = stringAt(domains, row)
    addCount(totals.tokensByDomain, domain, tokens)
    changed.add('tokensByDomain', domain)
    if (!languages) continue
    const language = known.of(stringAt(languages, row))
    addCount(totals.tokensByLanguage, language, tokens)
    changed.add('tokensByLanguage', language)
  }
}
