import { isUtf8 } from 'node:buffer'
import { limits } from '../../limits.ts'
import { roles, tooLong } from '../document.ts'
import type { Columns } from '../fields.ts'
import { findPlace, takeField } from '../nested-field.ts'
import type { DeadRecord } from '../source.ts'
import { toBase64, UntypedBytes, type Value } from './convert.ts'
import { headBytes, kinds } from './decode-rows.ts'
import { writeJson } from './json.ts'
import type { Row } from './reader.ts'

/** Rows of a Parquet file as `decodeRows` takes them. */
const encoder = new TextEncoder()
const noBytes = new Uint8Array(0)

interface Part {
  readonly kind: number
  readonly bytes: Uint8Array
}

/** Collects rows of a window until they are a chunk. */
export class RowEncoder {
  readonly #roles: readonly RolePlace[]
  /** Those within a column's values, each path once. */
  readonly #nested: readonly RolePlace[]
  readonly #metaColumns: readonly (readonly [name: string, column: number])[]
  readonly #parts: Part[] = []
  readonly #mayLeaveOut: boolean
  readonly dead: DeadRecord[] = []
  /** Columns that nobody asked for and that a row would have been too long with. */
  readonly leftOut = new Set<string>()
  byteLength = 0

  /** `columns` are the names of a row's values. */
  constructor(options: Columns, columns: readonly string[]) {
    this.#roles = roles.map(role => placeOf(columns, options[role], role === 'text'))
    const nested = this.#roles.filter(({ path }) => path !== null)
    this.#nested = [...new Map(nested.map(place => [place.name, place])).values()]
    const whole = new Set(this.#roles.filter(({ path }) => path === null).map(({ column }) => column))
    this.#mayLeaveOut = options.columns === null
    this.#metaColumns = columns
      .map((name, i) => [name, i] as const)
      .filter(([name, i]) => !whole.has(i) && (options.columns?.includes(name) ?? true))
  }

  /** Adds a row, which is the file's record `line`; one that is too long is dead. */
  add({ values, bytesTooMany }: Row, line: number): void {
    if (bytesTooMany !== null) {
      this.dead.push(tooLong(line, bytesTooMany))
      return
    }
    const parts = this.#takeRoles(values)
    const bytesLeft = limits.documentBytesMax - parts.reduce((sum, part) => sum + part.bytes.length, 0)
    parts.push({ kind: kinds.utf8, bytes: encoder.encode(this.#writeMeta(values, bytesLeft)) })
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

  /** What has a role within a column is not in `meta` besides. */
  #takeRoles(values: Row['values']): Part[] {
    const taken = new Map(this.#nested.map(({ name, column, path }) => [name, takeField(values[column], path!)]))
    return this.#roles.map(({ name, column, path, isText }) => {
      const value = path === null ? values[column] : (taken.get(name) as Value | undefined)
      return toPart(value, isText)
    })
  }

  #writeMeta(values: Row['values'], bytesMax: number): string {
    let meta = ''
    // Of the brace at the end.
    let bytes = 1
    for (const [name, column] of this.#metaColumns) {
      const value = values[column] ?? null
      if (value === null) continue
      const member = `${meta ? ',' : '{'}${JSON.stringify(name)}:${writeJson(value)}`
      bytes += Buffer.byteLength(member)
      if (this.#mayLeaveOut && bytes > bytesMax) {
        bytes -= Buffer.byteLength(member)
        this.leftOut.add(name)
      } else meta += member
    }
    return meta && `${meta}}`
  }
}

/** Where a role's value lies: a column, -1 where there is none, and a path within its values. */
interface RolePlace {
  readonly name: string
  readonly column: number
  readonly path: string | null
  readonly isText: boolean
}

function placeOf(columns: readonly string[], name: string, isText: boolean): RolePlace {
  const place = findPlace(columns, name)
  return { name, column: place ? columns.indexOf(place.column) : -1, path: place?.path ?? null, isText }
}

/**
 * A value that is neither text nor a whole number goes as JSON: the worker sets it aside in `meta`, or words the dead record. A label of a
 * column that does not say that it is text may be a hash: it is base64 where it is no UTF-8, as repairing would make one of two.
 */
function toPart(value: Value | undefined, isText: boolean): Part {
  if (value === null || value === undefined) return { kind: kinds.absent, bytes: noBytes }
  if (value instanceof Uint8Array) {
    const isHash = !isText && value instanceof UntypedBytes && !isUtf8(value)
    const bytes = isHash ? encoder.encode(toBase64(value)) : value
    return { kind: kinds.utf8, bytes }
  }
  if (typeof value === 'bigint') return { kind: kinds.integer, bytes: encoder.encode(String(value)) }
  if (typeof value === 'string') return { kind: kinds.utf8, bytes: encoder.encode(value) }
  if (typeof value === 'number') return numberToPart(value, isText)
  return { kind: kinds.other, bytes: encoder.encode(writeJson(value)) }
}

/** NaN is how tables of floats have a missing value. An infinity is a label by its name; a text is refused for being any number. */
function numberToPart(value: number, isText: boolean): Part {
  if (Number.isNaN(value)) return { kind: kinds.absent, bytes: noBytes }
  if (Number.isFinite(value)) return { kind: kinds.other, bytes: encoder.encode(writeJson(value)) }
  return isText
    ? { kind: kinds.integer, bytes: encoder.encode('0') }
    : { kind: kinds.utf8, bytes: encoder.encode(String(value)) }
}
