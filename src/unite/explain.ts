import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { hasBit } from '../feed/plan/blocks.ts'
import { readShardList } from '../feed/plan/shard-list.ts'
import { openShard } from '../shards/shard.ts'
import { type CopyLine, type CopyPlace, readCopies } from './copies.ts'
import { shardsFolder } from './source.ts'
import type { Union } from './union.ts'

/** A document that is fed: `feedSlot` is its slot as the feed counts it. */
export interface FedDocument extends CopyPlace {
  /** Of its shard, from the shards folder, and the first of its tokens there. */
  readonly path: string
  readonly start: number
  readonly id: string
  readonly domain: string
  readonly feedSlot: number
  readonly tokens: number
}

/** A document that is left out, with the id of the one that it repeats; null where that is in no shard of the feed's. */
export interface LeftOutDocument extends CopyLine {
  readonly ofId: string | null
}

/** What became of the documents of an id in a feed of several runs. */
export interface DocumentStory {
  readonly fed: readonly FedDocument[]
  readonly leftOut: readonly LeftOutDocument[]
  /** What is left out as it repeats one of the fed ones: the first of them, and how many there are. */
  readonly repeatedBy: readonly CopyLine[]
  readonly repeats: number
}

/** Copies that are told of one document. */
const repeatsMax = 100

/** Looks through the shards and copies of a feed for all documents of an id. */
export async function explainDocument(union: Union, id: string): Promise<DocumentStory> {
  const copies = await Array.fromAsync(filterCopies(union, copy => copy.id === id))
  const fed: FedDocument[] = []
  const wanted = new Set(copies.map(({ of }) => keyOf(of)))
  const ids = new Map<string, string>()
  for await (const document of readDocuments(union)) {
    if (document.id === id) fed.push(document)
    if (wanted.has(keyOf(document))) ids.set(keyOf(document), document.id)
  }
  const own = new Set(fed.map(keyOf))
  const repeatedBy: CopyLine[] = []
  let repeats = 0
  for await (const copy of filterCopies(union, ({ of }) => own.has(keyOf(of)))) {
    if (repeats++ < repeatsMax) repeatedBy.push(copy)
  }
  return { fed, leftOut: copies.map(copy => ({ ...copy, ofId: ids.get(keyOf(copy.of)) ?? null })), repeatedBy, repeats }
}

/** Copies whose originals are looked up at once. */
const groupMax = 100_000

/** All documents that are left out, in the order of their runs, with the ids of those that they repeat. The shards are read once for each `groupMax`. */
export async function* readLeftOut(union: Union): AsyncGenerator<LeftOutDocument> {
  let group: CopyLine[] = []
  for await (const copy of filterCopies(union)) {
    group.push(copy)
    if (group.length < groupMax) continue
    yield* addIds(union, group)
    group = []
  }
  if (group.length > 0) yield* addIds(union, group)
}

async function* addIds(union: Union, copies: readonly CopyLine[]): AsyncGenerator<LeftOutDocument> {
  const wanted = new Set(copies.map(({ of }) => keyOf(of)))
  const ids = new Map<string, string>()
  for await (const document of readDocuments(union))
    if (wanted.has(keyOf(document))) ids.set(keyOf(document), document.id)
  for (const copy of copies) yield { ...copy, ofId: ids.get(keyOf(copy.of)) ?? null }
}

const keyOf = ({ run, slot, row }: CopyPlace) => `${run} ${slot} ${row}`

/** The copies of all runs that are wanted. */
export async function* filterCopies(
  { dir, runs }: Union,
  isWanted: (copy: CopyLine) => boolean = () => true,
): AsyncGenerator<CopyLine> {
  for (const { copies } of runs)
    if (copies !== null) for await (const copy of readCopies(dir, copies)) if (isWanted(copy)) yield copy
}

/** All documents that are fed, run by run. */
export async function* readDocuments({ home, dir, runs }: Union): AsyncGenerator<FedDocument> {
  for (const [run, { selection, slotOffset }] of runs.entries())
    for (const { domain, shard } of await readShardList(dir, selection)) {
      using file = openShard(join(home, shardsFolder, shard.path), shard)
      const lengths = file.lengths()
      let [at, start] = [0, 0]
      for (const batch of file.batches(['id', 'slot', 'row'])) {
        const [slots, rows] = ['slot', 'row'].map(name => numbers(batch, name))
        const ids = utf8(batch, 'id')
        for (let i = 0; i < batch.rows; i++, start += lengths[at++]) {
          if (shard.bits && !hasBit(shard.bits, at)) continue
          const place = { run, slot: slots[i], row: rows[i], feedSlot: slotOffset + slots[i] }
          yield { ...place, id: stringAt(ids, i), domain, tokens: lengths[at], path: shard.path, start }
        }
      }
    }
}
