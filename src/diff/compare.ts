import { addressOf } from '../decide/decider.ts'
import { checkSums, type Unchecked } from './check-sums.ts'
import type { LabelColumn } from './label-columns.ts'
import { judge, type Kind, type Pair } from './pair.ts'
import { type LabelCounts, pairLabels } from './pair-labels.ts'
import { pairSlots } from './pair-slots.ts'
import { RowSet } from './row-set.ts'
import type { SlotRange } from './run-slots.ts'
import { hasSameTextColumn, type Side } from './side.ts'
import { findCommonSlots } from './slots.ts'
import { type Grouping, Tally } from './tally.ts'

export interface CompareOptions {
  readonly by: readonly Grouping[]
  readonly samplesMax: number
  /** What joins records; null for their slot and row, which takes runs with the same slots. */
  readonly label: LabelColumn | null
}

/** A pair that is not the same in both runs. */
export interface Difference {
  readonly kind: Kind
  readonly pair: Pair
}

/** Two runs held against each other, record by record. Once `differences` is read to its end, the counts are there. */
export class Comparison {
  readonly sides: readonly [Side, Side]
  /** The slots of each that are compared. */
  readonly ranges: readonly [SlotRange, SlotRange]
  readonly label: LabelColumn | null
  readonly labels: LabelCounts = { repeated: 0, records: 0, unlabelled: 0, passes: 0 }
  readonly tally: Tally
  /** Of A and of B, once all is read. */
  unchecked: readonly [Unchecked, Unchecked] = [null, null]
  readonly #alone = { a: new RowSet(), b: new RowSet() }

  private constructor(sides: Comparison['sides'], ranges: Comparison['ranges'], options: CompareOptions) {
    this.sides = sides
    this.ranges = ranges
    this.label = options.label
    this.tally = new Tally(options.by, options.samplesMax)
  }

  /** Throws 'bad-option' where the runs have other slots and no label joins their records. */
  static async open(a: Side, b: Side, options: CompareOptions): Promise<Comparison> {
    if (options.label !== null) return new Comparison([a, b], [wholeRange(a), wholeRange(b)], options)
    const range = await findCommonSlots(a, b)
    return new Comparison([a, b], [range, range], options)
  }

  get isSame(): boolean {
    const { documents } = this.tally.kinds.get('same')!
    return this.tally.sums.every(sums => sums.documents === documents)
  }

  /** The pairs that differ, in the order of slots and rows; joined by a label, as `pairLabels` gives them. Throws 'corrupt' as `checkSums`. */
  async *differences(): AsyncGenerator<Difference, void> {
    for await (const found of this.#countAll()) yield* found
  }

  /** The same, slot by slot. */
  async *#countAll(): AsyncGenerator<Difference[], void> {
    // By slots, a duplicate repeats a document of a row before it. By labels, that one may come later.
    if (this.label !== null) for await (const pairs of this.#pairs()) for (const pair of pairs) this.#mark(pair)
    for await (const pairs of this.#pairs()) yield this.#count(pairs)
    const [a, b] = this.sides.map((side, i) => checkSums(side, this.ranges[i], this.tally.sums[i]))
    this.unchecked = [a, b]
  }

  /** Reads all of it, for the counts alone. */
  async readAll(): Promise<void> {
    for await (const _ of this.#countAll());
  }

  #pairs(): AsyncIterable<Pair[]> {
    const { sides, ranges, label } = this
    if (label !== null) return pairLabels({ sides, ranges, column: label }, this.labels)
    return pairSlots(sides, ranges[0], slot => hasSameTextColumn(sides, slot))
  }

  #count(pairs: readonly Pair[]): Difference[] {
    const found: Difference[] = []
    for (const pair of pairs) {
      if (this.label === null) this.#mark(pair)
      const kind = judge(pair, this.#alone)
      this.tally.add(pair, kind)
      if (kind !== 'same') found.push({ kind, pair })
    }
    return found
  }

  #mark({ a, b }: Pair): void {
    if (a?.fate === 'kept' && b?.fate !== 'kept') this.#alone.a.add(addressOf(a.slot, a.row))
    if (b?.fate === 'kept' && a?.fate !== 'kept') this.#alone.b.add(addressOf(b.slot, b.row))
  }
}

function wholeRange({ run, decided }: Side): SlotRange {
  return { from: run.first, to: Math.max(run.first, decided) }
}
