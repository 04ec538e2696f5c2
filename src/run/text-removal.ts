import type { Topics } from '../log/log.ts'
import { leavesTexts } from '../record/layout.ts'
import { wholePosition } from '../record/long-notes.ts'
import { firstOpenSlot, readShardNote } from '../record/notes.ts'
import { removeTexts } from '../record/text-files.ts'
import { trimTexts } from '../record/text-topic.ts'
import type { RunContext } from './context.ts'

/** Decided slots between two rounds: few, as their texts are what a run takes most of. */
const slotsBetween = 64

type Removing = Pick<RunContext, 'dir' | 'log' | 'plan' | 'shape' | 'checkOwner'>

/** Removes texts that a run does not store for good, now and then while it goes and when it ends: those of slots that no start reads again. */
export class TextRemoval implements AsyncDisposable {
  readonly #context: Removing
  readonly #topics: Topics
  readonly #stores: boolean
  #slot = Number.NEGATIVE_INFINITY
  #work: Promise<void> | null = null
  #failure: unknown = null

  /** `topics`: whose topic of texts is trimmed, where there is one. */
  constructor(context: Removing, topics: Topics) {
    this.#context = context
    this.#topics = topics
    this.#stores = !leavesTexts(context.plan)
  }

  /** Told that the slots before `slot` are decided. */
  decided(slot: number): void {
    if (this.#stores || this.#work || slot - this.#slot < slotsBetween) return
    this.#slot = slot
    this.#work = this.#round()
      .catch(error => {
        this.#failure = error
      })
      .finally(() => {
        this.#work = null
      })
  }

  /** A last round, behind a run that has not failed. Throws what a round failed with. */
  async end(): Promise<void> {
    if (this.#stores) return
    await this.#work
    if (this.#failure) throw this.#failure
    await this.#round()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work
  }

  async #round(): Promise<void> {
    const { dir, log, plan, shape, checkOwner } = this.#context
    const { slot: decided } = await log.position('decide', 0)
    const shard = await log.position('shard', 0)
    const { domains, ended } = readShardNote(await wholePosition(log, 'shard', shard))
    // Texts of kept documents stand with these once they are decided.
    const isTokenized = plan.tokenizer && plan.storedText === 'none' && !ended
    const needed = isTokenized ? firstOpenSlot(domains, shard.slot) : decided
    checkOwner()
    await (shape.textTopic ? trimTexts(log, this.#topics, shape, needed) : removeTexts(dir, needed))
  }
}
