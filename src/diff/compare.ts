import { addressOf } from '../decide/decider.ts'
import { checkSums, type Unchecked } from './check-sums.ts'
import { judge, type Kind, type Pair } from './pair.ts'
import { pairSlots } from './pair-slots.ts'
import { RowSet } from './row-set.ts'
import type { SlotRange } from './run-slots.ts'
import { hasSameTextColumn, type Side } from './side.ts'
import { findCommonSlots } from './slots.ts'
import { type Grouping, Tally } from './tally.ts'

export interface CompareOptions {
  readonly by: readonly Grouping[]
  readonly samplesMax: number
}

/** A pair that is not the same in both runs. */
export interface Difference {
  readonly kind: Kind
  readonly pair: Pair
}

/** Two runs held against each other, record by record. Read `differences` to the end; then the counts are there. */
export class Comparison {
  readonly sides: readonly [Side, Side]
  readonly range: SlotRange
  readonly tally: Tally
  /** Of A and of B, once all is read. */
  unchecked: readonly [Unchecked, Unchecked] = [null, null]
  readonly #alone = { a: new RowSet(), b: new RowSet() }

  private constructor(sides: readonly [Side, Side], range: SlotRange, { by, samplesMax }: CompareOptions) {
    this.sides = sides
    this.range = range
    this.tally = new Tally(by, samplesMax)
  }

  static async open(a: Side, b: Side, options: CompareOptions): Promise<Comparison> {
    return new Comparison([a, b], await findCommonSlots(a, b), options)
  }

  get isSame(): boolean {
    const { documents } = this.tally.kinds.get('same')!
    return documents === this.tally.sums[0].documents && documents === this.tally.sums[1].documents
  }

  /** The pairs that differ, slot by slot. */
  async *differences(): AsyncGenerator<Difference, void> {
    const [a, b] = this.sides
    for await (const pairs of pairSlots(a, b, this.range, slot => hasSameTextColumn(a, b, slot))) {
      const found: Difference[] = []
      for (const pair of pairs) {
        const kind = this.#count(pair)
        if (kind !== 'same') found.push({ kind, pair })
      }
      yield* found
    }
    const [left, right] = this.tally.sums
    this.unchecked = [checkSums(a, this.range, left), checkSums(b, this.range, right)]
  }

  /** A duplicate repeats a document that was decided before it, so whoever keeps that alone is known. */
  #count(pair: Pair): Kind {
    const { a, b } = pair
    if (a?.fate === 'kept' && b?.fate !== 'kept') this.#alone.a.add(addressOf(a.slot, a.row))
    if (b?.fate === 'kept' && a?.fate !== 'kept') this.#alone.b.add(addressOf(b.slot, b.row))
    const kind = judge(pair, this.#alone)
    this.tally.add(pair, kind)
    return kind
  }
}
