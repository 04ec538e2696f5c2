import { isDeepStrictEqual } from 'node:util'
import { HeadraceError } from '../errors.ts'
import { type Entry, type Log, type Position, readCommitted } from '../log/log.ts'
import { deadPartitionsOf, type RunShape, type StageName, topics } from '../record/layout.ts'
import { type NotedStage, wholePosition } from '../record/long-notes.ts'
import { isEnded } from '../record/notes.ts'
import { positionsOf } from '../record/slots.ts'
import { advices, type Check } from './check.ts'
import type { Logged, LoggedCommit, StageScan } from './log.ts'

/** Times that a stage's end is looked for between two of its commits. */
const openTriesMax = 100

export type Stage = Exclude<StageName, 'load'>

interface Part {
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
}

/** What a stage had committed at one moment: its positions, and where its topics ended with these. */
interface Extent {
  readonly positions: readonly Position[]
  /** The first position's note, whole; empty where it can't be read. */
  readonly note: string
  readonly parts: readonly Part[]
}

/** An entry as it was read, and what it was read from. */
interface Read {
  readonly part: Part
  readonly entry: Entry
}

/**
 * Reads a stage's topics to where they ended when this was opened, the entries of one slot at a time, and holds them against the stage's
 * positions: nothing stands behind these. Reading them checks each batch's CRC. For a log on Kafka, or any that is read as a log alone.
 */
export class TopicScan implements StageScan {
  readonly #log: Log
  readonly #extent: Extent
  readonly #check: Check
  /** Of each partition of the positions, the first slot that it does not have. */
  readonly #ends: readonly number[]
  readonly #hasSlots: boolean
  readonly tail = null
  isDamaged = false
  bytes = 0

  private constructor(log: Log, stage: Stage, extent: Extent, check: Check) {
    this.#log = log
    this.#extent = extent
    this.#check = check
    this.#hasSlots = stage !== 'shard'
    this.#ends = endsOf(extent)
  }

  static async open(log: Log, stage: Stage, shape: RunShape, check: Check): Promise<TopicScan> {
    const owners = stage === 'annotate' && shape.spread ? shape.partitions : 1
    const places = placesOf(stage, shape)
    for (let tries = 0; tries < openTriesMax; tries++) {
      const positions = await positionsOf(log, stage, owners)
      const parts = await Promise.all(
        places.map(async ({ topic, partition }) => ({ topic, partition, ...(await log.bounds(topic, partition)) })),
      )
      if (!isDeepStrictEqual(positions, await positionsOf(log, stage, owners))) continue
      const note = stage === 'annotate' ? positions[0].note : await readWholeNote(log, stage, positions[0], check)
      return new TopicScan(log, stage, { positions, note, parts }, check)
    }
    throw new HeadraceError(
      'locked',
      `stage '${stage}' commits too often to be looked at between two commits: stop the run with --drain, then verify it`,
    )
  }

  async *commits(): AsyncGenerator<LoggedCommit> {
    const { positions, note } = this.#extent
    const position = { partition: 0, slot: Math.min(...this.#ends), note }
    // A position stands behind all ends where the topic is closed, and says the slot behind the first of them.
    const last = { ...position, slot: positions.length > 1 ? position.slot : positions[0].slot }
    let held: LoggedCommit | null = null
    for await (const entries of this.#hasSlots ? this.#slots(position.slot) : this.#entries()) {
      if (held) yield held
      const [{ file, place }] = entries
      held = { file, place, positions: [], entries }
    }
    if (held) yield { ...held, positions: [last] }
    else if (this.#hasSlots && last.slot > 0)
      this.#fail(this.#extent.parts[0], 0n, `nothing stands here, and its stage has the slots before ${last.slot}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The entries of each slot before `end`, in rising order. One that repeats an earlier slot comes where it stands. */
  async *#slots(end: number): AsyncGenerator<Logged[]> {
    const readers = this.#extent.parts.map(part => this.#read(part))
    const heads = await Promise.all(readers.map(reader => this.#nextSlot(reader)))
    for (;;) {
      const slot = Math.min(...heads.map(head => head?.slot ?? Number.POSITIVE_INFINITY))
      if (slot >= end) break
      const entries: Logged[] = []
      for (const [i, head] of heads.entries()) {
        if (head?.slot !== slot) continue
        entries.push(loggedOf(head))
        heads[i] = await this.#nextSlot(readers[i])
      }
      yield entries
    }
    await Promise.all(readers.map(reader => reader.return(undefined)))
  }

  async *#entries(): AsyncGenerator<Logged[]> {
    for (const part of this.#extent.parts) for await (const read of this.#read(part)) yield [loggedOf(read)]
  }

  async #nextSlot(reader: AsyncGenerator<Read>): Promise<(Read & { readonly slot: number }) | null> {
    for (;;) {
      const { done, value } = await reader.next()
      if (done) return null
      const { part, entry } = value
      const slot = Number(entry.headers.slot ?? Number.NaN)
      const end = this.#ends[part.partition] ?? Math.max(...this.#ends)
      if (Number.isSafeInteger(slot) && slot < end) return { part, entry, slot }
      const what = Number.isSafeInteger(slot)
        ? `slot ${slot} stands here, and its stage has those before slot ${end}`
        : 'this entry has no slot'
      this.#fail(part, entry.offset, `${what}: another program wrote it`)
    }
  }

  /** The entries of a partition up to its end; damage ends it. */
  async *#read(part: Part): AsyncGenerator<Read> {
    let at = part.first
    try {
      for await (const entry of readCommitted(this.#log, part.topic, part.partition, part.first)) {
        if (entry.offset >= part.next) return
        at = entry.offset + 1n
        this.bytes += entry.value.length
        this.#check.counted++
        yield { part, entry }
      }
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'corrupt') throw error
      this.isDamaged = true
      this.#fail(part, at, error.message)
    }
  }

  #fail({ topic, partition }: Part, offset: bigint, what: string): void {
    this.#check.fail({ file: `${topic}/${partition}`, place: `offset ${offset}` }, what, advices.replay)
  }
}

async function readWholeNote(log: Log, stage: NotedStage, position: Position, check: Check): Promise<string> {
  const where = { file: `${stage}.notes/0`, place: '' }
  return (await check.attempt(where, advices.restore, () => wholePosition(log, stage, position)))?.note ?? ''
}

function placesOf(stage: Stage, shape: RunShape): { topic: string; partition: number }[] {
  const cut = (topic: string, partitions: number) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  if (stage === 'annotate')
    return [...cut(topics.scored, shape.partitions), ...cut(topics.dead, deadPartitionsOf(shape))]
  if (stage === 'decide') return [...cut(topics.kept, shape.partitions), ...cut(topics.drops, 1)]
  return cut(topics.manifest, 1)
}

/** A stage that is owned whole says the slot behind the first `end`, of which each partition of its slots has one. */
function endsOf({ positions, parts }: Extent): number[] {
  if (positions.length > 1) return positions.map(({ slot, partition }) => Math.max(slot, partition))
  const partitions = parts.filter(({ topic }) => topic === parts[0].topic).length
  return Array<number>(partitions).fill(positions[0].slot + (isEnded(positions) ? partitions - 1 : 0))
}

function loggedOf({ part: { topic, partition }, entry: { offset, headers, value } }: Read): Logged {
  return { file: `${topic}/${partition}`, place: `offset ${offset}`, topic, partition, headers, value }
}
