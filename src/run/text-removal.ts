import { wholePosition } from '../record/long-notes.ts'
import { firstOpenSlot, readShardNote } from '../record/notes.ts'
import { removeTexts } from '../record/text-files.ts'
import type { RunContext } from './context.ts'

/** Decided slots between two rounds: few, as their texts are what a run takes most of. */
const slotsBetween = 64

type Removing = Pick<RunContext, 'dir' | 'log' | 'plan' | 'checkOwner'>

/** Removes texts that a run does not store, now and then while it goes and when it ends: those of slots that no start reads again. */
export class TextRemoval implements AsyncDisposable {
  readonly #context: Removing
  readonly #stores: boolean
  #slot = Number.NEGATIVE_INFINITY
  #work: Promise<void> | null = null
  #failure: unknown = null

  constructor(context: Removing) {
    this.#context = context
    this.#stores = context.plan.storedText === 'all'
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
    const { dir, log, plan, checkOwner } = this.#context
    const { slot: decided } = await log.position('decide', 0)
    const shard = await log.position('shard', 0)
    const { domains, ended } = readShardNote(await wholePosition(log, 'shard', shard))
    const needed = plan.tokenizer && !ended ? firstOpenSlot(domains, shard.slot) : decided
    checkOwner()
    await removeTexts(dir, needed)
  }
}
