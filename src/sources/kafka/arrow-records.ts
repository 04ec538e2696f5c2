import { type ForeignBatch, type ForeignFault, readForeignBatches } from '../../batch/arrow/foreign/batches.ts'
import { ArrowBudget, ArrowError } from '../../batch/arrow/foreign/errors.ts'
import { writeArrowJson } from '../../batch/arrow/foreign/json.ts'
import { countForeignRows } from '../../batch/arrow/foreign/messages.ts'
import { ArrowStruct, type ArrowValue, type ValueAt } from '../../batch/arrow/foreign/taking.ts'
import { limits } from '../../limits.ts'
import { DocumentBuilder, type RawDocument, roles, tooLong } from '../document.ts'
import { parseLongNumbers } from '../exact-json.ts'
import type { Columns } from '../fields.ts'
import { emptyDocument } from '../json-record.ts'
import { findPlace } from '../nested-field.ts'
import { NestedColumn } from './arrow-fields.ts'

/** A message with more rows is refused, and one with more than two a byte: a slot has room for `limits.slotRowsMax`. */
const messageRowsMax = 65_536
const rowsPerByteMax = 2
/** Rows of all messages of a chunk, for the same reason. */
const chunkRowsMax = 4 * messageRowsMax
/** Values of the messages of a chunk: it becomes one entry of a topic, which takes 32 MB. */
const chunkValuesBytesMax = 24 * 1024 * 1024
/** Buffers of a message, decompressed: four times the largest message. */
const inflatedBytesMax = 64 * 1024 * 1024

/** Says of what is dead which row of its message it was. */
export class RowBuilder extends DocumentBuilder {
  /** The row that is being added, or null where it is a record of its own. */
  row: number | null = null

  override refuse(line: number, reason: string, detail: string): void {
    super.refuse(line, reason, this.row === null ? detail : `row ${this.row}: ${detail}`)
  }
}

export interface ArrowRecord {
  readonly line: number
  /** What goes to `meta.kafka`, as JSON. */
  readonly label: string
  readonly value: Uint8Array
}

type Columned = ReadonlyMap<string, ValueAt>

type Role = (typeof roles)[number]

/** A column that goes to `meta`, with its name as JSON, and the paths to the parts of a document that its values have. */
interface OtherColumn {
  readonly name: string
  readonly at: ValueAt
  readonly paths: readonly { readonly path: string; readonly roles: readonly Role[] }[]
}

/** The columns of a batch that are parts of a document, and the others. */
interface Parts {
  readonly byRole: readonly { readonly role: Role; readonly at: ValueAt }[]
  readonly others: readonly OtherColumn[]
}

/** Adds the Arrow messages of one chunk, each row of each batch as a document or as dead. */
export class ArrowRecords {
  readonly #builder: RowBuilder
  readonly #file: string
  readonly #options: Columns
  readonly #roleColumns: ReadonlySet<string>
  readonly #values = new ArrowBudget(chunkValuesBytesMax)
  #rowsLeft = chunkRowsMax

  constructor(builder: RowBuilder, file: string, options: Columns) {
    this.#builder = builder
    this.#file = file
    this.#options = options
    this.#roleColumns = new Set(roles.map(role => options[role]))
  }

  add(record: ArrowRecord): void {
    const { line, value } = record
    const rows = countForeignRows(value)
    const rowsMax = Math.min(messageRowsMax, this.#rowsLeft, rowsPerByteMax * value.length)
    if (rows > rowsMax) {
      this.#builder.refuse(
        line,
        'too-many-rows',
        `the message has ${rows} rows where ${rowsMax} may be: send smaller ones`,
      )
      return
    }
    this.#rowsLeft -= rows
    if (this.#addBatches(record, rows) === 0)
      this.#builder.refuse(line, 'empty-record', 'the Arrow message has no rows')
  }

  /** Returns how many rows, or parts that can't be read, had a fate. */
  #addBatches(record: ArrowRecord, rowsMax: number): number {
    let [first, faults] = [0, 0]
    const inflated = new ArrowBudget(inflatedBytesMax)
    const batches = readForeignBatches(record.value, {
      wants: name => this.#wants(name),
      rowsMax: rowsMax,
      spend: bytes => this.#values.spend(bytes),
      inflate: bytes => inflated.spend(bytes),
    })
    for (const batch of batches) {
      if ('reason' in batch) {
        this.#refuseBatch(record.line, batch)
        faults++
      } else this.#addRows(record, batch, { first, isOne: rowsMax === 1 })
      first += batch.rows
    }
    return first + faults
  }

