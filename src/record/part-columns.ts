import { StreamLayouts } from '../batch/arrow/layout.ts'
import type { Batch, Column } from '../batch/batch.ts'
import { headBytes, MessageColumns, type ReadColumns } from './message-columns.ts'
import { checkRows, columnsIn, missing, orderOf, patchColumn, splitOwnParts } from './own-columns.ts'
import type { Parts } from './parts.ts'
import { decodeScored, splitParts, textLength, textLengths } from './scored.ts'

/** Schemas of the messages that entries consist of, each of which is mostly that of the entry before. */
export class PartLayouts {
  readonly base = new StreamLayouts()
  readonly whole = new StreamLayouts()
  readonly patch = new StreamLayouts()
}

/** Reads some columns of an entry; of a joined one from where each is. `lengthsOf`: a column of which the lengths are read at first. */
export async function readPartColumns(
  entry: Parts,
  layouts: PartLayouts,
  columns: readonly string[],
  lengthsOf?: string,
): Promise<ReadColumns> {
  const head = await entry.readPart(0, Math.min(headBytes, entry.length))
  const split = splitParts(entry, head)
  if (!split) return readMessage(await MessageColumns.open(entry, layouts.base, head), columns, lengthsOf)
  const own = split.kind === 'joined' ? await OwnParts.open(split.own, layouts) : null
  // A text that is another now, in a few rows of a slot, is put together in memory; lengths of texts that are not stored, too.
  if (!own || (lengthsOf !== undefined && (own.isPatched(lengthsOf) || !own.has(lengthsOf))))
    return readWhole(entry, columns, lengthsOf)
  return own.join(split.base, layouts, columns, lengthsOf)
}

/** Texts that are not stored have their lengths in a column of numbers. */
async function readMessage(
  message: MessageColumns,
  columns: readonly string[],
  lengthsOf?: string,
): Promise<ReadColumns> {
  if (lengthsOf !== 'text' || message.names.includes('text') || !message.names.includes(textLength))
    return message.read(columns, lengthsOf)
  const { batch, storedOf } = await message.read([...columns, textLength])
  return { batch: selectColumns(batch, columns), offsets: textLengths(batch), readValues: null, storedOf }
}

async function readWhole(entry: Parts, columns: readonly string[], lengthsOf?: string): Promise<ReadColumns> {
  const batch = decodeScored(await entry.readPart(0, entry.length))
  const measured = lengthsOf === undefined ? undefined : batch.columns[lengthsOf]
  const some = selectColumns(batch, columns)
  if (measured?.kind === 'utf8') {
    const { offsets } = measured
    const readValues = async () => (at: number, bytes: number) => measured.bytes.subarray(at, at + bytes)
    return { batch: some, offsets, readValues, storedOf: () => null }
  }
  const hasLengths = lengthsOf === 'text' && textLength in batch.columns
  return { batch: some, offsets: hasLengths ? textLengths(batch) : null, readValues: null, storedOf: () => null }
}

function selectColumns({ rows, columns }: Batch, names: readonly string[]): Batch {
  const found = names.filter(name => name in columns)
  return { rows, columns: Object.fromEntries(found.map(name => [name, columns[name]])) }
}

/** What a replay has of a slot of its own (`own-columns.ts`). */
class OwnParts {
  readonly #whole: MessageColumns
  readonly #patch: MessageColumns | null

  private constructor(whole: MessageColumns, patch: MessageColumns | null) {
    this.#whole = whole
    this.#patch = patch
  }

  static async open(own: Parts, layouts: PartLayouts): Promise<OwnParts> {
    const { whole, patch } = await splitOwnParts(own)
    return new OwnParts(
      await MessageColumns.open(whole, layouts.whole),
      patch && (await MessageColumns.open(patch, layouts.patch)),
    )
  }

  has(name: string): boolean {
    return columnsIn(this.#whole.metadata).includes(name)
  }

  /** Whether some rows of a column are not those of the base. */
  isPatched(name: string): boolean {
    return !this.#whole.names.includes(name) && (this.#patch?.names.includes(name) ?? false)
  }

  async join(base: Parts, layouts: PartLayouts, columns: readonly string[], lengthsOf?: string): Promise<ReadColumns> {
    const [whole, patch] = [this.#whole, this.#patch]
    const there = new Set(columnsIn(whole.metadata))
    const wanted = columns.filter(name => there.has(name))
    const [own, others] = [true, false].map(isOwn => wanted.filter(name => whole.names.includes(name) === isOwn))
    const isOwnLength = lengthsOf !== undefined && whole.names.includes(lengthsOf)
    const [ofOwn, ofBase, changed] = await Promise.all([
      whole.read(own, isOwnLength ? lengthsOf : undefined),
      readPartColumns(base, layouts, others, isOwnLength ? undefined : lengthsOf),
      patch?.read(['index', ...others]),
    ])
    checkRows(whole.rows, ofBase.batch.rows)
    const order = changed && orderOf(changed.batch, whole.rows)
    const found = wanted.map((name): [string, Column] => {
      const column = ofOwn.batch.columns[name] ?? ofBase.batch.columns[name]
      if (!column) throw missing(name)
      const change = changed?.batch.columns[name]
      return [name, change ? patchColumn(column, change, order!) : column]
    })
    const { offsets, readValues } = isOwnLength ? ofOwn : ofBase
    const storedOf = (name: string) =>
      changed?.batch.columns[name] ? null : (whole.names.includes(name) ? ofOwn : ofBase).storedOf(name)
    return { batch: { rows: whole.rows, columns: Object.fromEntries(found) }, offsets, readValues, storedOf }
  }
}
