import { assert } from '../../errors.ts'
import { fingerprintSource } from '../../pipeline/fingerprint.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { recordReasons } from '../../record/reasons.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { decodeScored, joinTexts, withoutTexts } from '../../record/scored.ts'
import type { Chunk } from '../../sources/source.ts'
import type { Work } from '../context.ts'
import type { MeasuredBefore } from '../measure/reuse.ts'
import { SourceSlots } from './source-slots.ts'

/** What a plan has measured of rows whose texts are not stored. */
export function measuredWithoutTexts(plan: Plan): MeasuredBefore {
  return { origin: fingerprintSource(plan.source), steps: recordReasons(plan).steps, lacksTexts: true }
}

/** Why records are read when documents are kept, as a sentence that goes on. */
export function whyTexts({ run }: Pick<RunReader, 'run'>, { storedText }: Pick<Plan, 'storedText'>): string {
  if (run.storedText === 'kept') return 'texts of documents that the run which is replayed has not kept are not stored'
  return `texts of documents that ${storedText === 'kept' ? 'are kept' : 'have no tokens yet'} are not stored`
}

/**
 * The texts of slots that neither a replay nor the run that it is of stores: the source's records, edited as the
 * pipeline edits them. The source is opened when a text is wanted, and must be as it was.
 */
export class SourceTexts implements AsyncDisposable {
  readonly #pool: Work
  readonly #plan: Plan
  readonly #run: RunReader
  readonly #stop: AbortSignal
  readonly #before: MeasuredBefore
  #records: SourceSlots | null = null
  #last: Promise<unknown> = Promise.resolve()

  constructor(pool: Work, plan: Plan, run: RunReader, stop: AbortSignal) {
    this.#pool = pool
    this.#plan = plan
    this.#run = run
    this.#stop = stop
    this.#before = measuredWithoutTexts(plan)
  }

  /** An entry of `scored` of the replay with its texts. Slots are asked for in rising order, without waiting for the ones before. */
  async add(slot: number, scored: Uint8Array): Promise<Uint8Array> {
    if (decodeScored(scored).columns.text) return scored
    const value = withoutTexts(scored)
    const stored = { value, dead: null, before: this.#before, base: null, textsOnly: true } as const
    const { texts } = await this.#pool.annotate(slot, await this.#read(slot), stored)
    assert(texts, `slot ${slot} was measured for its texts and has none`)
    return joinTexts(texts, value)
  }

  /** Throws where the source is not as it was. */
  async check(): Promise<void> {
    await (await this.#open()).close()
  }

  #open(): Promise<SourceSlots> {
    return SourceSlots.open(this.#run, this.#plan.source, whyTexts(this.#run, this.#plan), this.#stop)
  }

  #read(slot: number): Promise<readonly Chunk[]> {
    const reading = this.#last.then(() => this.#readNext(slot))
    // Who asks for the next slot meets the failure itself.
    this.#last = reading.catch(() => {})
    return reading
  }

  async #readNext(slot: number): Promise<readonly Chunk[]> {
    this.#records ??= await this.#open()
    const chunks = await this.#records.read(slot, this.#stop)
    if (!chunks) throw this.#stop.reason
    return chunks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#records?.close()
  }
}
