import {
  type Batch,
  type Column,
  type NumberArray,
  type NumberColumn,
  numberArrays,
  numbers,
  stringAt,
  utf8,
} from '../batch/batch.ts'
import { addressOf } from '../decide/decider.ts'
import { holdoutDomain } from '../decide/holdout.ts'
import { HeadraceError } from '../errors.ts'
import { Ahead } from '../record/ahead.ts'
import { topics } from '../record/layout.ts'
import { NamesOf } from '../record/names.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readSlotColumns, readSomeSlots, type SomeSlot, someAt } from '../record/slot-columns.ts'
import { columnsOfConditions, meetsAll } from './conditions.ts'
import { keptRows } from './documents.ts'
import type { RowsWanted } from './rows-wanted.ts'
import { type DecidedSlots, measuredValues, readStoredColumns } from './stored-columns.ts'

/** A row of a run with its text, as it was stored. */
export interface RunText {
  readonly slot: number
  /** Its number in the slot, as addresses have it. */
  readonly row: number
  readonly id: string
  readonly url: string
  readonly file: string
  /** As it is fed: a decider may have moved a kept document. */
  readonly domain: string
  readonly isKept: boolean
  /** UTF-8; the slot's own memory. */
  readonly bytes: Uint8Array
  /** What a column has of it, or the field of that name that came with the record, as text; null without one. */
  field(name: string): string | null
}

/** What was passed over of a run while its texts were read. */
export interface PassedRows {
  /** Held-out documents, which are no text to learn from, and dropped ones that repeat one of them. */
  heldOut: number
}

/** Which rows are read. */
export type ChosenRows = (row: { readonly slot: number; readonly row: number; readonly id: string }) => boolean

/**
 * The texts of rows, in the order of slots and rows; a slot is in memory at a time, and no text is unpacked of one that has no such row. Throws
 * `bad-option` where the run has not stored them, before any is read, and for a column that it does not have.
 */
export async function* readRunTexts(
  run: RunReader,
  { fate, where }: Pick<RowsWanted, 'fate' | 'where'>,
  decided: DecidedSlots,
  { passed = { heldOut: 0 }, isChosen }: { passed?: PassedRows; isChosen?: ChosenRows | undefined } = {},
): AsyncGenerator<RunText> {
  checkStored(run, fate)
  const columns = columnsOfConditions([where])
  const wanted = { numbers: columns.numbers, names: [...new Set(['domain', ...columns.names])] }
  const slots = { topic: topics.kept, partitions: run.run.partitions, from: decided.from, to: decided.to }
  await using keptSlots = new Ahead(readSlotColumns(run.log, { ...slots, columns: ['row', 'domain'] }))
  const names = new NamesOf('domain')
  await using heldOut = new HeldOut(run, decided, fate)
  for await (const { slot, batch } of readStoredColumns(run, wanted, decided)) {
    const domains = names.of(batch)
    const ofKept = keptRows(batch, (await keptSlots.peek())!.batch, domains)
    await keptSlots.take()
    const some = { slot, batch, domains, kept: new Set(ofKept), ids: utf8(batch, 'id'), rows: numbers(batch, 'row') }
    const isHeld = await heldOut.findIn(some)
    const met = chooseRows(some, { fate, where }).filter(index => {
      if (isHeld(index)) passed.heldOut++
      return !isHeld(index)
    })
    const isAsked = (index: number) => isChosen!({ slot, row: some.rows[index], id: stringAt(some.ids, index) })
    const indexes = isChosen ? met.filter(isAsked) : met
    if (indexes.length > 0) yield* readTextsOf(run, some, indexes)
  }
}

/** Which rows are held out, or repeat a document that is: its text would come in by its copy. Slots are asked about in their order. */
class HeldOut implements AsyncDisposable {
  readonly #addresses = new Set<number>()
  readonly #drops: Ahead<SomeSlot> | null

  constructor({ log }: RunReader, { from }: DecidedSlots, fate: RowsWanted['fate']) {
    this.#drops = fate === 'kept' ? null : new Ahead(readSomeSlots(log, topics.drops, from))
  }

