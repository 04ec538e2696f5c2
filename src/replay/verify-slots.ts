import type { Batch } from '../batch/batch.ts'
import { advices, type Check } from './verify-check.ts'
import type { ReadFrame } from './verify-journal.ts'

/** An entry of the log with where its frame stands. `value` is null where it does not match its checksum. */
export interface Logged {
  readonly file: string
  readonly at: number
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array | null
}

/** The entries of one slot in one stage's topics. `note` is the stage's, on the last slot of a commit. */
export interface SlotGroup {
  readonly slot: number
  readonly isEnd: boolean
  readonly main: Logged
  readonly side: Logged | null
  readonly partition: number
  readonly position: { readonly slot: number; readonly note: string } | null
}

/** The slots of a stage as its commits hold them: `main` has an entry for each slot, `side` for some. */
export async function* groupSlots(
  frames: AsyncIterable<ReadFrame>,
  main: string,
  side: string,
): AsyncGenerator<SlotGroup> {
  for await (const { file, at, header, values } of frames) {
    const groups: { main: Logged; side: Logged | null; partition: number }[] = []
    const logged = header.appends.map(({ headers }, i) => ({ file, at, headers, value: values[i] }))
    for (const [i, { topic, partition }] of header.appends.entries())
      if (topic === main) groups.push({ main: logged[i], side: null, partition })
    for (const [i, { topic }] of header.appends.entries()) {
      if (topic !== side) continue
      const group = groups.find(one => one.main.headers.slot === logged[i].headers.slot)
      if (group) group.side = logged[i]
    }
    const position = header.positions.find(({ partition }) => partition === 0) ?? null
    for (const [i, group] of groups.entries()) {
      const { slot, end } = group.main.headers
      yield { ...group, slot: Number(slot), isEnd: end === '1', position: i === groups.length - 1 ? position : null }
    }
  }
}

/** Whether slots come as 0, 1, 2 ... with the `end` last. A trimmed topic begins later. */
export class SlotOrder {
  readonly #topic: string
  readonly #check: Check
  readonly #partitions: number
  #ends = 0
  next: number

  constructor(topic: string, check: Check, partitions: number, first: number) {
    this.#topic = topic
    this.#check = check
    this.#partitions = partitions
    this.next = first
  }

  get isEnded(): boolean {
    return this.#ends > 0
  }

  /** Takes the next slot; false for one that came before. */
  take({ slot, isEnd, partition, position, main }: SlotGroup): boolean {
    const fail = (what: string) =>
      this.#check.fail(main.file, `byte ${main.at}`, `${this.#topic}: ${what}`, advices.report)
    if (!isEnd) this.#check.counted++
    if (slot < this.next) {
      fail(`slot ${slot} stands here a second time; slot ${this.next} was expected`)
      return false
    }
    if (slot > this.next) fail(`slot ${slot} stands here and slot ${this.next} was expected: slots are missing`)
    if (partition !== slot % this.#partitions) fail(`slot ${slot} stands in partition ${partition}`)
    if (!isEnd && this.#ends > 0) fail(`slot ${slot} comes after the end`)
    this.next = slot + 1
    if (isEnd) this.#ends++
    const past = this.next - Math.max(0, this.#ends - 1)
    if (position && position.slot !== this.next && position.slot !== past)
      fail(`its stage stands at slot ${position.slot} after slot ${slot}`)
    return true
  }
}

/** The batches of a decided slot. */
export interface SlotParts {
  readonly scored: Batch
  readonly dead: Batch | null
  /** As the header says, which is what the deciding stage counts. */
  readonly deadRows: number
  readonly kept: Batch
  readonly drops: Batch | null
}
