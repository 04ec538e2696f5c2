import { isUtf8 } from 'node:buffer'
import { type DocumentBuilder, type RawDocument, roles } from './document.ts'
import { hasLongNumbers, inspectValue, isTooDeep, parseLongNumbers } from './exact-json.ts'
import { decodeDamaged, faultBits } from './faults.ts'
import type { Fields } from './fields.ts'
import { type MendedLine, mendJson } from './mend-json.ts'
import { isPath, takeField } from './nested-field.ts'

/** Deeper values are not kept, as writing them as JSON again would overflow the stack. */
const nestingMax = 64

type Role = (typeof roles)[number]

/** How the fields of records are read. */
export interface FieldReaders {
  /** The roles that each field has: looked up once a field, not once a role. */
  readonly rolesOf: ReadonlyMap<string, readonly Role[]>
  /** Those of these fields that may lie in another. */
  readonly paths: readonly string[]
  readonly text: string
  readonly strict: boolean
}

export function fieldReaders(options: Fields): FieldReaders {
  const rolesOf = Map.groupBy(roles, role => options[role])
  return { rolesOf, paths: [...rolesOf.keys()].filter(isPath), text: options.text, strict: options.strict }
}

export const emptyDocument: RawDocument = {
  text: undefined,
  id: undefined,
  domain: undefined,
  url: undefined,
  added: undefined,
  meta: '',
}

type Sink = Pick<DocumentBuilder, 'add' | 'refuse'>

/** Adds a JSON object as the document `number`, or refuses it. Bytes may be other than UTF-8. */
export function addRecord(builder: Sink, number: number, source: string | Uint8Array, readers: FieldReaders): void {
  const read = typeof source === 'string' ? { line: source, faults: 0 } : decode(source, readers.strict)
  if (read === null) {
    const detail = readers.strict ? 'the record has bytes that are not UTF-8' : 'the record is in another encoding'
    builder.refuse(number, 'invalid-utf8', `${detail}: write it as UTF-8`)
    return
  }
  const parsed = parse(read, readers.strict)
  if (parsed instanceof Error) {
    builder.refuse(number, 'broken-json', parsed.message)
    return
  }
  const { record, line } = parsed
  if (record === null || typeof record !== 'object' || Array.isArray(record)) {
    builder.refuse(number, 'not-an-object', `the record is ${line.slice(0, 40)}`)
    return
  }
  addFields(builder, number, { ...parsed, record }, readers)
}

/** Bytes as a line; null where they are no UTF-8, or too little of it. */
function decode(bytes: Uint8Array, strict: boolean): MendedLine | null {
  if (isUtf8(bytes)) return { line: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(), faults: 0 }
  const line = strict ? null : decodeDamaged(bytes)
  return line === null ? null : { line, faults: faultBits['invalid-utf8'] }
}

interface ParsedRecord extends MendedLine {
  readonly record: unknown
}

function parse({ line, faults }: MendedLine, strict: boolean): ParsedRecord | Error {
  try {
    return { record: JSON.parse(line), line, faults }
  } catch (error) {
    if (strict) return error as Error
    const mended = mendLine(line)
    if (mended === null) return error as Error
    try {
      return { record: JSON.parse(mended.line), line: mended.line, faults: faults | mended.faults }
    } catch {
      return error as Error
    }
  }
}

/** A line that can't be parsed without what others write before and in JSON; null where that is not in it. */
function mendLine(line: string): MendedLine | null {
  const hasMark = line.startsWith('\ufeff')
  const rest = hasMark ? line.slice(1) : line
  const mended = mendJson(rest)
  if (!hasMark) return mended
  return { line: mended?.line ?? rest, faults: faultBits['byte-order-mark'] | (mended?.faults ?? 0) }
}

function addFields(
  builder: Sink,
  number: number,
  { record, line, faults }: ParsedRecord & { readonly record: object },
  readers: FieldReaders,
): void {
  const found = inspectValue(record, nestingMax + 1)
  const deep = found & isTooDeep ? dropDeepFields(record) : null
  if (deep !== null && readers.strict) {
    builder.refuse(number, 'bad-field', `'${deep}' is nested deeper than ${nestingMax} levels`)
    return
  }
  const names = Object.keys(record)
  // Parsing a deep value with a function overflows the stack: such a record's numbers are as a float64 has them.
  const exact = found & hasLongNumbers && deep === null ? (parseLongNumbers(line) as object) : record
  const document = assignFields(exact, readers)
  if (document.text === undefined) {
    builder.refuse(number, 'missing-text', `no field '${readers.text}' among ${names.join(', ')}`)
    return
  }
  document.faults = faults | (deep === null ? 0 : faultBits['too-deep'])
  builder.add(number, document)
}

/** Makes null of the fields that are nested too deep. Returns the name of the first, or null. */
function dropDeepFields(record: object): string | null {
  let first: string | null = null
  for (const [name, value] of Object.entries(record)) {
    if (!(inspectValue(value, nestingMax) & isTooDeep)) continue
    first ??= name
    ;(record as Record<string, unknown>)[name] = null
  }
  return first
}

/** Gives fields to their roles and the others to `meta`. */
function assignFields(record: object, { rolesOf, paths }: FieldReaders): RawDocument {
  const document: RawDocument = { ...emptyDocument }
  const assign = (name: string, value: unknown) => {
    for (const role of rolesOf.get(name)!) document[role] = value
  }
  for (const path of paths) assign(path, takeField(record, path))
  let meta = ''
  for (const [name, value] of Object.entries(record))
    if (rolesOf.has(name)) assign(name, value)
    else meta += `${meta ? ',' : '{'}${JSON.stringify(name)}:${JSON.stringify(value)}`
  document.meta = meta && `${meta}}`
  return document
}
