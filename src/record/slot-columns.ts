import {
  type BatchLayout,
  type ReadAt,
  type Region,
  readStreamLayout,
  regionsOf,
  streamHeadBytes,
  viewBatch,
  viewOffsets,
} from '../batch/arrow/layout.ts'
import { type Batch, utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { type Entry, type PartEntry, type PartLog, readsParts } from '../log/log.ts'
import { Ahead } from './ahead.ts'
import { topics } from './layout.ts'
import { batchAt, type RunReader } from './run-reader.ts'
import { positionsAt, readBySlot } from './slots.ts'

/** Columns of a decided slot. Of the text there is its length alone, as it is most of what is stored. */
export interface SlotColumns {
  readonly slot: number
  readonly scored: Batch
  /** Where each row's text begins, and the last ends: rows + 1 numbers. */
  readonly textOffsets: Int32Array
  readonly drops: Batch | null
  /** Rows that are dead, which are in no batch. */
  readonly dead: number
}

/**
 * The slots before `end`, which must be decided, in their order, with the columns that are asked for. From a log that reads parts of
 * entries it reads these alone (their checksums, which are of whole entries, are not looked at then: `headrace verify` does that); from
 * another, and where an entry does not hold them all, the whole.
 */
export async function* readSlotColumns(
  run: RunReader,
  names: readonly string[],
  end: number,
): AsyncIterable<SlotColumns> {
  const drops = new Ahead<Entry>(readBySlot(run.log, topics.drops, 1))
  for await (const scored of readScored(run, names, end)) yield { ...scored, drops: await batchAt(drops, scored.slot) }
}

type Scored = Omit<SlotColumns, 'drops'>

function readScored(run: RunReader, names: readonly string[], end: number): AsyncIterable<Scored> {
  const { log } = run
  if (!readsParts(log)) return readWhole(run, end)
  return readAhead(partsBySlot(run, log, end), entry => readParts(run, entry, names))
}

async function* readWhole(run: RunReader, end: number): AsyncIterable<Scored> {
  for await (const { slot, scored, dead } of run.slots()) {
    if (slot >= end) return
    yield { slot, scored, textOffsets: utf8(scored, 'text').offsets, dead: dead?.rows ?? 0 }
  }
}

/** Entries that are read at a time, so that the disk is waited for while others are at work. */
const readingMax = 8

/** What `work` makes of the items, in their order, begun ahead of who asks. */
async function* readAhead<T, U>(items: AsyncIterable<T>, work: (item: T) => Promise<U>): AsyncIterable<U> {
  const begun: Promise<U>[] = []
  try {
    for await (const item of items) {
      const one = work(item)
      // Who waits for it later is told.
      one.catch(() => {})
      begun.push(one)
      if (begun.length >= readingMax) yield await begun.shift()!
    }
    while (begun.length > 0) yield await begun.shift()!
  } finally {
    // The log may be closed once nothing is at work any more.
    await Promise.allSettled(begun)
  }
}

async function* partsBySlot({ run, first }: RunReader, log: PartLog, end: number): AsyncIterable<PartEntry> {
  const from = await positionsAt(log, topics.scored, run.partitions, first)
  const partitions = from.map(({ partition, offset }) =>
    log.readParts({ topic: topics.scored, partition, offset })[Symbol.asyncIterator](),
  )
  for (let slot = first; slot < end; slot++) {
    const { done, value } = await partitions[slot % partitions.length].next()
    if (!done && value.headers.end) return
    if (done || Number(value.headers.slot) !== slot)
      throw new HeadraceError(
        'corrupt',
        `${topics.scored}: slot ${slot} was expected and ${done ? 'the end' : value.headers.slot} came: restore the log from a copy`,
      )
    yield value
  }
}

async function readParts(run: RunReader, entry: PartEntry, names: readonly string[]): Promise<Scored> {
  const slot = Number(entry.headers.slot)
  const dead = Number(entry.headers.dead)
  const head = await readHead(entry)
  const { layout } = readStreamLayout(head, entry.bytes)
  const stored = new Set(layout.columns.map(({ field }) => field.name))
  if (![...names, 'text'].every(name => stored.has(name))) {
    const scored = await run.scored(slot)
    return { slot, scored, textOffsets: utf8(scored, 'text').offsets, dead }
  }
  const readAt = await fetchRegions(entry, head, wantedRegions(layout, names))
  return { slot, scored: viewBatch(layout, readAt, names), textOffsets: viewOffsets(layout, 'text', readAt), dead }
}

/** Bytes that are read at first: those of some 60 columns. */
const headBytes = 16 * 1024

async function readHead(entry: PartEntry): Promise<Uint8Array> {
  let head = await entry.read(0, Math.min(headBytes, entry.bytes))
  for (let needed = streamHeadBytes(head); needed > head.length; needed = streamHeadBytes(head)) {
    if (needed > entry.bytes) break
    head = await entry.read(0, needed)
  }
  return head
}

function wantedRegions(layout: BatchLayout, names: readonly string[]): Region[] {
  const text = layout.columns.find(({ field }) => field.name === 'text')?.offsets
  const wanted = [...regionsOf(layout, names), ...(text ? [text] : [])]
  return wanted.filter(({ bytes }) => bytes > 0).sort((a, b) => a.at - b.at)
}

/** Bytes between two regions that are read along, as another read costs more. */
const gapBytesMax = 16 * 1024

/** Reads the regions, which are in order; neighbours in one go, and what lies in `head` not again. */
async function fetchRegions(entry: PartEntry, head: Uint8Array, regions: readonly Region[]): Promise<ReadAt> {
  const spans: { at: number; end: number }[] = []
  for (const { at, bytes } of regions) {
    if (at + bytes <= head.length) continue
    const last = spans.at(-1)
    if (last && at - last.end <= gapBytesMax) last.end = Math.max(last.end, at + bytes)
    else spans.push({ at, end: at + bytes })
  }
  const parts = await Promise.all(spans.map(({ at, end }) => entry.read(at, end - at)))
  return (at, bytes) => {
    if (at + bytes <= head.length) return head.subarray(at, at + bytes)
    const i = spans.findLastIndex(span => span.at <= at)
    return parts[i].subarray(at - spans[i].at, at - spans[i].at + bytes)
  }
}
