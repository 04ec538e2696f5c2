import type { Log, Topics } from '../log/log.ts'
import { deadPartitionsOf, loaderOf, type RunShape, topics } from '../record/layout.ts'
import { partsOf, wholePosition } from '../record/long-notes.ts'
import { firstOpenSlot, readShardNote } from '../record/notes.ts'
import { findReferrers } from '../record/referrers.ts'
import { readRunFile } from '../record/run-file.ts'
import { offsetOfSlot, positionsOf } from '../record/slots.ts'
import { findWholeSplits } from '../record/splits.ts'
import { readTrimmed, writeTrimmed } from '../record/trimmed.ts'
import type { RunContext } from './context.ts'
import { syncTables } from './decide/decide-state.ts'
import type { RunOptions } from './options.ts'

/** Slots between two rounds: each looks at every partition, and the journals are shortened by whole files of some 500 slots. */
const slotsBetween = 256

export interface RetentionOptions {
  /** Slots of history that a user wants to keep behind what the run itself needs; null keeps all. */
  readonly keepSlots: number | null
  /** The log is the one in the run's folder: a topic is trimmed no further than its stage's others. Default false. */
  readonly isEmbedded?: boolean
  /** Told after a round that has trimmed something: the first slot that is kept whole. */
  readonly onTrimmed?: (first: number) => void
  /** Told what a round failed with. The next one tries again. */
  readonly onFailure?: (error: unknown) => void
  /** Default 256. */
  readonly slotsBetween?: number
  /** The slot before which all are in tables that outlive this machine, of those before `sealed`. Default syncs the run's own. */
  readonly lastingSlot?: (dir: string, sealed: number) => Promise<number>
}

type Retained = Pick<RunContext, 'dir' | 'binding' | 'log' | 'shape' | 'plan' | 'checkOwner'>

/**
 * Trims what a run no longer needs: what was loaded for annotating, once it is annotated, and, where a user wants it, slots whose effect
 * is in the deciders' tables and in sealed shards. `manifest` and the splits stay, as each start reads all of them. A journal loses only
 * whole files from its start, which the splits would hold: so the loader lists them again (`takeSplitsWish`), and those before can go.
 */
export class Retention implements AsyncDisposable {
  readonly #context: Retained
  readonly #topics: Topics
  readonly #options: RetentionOptions
  #slot = Number.NEGATIVE_INFINITY
  #work: Promise<void> | null = null
  #wantsSplits = false

  /** `log`: whose topics are trimmed, where `context.log` is a view of it. */
  constructor(context: Retained, log: Topics, options: RetentionOptions) {
    this.#context = context
    this.#topics = log
    this.#options = options
  }

  /** Told by the deciding stage that the slots before `slot` are committed and in the tables. Begins a round now and then. */
  sealed(slot: number): void {
    if (this.#work || slot - this.#slot < (this.#options.slotsBetween ?? slotsBetween)) return
    this.#slot = slot
    this.#work = this.#round(slot)
      .catch(error => this.#options.onFailure?.(error))
      .finally(() => {
        this.#work = null
      })
  }

  /** Whether the loader shall commit `splitsAgain` with its next slots. Says so once for each round. */
  takeSplitsWish(): boolean {
    const wants = this.#wantsSplits
    this.#wantsSplits = false
    return wants
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work
  }

  async #round(sealed: number): Promise<void> {
    const { log, shape } = this.#context
    if (shape.spread) await trimRaw(log, this.#topics, shape)
    if (this.#options.keepSlots === null) return
    const first = (await this.#neededSlot(sealed)) - this.#options.keepSlots
    const { dir, binding, checkOwner } = this.#context
    if (first <= (await readTrimmed(dir, binding))) return
    const [referrer] = await findReferrers(dir, (await readRunFile(dir))?.id)
    if (referrer !== undefined) throw new Error(`${referrer} refers to the rows of this run`)
    // The mark lasts before any slot is gone, so that a missing slot is never taken for damage.
    await writeTrimmed(dir, binding, first, checkOwner)
    await trimSlots(log, this.#topics, shape, first)
    this.#wantsSplits = this.#options.isEmbedded ?? false
    this.#options.onTrimmed?.(first)
  }

  /** The first slot that a start may have to read again. */
  async #neededSlot(sealed: number): Promise<number> {
    const { dir, log, shape, plan } = this.#context
    const hasTables = plan.deciders.some(({ tables }) => tables.length > 0)
    const findLasting = this.#options.lastingSlot ?? syncTables
    const inTables = hasTables ? await findLasting(dir, sealed) : sealed
    const [[decided], [sharded]] = await Promise.all(['decide', 'shard'].map(stage => positionsOf(log, stage, 1)))
    const { domains, ended } = readShardNote(await wholePosition(log, 'shard', sharded))
    const open = plan.tokenizer && !ended ? firstOpenSlot(domains, sharded.slot) : decided.slot
    // Each partition keeps an entry, which says how far it is.
    return Math.min(inTables, open, decided.slot - shape.partitions)
  }
}

/** The retention that a run was asked for; what fails is told as a sentence. */
export function openRetention(
  context: Retained,
  log: Topics,
  { keepSlots = null, note }: Pick<RunOptions, 'keepSlots' | 'note'>,
  more: Pick<RetentionOptions, 'isEmbedded' | 'lastingSlot'>,
): Retention {
  const onFailure = (error: unknown) =>
    note?.(`old slots could not be trimmed, which is tried again: ${error instanceof Error ? error.message : error}`)
  return new Retention(context, log, { keepSlots, onFailure, ...more })
}

/** Trims what was loaded up to what is annotated of it. */
async function trimRaw(log: Log, target: Topics, shape: RunShape): Promise<void> {
  for (const { partition, offset } of await positionsOf(log, 'annotate', shape.partitions))
    if (offset > 0n) await target.trim(topics.raw, partition, offset)
}

/** Trims the entries of slots before `first`: topics with one a slot first, as readers find the others by them. */
async function trimSlots(log: Log, target: Topics, shape: RunShape, first: number): Promise<void> {
  const { partitions } = shape
  for (const [topic, count] of [
    [topics.scored, partitions],
    [topics.kept, partitions],
    [topics.drops, 1],
    [topics.dead, deadPartitionsOf(shape)],
    [topics.choices, 1],
  ] as const)
    for (let partition = 0; partition < count; partition++)
      await target.trim(topic, partition, await offsetOfSlot(log, topic, partition, count, first))
  // The sharding stage's manifest stays, and its notes with it.
  const parts = partsOf((await log.position('decide', 0)).note)
  const noted = Math.min(first, parts?.from ?? first)
  await target.trim(topics.decideNotes, 0, await offsetOfSlot(log, topics.decideNotes, 0, 1, noted))
  const whole = await findWholeSplits(log, shape)
  if (whole !== null) await target.trim(loaderOf(shape).splits, 0, whole)
}