  async findIn({ slot, domains, kept, rows }: SlotRows): Promise<(index: number) => boolean> {
    for (const index of kept) if (domains[index] === holdoutDomain) this.#addresses.add(addressOf(slot, rows[index]))
    const drops = this.#drops && (await someAt(this.#drops, slot))
    const copies = new Set<number>()
    // A copy stands behind what it repeats.
    if (drops)
      for (const [i, partner] of numbers(drops, 'duplicateOf').entries())
        if (this.#addresses.has(partner)) copies.add(numbers(drops, 'row')[i])
    return index => domains[index] === holdoutDomain || copies.has(rows[index])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drops?.[Symbol.asyncDispose]()
  }
}

/** Throws `bad-option` where a run does not store the texts of such rows. */
export function checkStored({ dir, run: { storedText } }: RunReader, fate: RowsWanted['fate']): void {
  const advice = "run its pipeline with .store({ text: 'all' }) under another --run NAME"
  if (storedText === 'none')
    throw new HeadraceError('bad-option', `${dir} does not store the texts that it has read: ${advice}`)
  if (storedText === 'kept' && fate !== 'kept')
    throw new HeadraceError(
      'bad-option',
      `${dir} stores the texts of what it keeps alone, and ${fate === 'any' ? 'all rows' : 'dropped rows'} are asked for: ask for kept ones, or ${advice}`,
    )
}

interface SlotRows {
  readonly slot: number
  readonly batch: Batch
  readonly domains: readonly string[]
  readonly kept: ReadonlySet<number>
  readonly rows: NumberArray
}

/** Indexes of the rows that are wanted. */
function chooseRows({ batch, domains, kept }: SlotRows, { fate, where }: Pick<RowsWanted, 'fate' | 'where'>): number[] {
  const values = new Map(
    [...where].flatMap(([column, condition]) =>
      'oneOf' in condition ? [] : [[column, measuredValues(batch, column)] as const],
    ),
  )
  const read = (column: string, row: number) =>
    column === 'domain' ? domains[row] : (values.get(column)?.[row] ?? stringAt(utf8(batch, column), row))
  const chosen: number[] = []
  for (let row = 0; row < batch.rows; row++) {
    if (fate !== 'any' && kept.has(row) !== (fate === 'kept')) continue
    if (meetsAll(where, column => read(column, row))) chosen.push(row)
  }
  return chosen
}

async function* readTextsOf(
  run: RunReader,
  { slot, domains, kept }: SlotRows,
  indexes: readonly number[],
): AsyncGenerator<RunText> {
  const scored = await run.scored(slot)
  const isStored = scored.columns.text !== undefined
  // A run that stores the texts of kept documents alone has them there.
  const texts = isStored ? scored : await run.kept(slot)
  if (!texts?.columns.text)
    throw new HeadraceError('corrupt', `slot ${slot} of ${run.dir} has no texts, and the run says that it stores them`)
  const places = isStored ? null : new Map([...kept].map((index, place) => [index, place]))
  const { bytes, offsets } = utf8(texts, 'text')
  const [ids, urls, files, meta] = ['id', 'url', 'file', 'meta'].map(name => utf8(scored, name))
  const rows = numbers(scored, 'row')
  for (const index of indexes) {
    const others = metaReader(stringAt(meta, index))
    const at = places ? places.get(index)! : index
    yield {
      slot,
      row: rows[index],
      id: stringAt(ids, index),
      url: stringAt(urls, index),
      file: stringAt(files, index),
      domain: domains[index],
      isKept: kept.has(index),
      bytes: bytes.subarray(offsets[at], offsets[at + 1]),
      field: name => (name === 'domain' ? domains[index] : fieldOf(scored, name, index, others)),
    }
  }
}

function fieldOf(batch: Batch, name: string, index: number, others: (name: string) => string | null): string | null {
  if (!Object.hasOwn(batch.columns, name)) return others(name)
  const column = batch.columns[name]
  if (column.kind === 'utf8') return stringAt(column, index) || null
  if (!isNumbers(column)) return null
  // A whole number has no value that means "not measured".
  const isMeasured = column.kind === 'f64' || column.kind === 'f32' || stringAt(utf8(batch, 'gate'), index) === ''
  const value = column.values[index]
  return isMeasured && Number.isFinite(value) ? String(value) : null
}

const isNumbers = (column: Column): column is NumberColumn => column.kind in numberArrays

/** Reads fields of a record's other fields, a JSON object, as text; null for one that it has not. */
export function metaReader(meta: string): (name: string) => string | null {
  let given: Readonly<Record<string, unknown>> | null = null
  return name => {
    given ??= (meta === '' ? {} : JSON.parse(meta)) as Readonly<Record<string, unknown>>
    const value = Object.hasOwn(given, name) ? given[name] : null
    return typeof value === 'string' ? value : value == null ? null : JSON.stringify(value)
  }
}
