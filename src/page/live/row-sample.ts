import { assert } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { firstOpenSlot } from '../../record/notes.ts'
import type { RunReader } from '../../record/run-reader.ts'
import type { Standing } from '../../record/standing.ts'
import { TokenCounts } from '../../record/token-counts.ts'
import { readStoredSlots } from '../../what-if/stored-slots.ts'
import { funnelOf } from '../funnel.ts'
import { packRows } from '../pack-rows.ts'
import { packLists } from '../report.ts'
import type { ReportData } from '../report-data.ts'
import { RowReader } from '../row-reader.ts'
import { ChosenSlots, fitSlots } from './chosen-slots.ts'
import { explainMissing, findRange } from './decided-range.ts'
import { type HeldSlot, holdSlot, JoinedRows } from './joined-rows.ts'

export interface SampleOptions {
  /** Default `limits.sampleRowsMax`. */
  readonly rowsMax?: number
  /** Milliseconds after which a refresh begins to read no further slots. Default `limits.sampleRefreshMs`. */
  readonly refreshMs?: number
}

/** What a sample is of, as it was last looked at. Its rows are put together when they are first asked for. */
export interface Sampled {
  readonly run: RunReader
  readonly standing: Standing
  /** Slots that are decided. */
  readonly end: number
  readonly reader: RowReader
  /** Those that have a place even among fewer rows first. */
  readonly slots: readonly HeldSlot[]
  readonly joined: () => JoinedRows
}

/** Slots that are read at a time: between two of these it is looked whether it was long enough. */
const slotsAtOnce = 16

/**
 * Rows of a run that may still go on: all of them, or whole slots that are chosen by a hash of their numbers. A slot is read once. What a run trims
 * stays in it, as its totals are of the whole run.
 */
export class RowSample {
  readonly #rowsMax: number
  readonly #refreshMs: number
  #identity = ''
  #chosen: ChosenSlots<HeldSlot>
  /** Slots whose tokens are known as far as they will be. */
  readonly #counted = new Set<number>()
  #sampled: Sampled | null = null
  #refreshing: Promise<void> | null = null

  constructor({ rowsMax = limits.sampleRowsMax, refreshMs = limits.sampleRefreshMs }: SampleOptions = {}) {
    this.#rowsMax = rowsMax
    this.#refreshMs = refreshMs
    this.#chosen = new ChosenSlots(rowsMax)
  }

  /** Whether all slots that have a place were read: else the next refresh goes on. */
  get isWhole(): boolean {
    return this.#chosen.isWhole
  }

  /** Of the last refresh, which there must be. */
  get sampled(): Sampled {
    assert(this.#sampled, 'a sample is asked before its first refresh')
    return this.#sampled
  }

  /**
   * Looks at what is decided now, and reads the slots that are new in the sample. Of two at a time the second waits for the first. A run that
   * an upgrade gave other parts, whose reader was opened anew, is read from its beginning. Throws 'trimmed' where slots are trimmed while they are
   * read: ask again.
   */
  refresh(run: RunReader): Promise<void> {
    this.#refreshing ??= this.#refresh(run).finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #refresh(run: RunReader): Promise<void> {
    const deadline = performance.now() + this.#refreshMs
    const { standing, first, end } = await findRange(run)
    const identity = JSON.stringify([run.dir, run.run.segments])
    if (identity !== this.#identity) {
      this.#identity = identity
      this.#chosen = new ChosenSlots(this.#rowsMax)
      this.#counted.clear()
    }
    const { byDomain, byLanguage } = standing.decide.totals
    const reader = new RowReader(run, { domains: Object.keys(byDomain), languages: Object.keys(byLanguage) })
    this.#chosen.offer(first, end)
    while (!this.#chosen.isWhole) {
      await this.#readSome(run, reader)
      if (performance.now() >= deadline) break
    }
    const hasNews = await this.#countTokens(run, standing)
    const slots = this.#chosen.held
    const before = this.#sampled
    const joined = before?.slots === slots && !hasNews ? before.joined : joinLater(slots, reader)
    this.#sampled = { run, standing, end, reader, slots, joined }
  }

  async #readSome(run: RunReader, reader: RowReader): Promise<void> {
    const slots = this.#chosen.next(slotsAtOnce)
    const read: HeldSlot[] = []
    try {
      for (const [from, to] of spansOf(slots))
        for await (const stored of readStoredSlots(run, reader.stored(), to, from))
          read.push(holdSlot(stored, reader, this.#rowsMax))
    } catch (error) {
      throw await explainMissing(run, slots[0], error)
    }
    this.#chosen.take(read)
  }

  /** Tokens stand in sealed shards, some slots after they are decided. Returns whether some were found. */
  async #countTokens(run: RunReader, { shard }: Standing): Promise<boolean> {
    const sealed = run.run.tokenizer === null ? 0 : firstOpenSlot(shard.domains, shard.slot)
    const uncounted = this.#chosen.held.filter(({ slot }) => slot < sealed && !this.#counted.has(slot))
    const some = uncounted.sort((a, b) => a.slot - b.slot)
    if (some.length === 0) return false
    const counts = await TokenCounts.open(run)
    for (const { slot, rows, reasons, tokens } of some) {
      const known = counts.take(slot)
      for (const [i, row] of rows.entries()) if (reasons[i] === '') tokens[i] = known.get(row) ?? -1
      this.#counted.add(slot)
    }
    return true
  }
}

function joinLater(slots: readonly HeldSlot[], reader: RowReader): () => JoinedRows {
  let joined: JoinedRows | null = null
  return () => {
    joined ??= new JoinedRows(slots, reader)
    return joined
  }
}

/** Neighbours among slots, which are read in one go: from one to before another. */
function spansOf(slots: readonly number[]): [from: number, to: number][] {
  const spans: [number, number][] = []
  for (const slot of slots) {
    const last = spans.at(-1)
    if (last?.[1] === slot) last[1]++
    else spans.push([slot, slot + 1])
  }
  return spans
}

/**
 * A sample as a report's page takes it, without documents and what is drawn over slots and steps. `rowsMax`: of its rows at most so many, which are
 * those of a smaller sample; default `limits.reportRowsMax`.
 */
export function packSample({ sampled }: RowSample, rowsMax: number = limits.reportRowsMax): ReportData {
  const { run, standing, reader, slots } = sampled
  const some = fitSlots(slots, rowsMax)
  const joined = some.length < slots.length ? new JoinedRows(some, reader) : sampled.joined()
  const { reasons, counts } = joined.count(standing.decide.totals)
  const { parts, valueColumns, columns, named } = reader
  const { domains, languages, rates } = joined
  return {
    ...packLists(run, { parts, valueColumns, reasons, domains, languages, rates }),
    rows: packRows(joined.rows, columns, counts, named),
    documents: [],
    measures: [],
    funnel: funnelOf(standing.decide.totals, parts),
    mixture: null,
    drift: { points: [], slotsOfPoint: 1 },
  }
}
