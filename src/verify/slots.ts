import type { Batch } from '../batch/batch.ts'
import { advices, type Check } from './check.ts'
import type { Logged, LoggedCommit } from './log.ts'

/** The entries of one slot in one stage's topics. `note` is the stage's, on the last slot of a commit. */
export interface SlotGroup {
  readonly slot: number
  readonly isEnd: boolean
  readonly main: Logged
  readonly side: Logged | null
  readonly position: { readonly slot: number; readonly note: string } | null
}

/**
 * The slots of a stage as its commits hold them: `main` has an entry for each slot, `side` for some. An entry of `side` that belongs to
 * no slot here is a failure. Slots before `first`, of which a part may be trimmed, are passed over.
 */
export async function* groupSlots(
  commits: AsyncIterable<LoggedCommit>,
  main: string,
  side: string,
  first: number,
  check: Check,
): AsyncGenerator<SlotGroup> {
  let isBehind = true
  for await (const { positions, entries } of commits) {
    const groups: { main: Logged; side: Logged | null }[] = []
    for (const entry of entries) if (entry.topic === main) groups.push({ main: entry, side: null })
    for (const entry of entries) {
      if (entry.topic !== side) continue
      const { slot } = entry.headers
      const group = groups.find(one => one.main.headers.slot === slot)
      const stray = `${side}: slot ${slot} stands here a second time, or without an entry of ${main}`
      if (group && !group.side) group.side = entry
      else if (!(Number(slot) < first)) check.fail(entry, stray, advices.report)
    }
    const position = positions.find(({ partition }) => partition === 0) ?? null
    for (const [i, group] of groups.entries()) {
      const { slot, end } = group.main.headers
      // A log may keep some slots before the first: but one that stands behind later ones is a repeat.
      if (isBehind && Number(slot) < first) continue
      isBehind = false
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

  /** The slot at which a stage stands that has taken all this: behind the first `end`, of which each partition has one. */
  get reached(): number {
    return this.next - Math.max(0, this.#ends - 1)
  }

  /** Takes the next slot; false for one that came before. */
  take({ slot, isEnd, position, main }: SlotGroup): boolean {
    const fail = (what: string) => this.#check.fail(main, `${this.#topic}: ${what}`, advices.report)
    if (!isEnd) this.#check.counted++
    if (slot < this.next) {
      fail(`slot ${slot} stands here a second time; slot ${this.next} was expected`)
      return false
    }
    if (slot > this.next) fail(`slot ${slot} stands here and slot ${this.next} was expected: slots are missing`)
    if (main.partition !== slot % this.#partitions) fail(`slot ${slot} stands in partition ${main.partition}`)
    if (!isEnd && this.#ends > 0) fail(`slot ${slot} comes after the end`)
    this.next = slot + 1
    if (isEnd) this.#ends++
    if (position && position.slot !== this.next && position.slot !== this.reached)
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
  /** As the entry holds it; counted are its rows whole. */
  readonly kept: Batch
  readonly drops: Batch | null
}
