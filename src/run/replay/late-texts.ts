import { type Batch, numbers } from '../../batch/batch.ts'
import { assert } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { addTexts, decodeKept, hasTexts } from '../../record/kept.ts'
import { topics } from '../../record/layout.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { decodeScored } from '../../record/scored.ts'
import { positionsAt, SlotReader } from '../../record/slots.ts'
import type { Work } from '../context.ts'
import { SourceTexts } from './source-texts.ts'

/**
 * The texts of kept rows that no step of a replay needed: as the run that it is of has stored them, where it has kept the same rows, else
 * as the source gives them.
 */
export class LateTexts implements AsyncDisposable {
  /** Whatever is kept, texts of it are read from the source. */
  readonly isCertain: boolean
  readonly #kept: KeptBefore | null
  readonly #source: SourceTexts

  constructor(pool: Work, plan: Plan, run: RunReader, stop: AbortSignal) {
    const { segments, storedText } = run.run
    const isTokenized = segments.some(({ tokens }) => tokens === plan.tokensFingerprint)
    this.isCertain = storedText === 'none' && (plan.storedText === 'kept' || !isTokenized)
    this.#kept = run.run.storedText === 'kept' ? new KeptBefore(run) : null
    this.#source = new SourceTexts(pool, plan, run, stop)
  }

  /** Kept rows of a slot with their texts; `scored` is its entry. Slots are asked for in rising order, without waiting for the ones before. */
  async add(slot: number, scored: Uint8Array, kept: Batch): Promise<Batch> {
    const own = hasTexts(kept) ? kept : addTexts(kept, decodeScored(scored))
    if (own) return own
    const before = await this.#kept?.of(slot)
    const known = before && addTexts(kept, before)
    if (known) return known
    const made = addTexts(kept, decodeScored(await this.#source.add(slot, scored)))
    assert(made, `slot ${slot} keeps row ${numbers(kept, 'row')} and has not measured all`)
    return made
  }

  /** Throws where the source is not as it was. It is opened otherwise when a text is wanted of it. */
  check(): Promise<void> {
    return this.#source.check()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept?.[Symbol.asyncDispose]()
    await this.#source[Symbol.asyncDispose]()
  }
}

/** What a run has kept, slot after slot. */
class KeptBefore implements AsyncDisposable {
  readonly #run: RunReader
  #reader: SlotReader | null = null
  #last: Promise<unknown> = Promise.resolve()

  constructor(run: RunReader) {
    this.#run = run
  }

  /** The kept rows of a slot with the texts that stand with them; null where it was not decided. */
  of(slot: number): Promise<Batch | null> {
    const reading = this.#last.then(() => this.#read(slot))
    // Who asks for the next slot meets the failure itself.
    this.#last = reading.catch(() => {})
    return reading
  }

  async #read(slot: number): Promise<Batch | null> {
    const { log, run } = this.#run
    this.#reader ??= new SlotReader(
      log,
      topics.kept,
      await positionsAt(log, topics.kept, run.partitions, slot),
      AbortSignal.abort(),
    )
    for (;;) {
      const entry = await this.#reader.next()
      if (!entry || entry.isEnd) return null
      if (entry.slot === slot) return decodeKept(entry.value)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#reader?.[Symbol.asyncDispose]()
  }
}