  #refuseBatch(line: number, { reason, detail, rows }: ForeignFault): void {
    this.#builder.refuse(line, reason, rows > 0 ? `${rows} rows: ${detail}` : detail)
  }

  #addRows(record: ArrowRecord, { rows, columns }: ForeignBatch, { first, isOne }: { first: number; isOne: boolean }) {
    const { text } = this.#options
    const parts = this.#findParts(columns)
    if (rows > 0 && !findPlace([...columns.keys()], text)) {
      const detail = `no column '${text}' among ${[...columns.keys()].join(', ')}`
      this.#builder.refuse(record.line, 'missing-text', detail)
      return
    }
    for (let row = 0; row < rows; row++) {
      this.#builder.row = isOne ? null : first + row
      this.#addRow(record, parts, row)
    }
    this.#builder.row = null
  }

  #findParts(columns: Columned): Parts {
    const names = [...columns.keys()]
    const places = roles.flatMap(role => {
      const place = findPlace(names, this.#options[role])
      return place ? { role, ...place } : []
    })
    const whole = new Set(places.filter(({ path }) => path === null).map(({ column }) => column))
    const others = names.filter(name => !whole.has(name))
    const partAt = (at: ValueAt, path: string | null): ValueAt =>
      path === null ? at : row => new NestedColumn(at(row)).take(path)
    return {
      byRole: places
        .filter(({ column }) => whole.has(column))
        .map(({ role, column, path }) => ({ role, at: partAt(columns.get(column)!, path) })),
      others: others.map(name => {
        const within = Map.groupBy(
          places.filter(({ column }) => column === name),
          ({ path }) => path!,
        )
        const paths = Array.from(within, ([path, some]) => ({ path, roles: some.map(({ role }) => role) }))
        return { name: JSON.stringify(name), at: columns.get(name)!, paths }
      }),
    }
  }

  #addRow({ line, label }: ArrowRecord, parts: Parts, row: number): void {
    const number = this.#builder.row
    try {
      const document: RawDocument = { ...emptyDocument }
      for (const { role, at } of parts.byRole) document[role] = rawOf(at(row))
      document.meta = withLabel(this.#takeOthers(parts, row, document), label, number)
      // Rows of one message share its line, and must not share a name made of it.
      if (number !== null && isMissing(document.id)) document.id = `${this.#file}#${line}.${number}`
      const bytes = bytesOf(document)
      if (bytes > limits.documentBytesMax) this.#builder.refuse(line, 'document-too-long', tooLong(line, bytes).detail)
      else this.#builder.add(line, document)
    } catch (error) {
      if (!(error instanceof ArrowError)) throw error
      this.#builder.refuse(line, error.reason, error.message)
    }
  }

  /** Gives the document what stands within other columns, and returns the rest of these as JSON. */
  #takeOthers({ others }: Parts, row: number, document: RawDocument): string {
    let meta = ''
    for (const { name, at, paths } of others) {
      const json = writeArrowJson(paths.length === 0 ? at(row) : takeParts(at(row), paths, document))
      if (json !== undefined) meta += `${meta ? ',' : '{'}${name}:${json}`
    }
    this.#values.drain(meta.length)
    return meta && `${meta}}`
  }

  #wants(name: string): boolean {
    const isRole = [...this.#roleColumns].some(path => path === name || path.startsWith(`${name}.`))
    return isRole || (this.#options.columns?.includes(name) ?? true)
  }
}

/** `meta` with the label, and the row of a message that has several. */
export function withLabel(meta: string, label: string, row: number | null = null): string {
  const kafka = row === null ? label : `${label.slice(0, -1)},"row":${row}}`
  return meta.length > 2 ? `${meta.slice(0, -1)},"kafka":${kafka}}` : `{"kafka":${kafka}}`
}

/** Gives the document the fields at the paths, and returns the value without them. */
function takeParts(value: ArrowValue, paths: OtherColumn['paths'], document: RawDocument): ArrowValue {
  const column = new NestedColumn(value)
  for (const { path, roles } of paths) {
    const part = rawOf(column.take(path))
    for (const role of roles) document[role] = part
  }
  return column.rest()
}

/** A value as documents have it: what is no text, number or flag as JSON has it, so that it is told as such, and kept. */
function rawOf(value: ArrowValue | undefined): unknown {
  const isNested = value instanceof ArrowStruct || Array.isArray(value)
  return isNested ? parseLongNumbers(writeArrowJson(value) ?? 'null') : value
}

const isMissing = (value: unknown) => value === undefined || value === null || (value as Uint8Array).length === 0

function bytesOf(document: RawDocument): number {
  return Object.values(document).reduce((sum: number, part) => sum + ((part as Uint8Array | null)?.length ?? 0), 0)
}
