import { numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import type { Entry } from '../../log/log.ts'
import { Ahead } from '../../record/ahead.ts'
import { decodeKept } from '../../record/kept.ts'
import { topics } from '../../record/layout.ts'
import { standings } from '../../record/recalled.ts'
import { batchAt, type RunReader } from '../../record/run-reader.ts'
import { decodeScored } from '../../record/scored.ts'
import { positionsAt, readBySlot, SlotReader } from '../../record/slots.ts'
import { encodeStandings } from '../measure/recall.ts'

/** How the rows of a run stand, slot after slot: whether it kept them, or an earlier recall did, or why it dropped them. */
export class Standings implements AsyncDisposable {
  readonly #run: RunReader
  readonly #kept: SlotReader
  readonly #drops: Ahead<Entry>
  readonly #recalled: readonly { readonly dir: string; readonly kept: SlotReader }[]

  private constructor(run: RunReader, kept: SlotReader, recalled: { dir: string; kept: SlotReader }[]) {
    this.#run = run
    this.#kept = kept
    this.#drops = new Ahead(readBySlot(run.log, topics.drops, 1))
    this.#recalled = recalled
  }

  /** From a slot on. `earlier`: recalls of the run. */
  static async open(run: RunReader, earlier: readonly RunReader[], from: number): Promise<Standings> {
    const readerOf = async ({ log, run: { partitions } }: RunReader) =>
      new SlotReader(log, topics.kept, await positionsAt(log, topics.kept, partitions, from), AbortSignal.abort())
    const recalled: { dir: string; kept: SlotReader }[] = []
    for (const one of earlier) recalled.push({ dir: one.dir, kept: await readerOf(one) })
    return new Standings(run, await readerOf(run), recalled)
  }

  /** Those of a slot as `encodeStandings` has them; `scored` is its entry. Slots are asked for one after the other. */
  async of(slot: number, scored: Uint8Array): Promise<Uint8Array> {
    const kept = await readRows(this.#kept, slot)
    if (!kept) throw this.#refuse(slot, `${this.#run.dir} has not decided it`)
    const recalled = new Set<number>()
    // An earlier recall may have been of fewer slots.
    for (const one of this.#recalled) for (const row of (await readRows(one.kept, slot)) ?? []) recalled.add(row)
    const drops = await batchAt(this.#drops, slot)
    const dropRows = drops ? numbers(drops, 'row') : []
    const reasons = drops && utf8(drops, 'reason')
    const dropped = new Map(Array.from(dropRows, (row, i) => [row, stringAt(reasons!, i)]))
    const rows = Array.from(numbers(decodeScored(scored), 'row'))
    const standingOf = (row: number) => {
      if (kept.has(row)) return standings.kept
      if (!dropped.has(row)) throw this.#refuse(slot, `its row ${row} is neither kept nor dropped`)
      return recalled.has(row) ? standings.recalled : standings.dropped
    }
    return encodeStandings(
      rows.map(standingOf),
      rows.map(row => dropped.get(row) ?? ''),
    )
  }

  #refuse(slot: number, what: string): HeadraceError {
    return new HeadraceError(
      'corrupt',
      `what became of slot ${slot} can't be told, as ${what}: see headrace verify --run ${this.#run.dir}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { kept } of [{ kept: this.#kept }, ...this.#recalled]) await kept[Symbol.asyncDispose]()
    await this.#drops[Symbol.asyncDispose]()
  }
}

/** The rows that are kept of a slot; null behind the last. */
async function readRows(reader: SlotReader, slot: number): Promise<ReadonlySet<number> | null> {
  for (let entry = await reader.next(); entry && !entry.isEnd; entry = await reader.next())
    if (entry.slot === slot) return new Set(numbers(decodeKept(entry.value), 'row'))
  return null
}
