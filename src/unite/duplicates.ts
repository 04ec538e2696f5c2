import { type Batch, fixed, numbers, stringAt, utf8, utf8From, withColumns } from '../batch/batch.ts'
import { addressOf, type Decider } from '../decide/decider.ts'
import { openTables, type Tables } from '../decide/tables/tables.ts'
import { HeadraceError } from '../errors.ts'
import { topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readSlotColumns } from '../record/slot-columns.ts'
import { decideRow, emptyVerdict, noVerdict } from '../run/decide/decide-slot.ts'
import { mapDomain, type SourceRows } from './source.ts'

/** A document that is left out: its place in its run, and the address in the feed of the one that it repeats. */
export interface Copy {
  readonly slot: number
  readonly row: number
  readonly id: string
  /** The one that it would be fed in. */
  readonly domain: string
  readonly reason: string
  /** 1 for the same text. */
  readonly similarity: number
  readonly of: number
}

/**
 * Decides which documents of runs repeat one that came before, by the deciders of the runs and over tables of their own in memory: as if one run
 * had met the kept documents of all, one run after the other.
 */
export class Duplicates implements AsyncDisposable {
  readonly #deciders: readonly Decider[]
  readonly #columns: readonly string[]
  readonly #tables: Tables

  private constructor(deciders: readonly Decider[], tables: Tables) {
    this.#deciders = deciders
    this.#tables = tables
    this.#columns = [...new Set(['row', 'id', 'domain', ...deciders.flatMap(({ reads }) => reads)])]
  }

  /** `bytesMax`: of its tables. Default `limits.stateBytesMax`. */
  static async open(deciders: readonly Decider[], bytesMax?: number): Promise<Duplicates> {
    const shapes = deciders.flatMap(decider => decider.tables)
    const bound = bytesMax === undefined ? {} : { bytesMax }
    return new Duplicates(deciders, await openTables({ path: null, shapes, identity: 'unite', ...bound }))
  }

  /** Enters documents that the feed has already. */
  async enter(source: SourceRows): Promise<void> {
    for await (const copy of this.decide(source))
      throw new HeadraceError(
        'corrupt',
        `slot ${copy.slot}, row ${copy.row} of ${source.run.dir} is fed, and what the feed has before says that it repeats another: the run is not what it was when it was joined`,
      )
  }

  /** Decides documents in the order of their slots and rows, and gives those that repeat one. */
  async *decide({ run, rows, slots, slotOffset, map }: SourceRows): AsyncGenerator<Copy> {
    let met = 0
    const verdict = emptyVerdict()
    for await (const { slot, batch } of this.#read(run, slots)) {
      const mapped = mapDomains(batch, map)
      const deciders = this.#deciders.map(decider => decider.open(mapped, slotOffset + slot, this.#tables))
      const rowNumbers = numbers(batch, 'row')
      for (let i = 0; i < batch.rows; i++) {
        if (!rows.has(addressOf(slot, rowNumbers[i]))) continue
        met++
        Object.assign(verdict, noVerdict)
        if (decideRow(deciders, i, verdict)) continue
        const [id, domain] = [stringAt(utf8(batch, 'id'), i), stringAt(utf8(mapped, 'domain'), i)]
        const { reason, similarity, duplicateOf: of } = verdict
        yield { slot, row: rowNumbers[i], id, domain, reason, similarity, of }
      }
      // Nothing is written: what was set is only forgotten as being new.
      await this.#tables.seal(slotOffset + slot + 1)
    }
    if (met !== rows.count)
      throw new HeadraceError(
        'corrupt',
        `the shards of ${run.dir} have ${rows.count} documents, and its log has ${met} of them: see headrace verify`,
      )
  }

  async *#read(run: RunReader, to: number): AsyncGenerator<{ readonly slot: number; readonly batch: Batch }> {
    const { log } = run
    const { partitions } = run.run
    const wanted = { topic: topics.scored, partitions, from: 0, to, columns: this.#columns }
    for await (const { slot, batch } of readSlotColumns(log, wanted)) {
      const whole = this.#columns.every(name => batch.columns[name]) ? batch : await run.scored(slot)
      checkColumns(run, whole, this.#deciders)
      yield { slot, batch: whole }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tables[Symbol.asyncDispose]()
  }
}

function checkColumns({ dir }: RunReader, { columns }: Batch, deciders: readonly Decider[]): void {
  for (const { name, reads } of deciders)
    for (const column of reads)
      if (!columns[column])
        throw new HeadraceError(
          'bad-option',
          `${dir} has no column '${column}', by which ${name} decides: replay it with signature()`,
        )
  if (columns.textHash) fixed({ rows: 0, columns }, 'textHash')
}

/** A decider that compares within a domain compares within those that are fed. */
function mapDomains(batch: Batch, map: Readonly<Record<string, string>>): Batch {
  if (Object.keys(map).length === 0) return batch
  const own = utf8(batch, 'domain')
  const domain = utf8From(Array.from({ length: batch.rows }, (_, i) => mapDomain(map, stringAt(own, i))))
  return withColumns(batch, { domain })
}
