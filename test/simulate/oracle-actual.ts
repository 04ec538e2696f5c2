import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Batch, list, numbers, stringAt, utf8 } from '../../src/batch/batch.ts'
import { rowOf, slotOf } from '../../src/decide/decider.ts'
import { listFiles } from '../../src/disk/files.ts'
import { BlockFile } from '../../src/feed/files/block-file.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { LedgerReader } from '../../src/feed/files/ledger.ts'
import { readFeed } from '../../src/feed/read.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { readManifest } from '../../src/record/manifest.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { hasEnded, readStanding } from '../../src/record/standing.ts'
import type { ManifestEntry } from '../../src/shards/manifest.ts'
import { openShard } from '../../src/shards/shard.ts'
import type { RecordPlace } from './oracle.ts'
import type { ExpectedFate } from './oracle-fates.ts'
import type { HashOfBlock } from './oracle-lines.ts'

export interface ActualDocument {
  readonly slot: number
  readonly row: number
  readonly id: string
  readonly tokens: readonly number[]
  readonly textBytes: number
  readonly scores: Readonly<Record<string, number | string | null>>
}

export interface ActualShard {
  readonly entry: ManifestEntry
  /** SHA-256 of the file as it is. */
  readonly sha256: string
  readonly documents: readonly ActualDocument[]
}

/** A sample as a trainer gets it. `bounds` are those of its pieces and padding; `documents` has the id between each two. */
export interface ActualSample {
  readonly domain: string
  readonly inputIds: readonly number[]
  readonly labels: readonly number[]
  readonly positionIds: readonly number[]
  readonly bounds: readonly number[]
  /** Without what aligns pieces. */
  readonly reals: readonly number[]
  readonly documents: readonly string[]
}

export interface ActualFeed {
  readonly feed: string
  readonly digest: string
  readonly isEnded: boolean
  readonly leftover: Readonly<Record<string, { readonly samples: number; readonly tokens: number }>>
  readonly steps: readonly {
    readonly line: string
    readonly digest: string
    readonly samples: readonly ActualSample[]
  }[]
}

/** What a run wrote, as plain data. */
export interface ActualRun {
  readonly isEnded: boolean
  /** Slots that were decided; the slot that says the end is not counted. */
  readonly slots: number
  readonly fates: readonly ExpectedFate[]
  readonly totals: { readonly documents: number; readonly kept: number; readonly dead: number; readonly tokens: number }
  readonly dropped: Readonly<Record<string, number>>
  readonly shards: readonly ActualShard[]
  /** Null where no step is published and the feed has not ended. */
  readonly feed: ActualFeed | null
}

/** Collects what the run in `dir` wrote, through the readers that everybody uses. */
export async function readActual(dir: string): Promise<ActualRun> {
  await using run = await RunReader.open(dir)
  const standing = await readStanding(run.log, run.run)
  const fates: ExpectedFate[] = []
  for await (const fate of readFates(run)) {
    const { file, line, slot, row, id, reason, similarity, partner } = fate
    const duplicateOf = partner < 0 ? null : { slot: slotOf(partner), row: rowOf(partner) }
    const evidence = fate.fate === 'dead' ? null : fate.evidence
    fates.push({ file, line, slot, row, id, fate: fate.fate, reason, evidence, duplicateOf, similarity })
  }
  const { documents, kept, dead, dropped } = standing.decide.totals
  const shards: ActualShard[] = []
  for await (const entry of readManifest(run.log)) shards.push(await readShard(dir, entry))
  return {
    isEnded: hasEnded(standing, run.run),
    slots: standing.decide.slot - (await hasDecidedEnd(run)),
    fates,
    totals: { documents, kept, dead, tokens: standing.shard.totals.tokens },
    dropped: { ...dropped },
    shards,
    feed: await readActualFeed(join(dir, 'feed')),
  }
}

/** The records of each slot, in the order of their rows. */
export function slotsOf({ fates, slots }: ActualRun): RecordPlace[][] {
  return Array.from({ length: slots }, (_, slot) => fates.filter(fate => fate.slot === slot))
}

async function hasDecidedEnd(run: RunReader): Promise<number> {
  const { note } = await run.log.position('decide', 0)
  return note !== '' && JSON.parse(note).ended === true ? 1 : 0
}

async function readShard(dir: string, entry: ManifestEntry): Promise<ActualShard> {
  const path = join(dir, 'shards', entry.path)
  using shard = openShard(path, entry)
  const documents = [...shard.batches()].flatMap(documentsOf)
  return {
    entry,
    sha256: createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
    documents,
  }
}

function documentsOf(batch: Batch): ActualDocument[] {
  const { offsets, values } = list(batch, 'tokens')
  const scored = Object.entries(batch.columns).filter(([, { kind }]) => kind === 'f32' || kind === 'f64')
  return Array.from({ length: batch.rows }, (_, i) => {
    const scores: Record<string, number | string | null> = {}
    for (const [name] of scored) scores[name] = nullOf(numbers(batch, name)[i])
    if (batch.columns.language) scores.language = stringAt(utf8(batch, 'language'), i)
    return {
      slot: numbers(batch, 'slot')[i],
      row: numbers(batch, 'row')[i],
      id: stringAt(utf8(batch, 'id'), i),
      tokens: [...values.subarray(offsets[i], offsets[i + 1])],
      textBytes: numbers(batch, 'textBytes')[i],
      scores,
    }
  })
}

const nullOf = (value: number) => (Number.isNaN(value) ? null : value)

/** The SHA-256 of a feed's blocks as their files are, which a ledger names: what is in them is held against the oracle by itself. */
export async function readBlockHashes(dir: string): Promise<HashOfBlock> {
  const hashes = new Map<string, string>()
  for (const name of await listFiles(join(dir, 'blocks'))) {
    if (!name.endsWith('.arrow')) continue
    using file = new BlockFile(dir, join('blocks', name))
    const { domain, number, epoch } = file.identity
    const bytes = await readFile(join(dir, 'blocks', name))
    hashes.set(`${number} ${epoch} ${domain}`, createHash('sha256').update(bytes).digest('hex'))
  }
  return (domain, block, epoch) => hashes.get(`${block} ${epoch} ${domain}`) ?? 'there is no such block'
}

export async function readActualFeed(dir: string): Promise<ActualFeed | null> {
  const head = await readHead(dir)
  if (!head) return null
  const ledger = new LedgerReader(dir, head)
  const steps: ActualFeed['steps'][number][] = []
  for await (const batch of readFeed(dir, { verify: 'files' })) {
    const { length, cuSeqlens, cuSeqlensPadded } = batch
    const samples = batch.domains.map((domain, i): ActualSample => {
      const row = (values: Int32Array) => [...values.subarray(i * length, (i + 1) * length)]
      const [first, last] = [cuSeqlensPadded.indexOf(i * length), cuSeqlensPadded.indexOf((i + 1) * length)]
      return {
        domain,
        ...{ inputIds: row(batch.inputIds), labels: row(batch.targets), positionIds: row(batch.positionIds) },
        bounds: [...cuSeqlensPadded.subarray(first, last + 1)].map(bound => bound - i * length),
        reals: [...cuSeqlens.subarray(first, last + 1)].map(bound => bound - cuSeqlens[first]),
        documents: batch.documents.slice(first, last),
      }
    })
    steps.push({ line: await ledger.read(batch.step), digest: batch.digest, samples })
  }
  const { feed, digest, ended, leftover } = head
  return { feed, digest, isEnded: ended, leftover, steps }
}
