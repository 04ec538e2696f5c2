import { join } from 'node:path'
import type { Address } from '../decide/decider.ts'
import { listFiles } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { listBlock } from '../feed/files/bind.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { findLetGo, listLetGo } from '../feed/files/let-go-block.ts'
import { blockOf, type SampleRange, type Step } from '../feed/files/steps.ts'
import type { BlockIdentity, BlockRef, BlockShard, CutShard, SampleList } from '../feed/plan/blocks.ts'
import { readShardList } from '../feed/plan/shard-list.ts'

/** Tokens of a shard that are those of a document, counted through the shard. */
export interface Span {
  readonly start: number
  readonly tokens: number
  readonly address: Address
}

/** Spans by their shard's path, in rising order. */
export type Spans = ReadonlyMap<string, readonly Span[]>

/** A sample of a block that holds tokens of a document that was looked for, and the step that it was in. */
export interface FedSample extends BlockRef {
  readonly address: Address
  readonly sample: number
  /** Tokens of the document in it. */
  readonly tokens: number
  /** Null where no step has it yet: in each pass over a block, a sample is in one at most. */
  readonly step: Pick<Step, 'step' | 'digest'> | null
}

/**
 * Samples of a feed that hold tokens of documents, by document in the order of blocks and samples. Of the feed it reads what lies on the
 * way: the ends of blocks' files, the samples of those blocks that have such a shard, and the ledger, of which it opens the
 * steps that name such a block.
 */
export async function findFedSamples(dir: string, spans: Spans): Promise<FedSample[]> {
  const head = await readHead(dir)
  if (!head || spans.size === 0) return []
  const found: FedSample[] = []
  const blocks = await findBlocks(dir, spans)
  const ranges = await readRanges(dir, head, blocks)
  for (const block of blocks) {
    const inBlock = ranges.get(nameOf(block))
    if (!inBlock) continue
    for (const part of partsIn(await readSamples(dir, head, block), spans)) {
      const step = stepOf(inBlock, part.sample)
      // What no step took of a cut before stands in the one that came after it.
      if (step || !blocks.some(other => isCutAfter(other, block))) found.push({ ...block, ...part, step })
    }
  }
  return found
}

const nameOf = ({ domain, number, epoch, cut = 0 }: BlockRef) => `${number} ${epoch} ${cut} ${domain}`
const isCutAfter = (a: BlockRef, b: BlockRef) =>
  a.domain === b.domain && a.number === b.number && a.epoch === b.epoch && (a.cut ?? 0) > (b.cut ?? 0)

/** What each of a feed's blocks says of itself, those that were let go too. */
async function* readBlocks(dir: string): AsyncGenerator<BlockIdentity> {
  const names = await listFiles(join(dir, 'blocks'))
  for (const name of names) {
    if (!name.endsWith('.arrow')) continue
    using file = new BlockFile(dir, join('blocks', name))
    yield file.identity
  }
  for (const { name, identity } of await listLetGo(dir)) if (!names.includes(name)) yield identity
}

interface BlockSamples {
  readonly shards: readonly BlockShard[]
  readonly list: SampleList
}

/** A block's shards and samples. Of one that was let go the shards give them. */
async function readSamples(dir: string, head: Head, block: BlockRef): Promise<BlockSamples> {
  try {
    using file = new BlockFile(dir, block)
    return { shards: file.identity.shards, list: file.read(0, file.samples) }
  } catch (error) {
    const left = error instanceof HeadraceError && error.code === 'trimmed' ? findLetGo(dir, block) : null
    if (!left) throw error
    const shards = await addBits(dir, left.identity.shards)
    return { shards, list: listBlock({ ...left.identity, shards }, head, path => join(dir, head.shards, path)) }
  }
}

