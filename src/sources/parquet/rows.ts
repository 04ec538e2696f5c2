import { limits } from '../../limits.ts'
import { DocumentBuilder, type RawDocument, roles, tooLong } from '../document.ts'
import { parseLongNumbers } from '../exact-json.ts'
import type { Columns, Fields } from '../fields.ts'
import { findColumn, findField, takeField } from '../nested-field.ts'
import type { Chunk, DeadRecord, Parsed } from '../source.ts'

/**
 * Rows of a Parquet file on their way from the loader to a worker. A row is six parts (text, id, domain, url, added, meta); a part is its
 * kind (one byte), its length (uint32, little-endian) and its bytes. So text moves as it was in the file and no thread makes strings of
 * it. A row that is dead in the chunk has no parts; its line number is passed over.
 */
const kinds = { absent: 0, utf8: 1, other: 2, integer: 3 }
const headBytes = 5
const encoder = new TextEncoder()
const noBytes = new Uint8Array(0)

/** Columns by name: values in row order, as the Parquet reader gives them, with strings as bytes. */
export type ColumnValues = ReadonlyMap<string, ArrayLike<unknown>>

interface Part {
  readonly kind: number
  readonly bytes: Uint8Array
}

/** Collects rows of a window until they are a chunk. */
export class RowEncoder {
  readonly #columns: ColumnValues
  readonly #roleColumns: readonly RoleColumn[]
  /** The role columns that are a field in another column's values. */
  readonly #nested: readonly RoleColumn[]
  readonly #metaNames: readonly string[]
  readonly #parts: Part[] = []
  readonly dead: DeadRecord[] = []
  byteLength = 0

  constructor(options: Columns, columns: ColumnValues) {
    const names = roles.map(role => options[role])
    this.#columns = columns
    this.#roleColumns = names.map(name => roleColumn(columns, name))
    this.#nested = this.#roleColumns.filter(column => column.path !== null)
    const isWanted = (name: string) => !names.includes(name) && (options.columns?.includes(name) ?? true)
    this.#metaNames = [...columns.keys()].filter(isWanted)
  }

  /** Adds row `row` of the columns, which is the file's record `line`; one that is too long is dead. */
  add(row: number, line: number): void {
    const parts = this.#roleColumns.map(({ values, path }) => toPart(valueAt(values?.[row], path)))
    // What has a role is not in `meta` besides.
    for (const { values, path } of this.#nested) if (isRecord(values?.[row])) takeField(values[row], path!)
    parts.push({ kind: kinds.utf8, bytes: encoder.encode(this.#writeMeta(row)) })
    const length = parts.reduce((sum, part) => sum + part.bytes.length, 0)
    if (length > limits.documentBytesMax) {
      this.dead.push(tooLong(line, length))
      return
    }
    this.#parts.push(...parts)
    this.byteLength += length + parts.length * headBytes
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength)
    const view = new DataView(bytes.buffer)
    let at = 0
    for (const part of this.#parts) {
      bytes[at] = part.kind
      view.setUint32(at + 1, part.bytes.length, true)
      bytes.set(part.bytes, at + headBytes)
      at += headBytes + part.bytes.length
    }
    return bytes
  }

  #writeMeta(row: number): string {
    let meta = ''
    for (const name of this.#metaNames) {
      const json = writeJson(this.#columns.get(name)![row])
      if (json !== undefined) meta += `${meta ? ',' : '{'}${JSON.stringify(name)}:${json}`
    }
    return meta && `${meta}}`
  }
}

/** Where a role's value lies: in the column of that name, or at a path in the values of another. */
interface RoleColumn {
  readonly values: ArrayLike<unknown> | undefined
  readonly path: string | null
}

function roleColumn(columns: ColumnValues, name: string): RoleColumn {
  const holder = findColumn([...columns.keys()], name)
  if (holder === null) return { values: undefined, path: null }
  return { values: columns.get(holder), path: holder === name ? null : name.slice(holder.length + 1) }
}

function valueAt(value: unknown, path: string | null): unknown {
  if (path === null) return value
  return isRecord(value) ? findField(value, path) : undefined
}

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null

export function decodeRows(chunk: Chunk, options: Fields): Parsed {
  const { bytes } = chunk
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const builder = new DocumentBuilder(chunk.split, options, bytes.length)
  const deadLines = new Set(chunk.dead.map(({ line }) => line))
  const document: RawDocument = { text: null, id: null, domain: null, url: null, added: null, meta: '' }
  let line = chunk.line
  let at = 0
  const nextPart = () => {
    const start = at + headBytes
    const part = bytes.subarray(start, start + view.getUint32(at + 1, true))
    const kind = bytes[at]
    at = start + part.length
    if (kind === kinds.utf8) return part
    if (kind === kinds.absent) return null
    const source = Buffer.from(part).toString()
    return kind === kinds.integer ? BigInt(source) : parseLongNumbers(source)
  }
  for (; at < bytes.length; line++) {
    while (deadLines.has(line)) line++
    for (const role of roles) document[role] = nextPart()
    document.meta = nextPart() as Uint8Array
    builder.add(line, document)
  }
  return builder.finish()
}

/** A value that is no text goes as JSON: the worker sets it aside in `meta`, or words the dead record. */
function toPart(value: unknown): Part {
  if (value instanceof Uint8Array) return { kind: kinds.utf8, bytes: value }
  if (value === null || value === undefined) return { kind: kinds.absent, bytes: noBytes }
  if (typeof value === 'number') return { kind: kinds.other, bytes: encoder.encode(JSON.stringify(value)) }
  if (typeof value === 'bigint') return { kind: kinds.integer, bytes: encoder.encode(String(value)) }
  if (typeof value === 'string') return { kind: kinds.utf8, bytes: encoder.encode(value) }
  if (value instanceof Date && !Number.isNaN(value.valueOf()))
    return { kind: kinds.utf8, bytes: encoder.encode(value.toISOString()) }
  return { kind: kinds.other, bytes: encoder.encode(writeJson(value) ?? 'null') }
}

/** JSON of a column's value; a missing one, or one too deep for JSON, is left out. */
function writeJson(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString())
  if (typeof value === 'number' || typeof value === 'string') return JSON.stringify(value)
  try {
    return JSON.stringify(value, toJsonValue)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function toJsonValue(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}
