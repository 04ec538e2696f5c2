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

/** The columns of a batch that have the parts of a document, and the others with their names as JSON. */
type Parts = Readonly<Record<(typeof roles)[number], ValueAt | undefined>> & {
  readonly meta: readonly { readonly name: string; readonly at: ValueAt }[]
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
    if (rows > 0 && !parts.text) {
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
    const partOf = (role: (typeof roles)[number]) => findColumn(columns, this.#options[role])
    const [text, id, domain, url, added] = roles.map(partOf)
    const others = [...columns].filter(([name]) => !this.#roleColumns.has(name))
    const meta = others.map(([name, at]) => ({ name: JSON.stringify(name), at }))
    return { text, id, domain, url, added, meta }
  }

  #addRow({ line, label }: ArrowRecord, parts: Parts, row: number): void {
    const number = this.#builder.row
    try {
      const document: RawDocument = { ...emptyDocument }
      for (const role of roles) document[role] = rawOf(parts[role]?.(row))
      document.meta = withLabel(this.#writeMeta(parts, row), label, number)
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

  #writeMeta(parts: Parts, row: number): string {
    let meta = ''
    for (const { name, at } of parts.meta) {
      const json = writeArrowJson(at(row))
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

/** The column of that name, else what the structs of columns have under a path such as `meta.source`. */
function findColumn(columns: Columned, path: string): ValueAt | undefined {
  const place = findPlace([...columns.keys()], path)
  if (!place) return undefined
  const at = columns.get(place.column)!
  return place.path === null ? at : row => fieldOf(at(row), place.path!)
}

function fieldOf(value: ArrowValue, path: string): ArrowValue {
  if (!(value instanceof ArrowStruct)) return null
  const found = value.entries.find(([name]) => name === path || path.startsWith(`${name}.`))
  if (!found) return null
  return found[0] === path ? found[1] : fieldOf(found[1], path.slice(found[0].length + 1))
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