/** Says of shards that a block has in part which of their rows it has: lists of other runs' shards name them. */
async function addBits(dir: string, shards: readonly BlockShard[]): Promise<CutShard[]> {
  if (shards.every(({ selected }) => selected === undefined)) return [...shards]
  const bySelected = new Map<string, Uint8Array>()
  for (const { promote, join: joined } of await readControls(dir))
    for (const name of [...(promote ? [promote.selection] : []), ...(joined?.runs ?? []).map(run => run.selection)])
      for (const { shard } of await readShardList(dir, name))
        if (shard.bits && shard.selected !== undefined) bySelected.set(shard.selected, shard.bits)
  return shards.map(shard => {
    const bits = shard.selected === undefined ? undefined : bySelected.get(shard.selected)
    if ((bits === undefined) !== (shard.selected === undefined))
      throw new HeadraceError('corrupt', `no list of ${dir} has the rows of ${shard.path} that a block was cut from`)
    return { ...shard, ...(bits && { bits }) }
  })
}

/** Blocks that have a shard of these, by domain, pass and number. */
async function findBlocks(dir: string, shards: ReadonlyMap<string, unknown>): Promise<BlockRef[]> {
  const found: BlockRef[] = []
  for await (const { shards: own, domain, number, epoch, cut } of readBlocks(dir))
    if (own.some(({ path }) => shards.has(path)))
      found.push({ domain, number, epoch, ...(cut !== undefined && { cut }) })
  const order = (a: BlockRef, b: BlockRef) => a.epoch - b.epoch || a.number - b.number || (a.cut ?? 0) - (b.cut ?? 0)
  return found.sort((a, b) => (a.domain === b.domain ? order(a, b) : a.domain < b.domain ? -1 : 1))
}

interface FedRange extends SampleRange {
  readonly step: Pick<Step, 'step' | 'digest'>
}

/** What steps took of each of these blocks. A line of form 2 may say no more than that samples go on, so that all are opened. */
async function readRanges(dir: string, head: Head, blocks: readonly BlockRef[]): Promise<Map<string, FedRange[]>> {
  const ranges = new Map<string, FedRange[]>(blocks.map(block => [nameOf(block), []]))
  const marks = [...new Set(blocks.map(({ number, epoch }) => `{"block":${number},"epoch":${epoch},`))]
  const ledger = new LedgerReader(dir, head)
  for (let step = 0; step < head.steps; step++) {
    if (head.ledger === undefined) {
      const line = await ledger.read(step)
      if (!marks.some(mark => line.includes(mark))) continue
    }
    const { domains, digest } = await ledger.open(step)
    for (const [domain, list] of Object.entries(domains))
      for (const range of list) {
        const inBlock = ranges.get(nameOf(blockOf(domain, range)))
        inBlock?.push({ ...range, step: { step, digest } })
      }
  }
  for (const [name, list] of ranges) if (list.length === 0) ranges.delete(name)
  return ranges
}

type Part = Pick<FedSample, 'address' | 'sample' | 'tokens'>

function* partsIn({ shards, list }: BlockSamples, spans: Spans): Generator<Part> {
  const byShard = shards.map(({ path }) => spans.get(path) ?? [])
  for (let sample = 0; sample < list.tokens.length; sample++) {
    const tokens = new Map<Address, number>()
    for (let piece = list.offsets[sample]; piece < list.offsets[sample + 1]; piece++) {
      const span = spanAt(byShard[list.shard[piece]] ?? [], list.start[piece])
      if (span) tokens.set(span.address, (tokens.get(span.address) ?? 0) + list.length[piece])
    }
    for (const [address, count] of tokens) yield { address, sample, tokens: count }
  }
}

/** Steps take a block's samples in their order. */
function stepOf(ranges: readonly FedRange[], sample: number): FedSample['step'] {
  const range = ranges[indexAtMost(ranges, ({ from }) => from, sample)]
  return range && sample < range.to ? range.step : null
}

/** The span that a piece lies in. A piece is of one document, so that one span has all of it or none. */
function spanAt(spans: readonly Span[], start: number): Span | null {
  const span = spans[indexAtMost(spans, one => one.start, start)]
  return span && start < span.start + span.tokens ? span : null
}

/** Index of the last item whose number is `value` or less; -1 where there is none. */
function indexAtMost<T>(sorted: readonly T[], numberOf: (item: T) => number, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (numberOf(sorted[middle]) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
