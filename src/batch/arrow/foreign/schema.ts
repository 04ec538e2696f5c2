import * as flat from '../flatbuffer.ts'
import { ArrowError } from './errors.ts'

/** The names of Arrow's types by their numbers (Schema.fbs, `union Type`). */
const typeNames = [
  ...['', 'null', 'int', 'float', 'binary', 'utf8', 'bool', 'decimal', 'date', 'time', 'timestamp', 'interval', 'list'],
  ...['struct', 'union', 'fixed_size_binary', 'fixed_size_list', 'map', 'duration', 'large_binary', 'large_utf8'],
  ...['large_list', 'run_end_encoded', 'binary_view', 'utf8_view', 'list_view', 'large_list_view'],
] as const
export type TypeName = Exclude<(typeof typeNames)[number], ''>

/** A field of any type that Arrow has. */
export interface ForeignField {
  readonly name: string
  /** From its column down, as an error names it. */
  readonly path: string
  readonly type: TypeName
  /** The table of the type's parameters. */
  readonly parameters: flat.Table
  /** Names of another meaning of the type, such as `arrow.uuid`, or empty. */
  readonly extension: string
  readonly children: readonly ForeignField[]
  readonly dictionary: { readonly id: number; readonly index: IntType } | null
}
export interface IntType {
  readonly bits: number
  readonly isSigned: boolean
}

/** Children within children; deeper values could not be written as JSON. */
const nestingMax = 64
/** Fields of a schema in all: tables may refer to one another, so that few bytes could describe a tree without end. */
const fieldsMax = 10_000

/** The fields of a Schema table. Throws 'unsupported-arrow' with the field and its type. */
export function readForeignSchema(schema: flat.Table): ForeignField[] {
  if (flat.shortField(schema, 0) !== 0)
    throw new ArrowError('unsupported-arrow', 'its numbers are big-endian: write it on another machine')
  let fields = 0
  const readField = (table: flat.Table, parent: string, depth: number): ForeignField => {
    const name = flat.stringField(table, 0)
    const path = parent ? `${parent}.${name}` : name
    if (++fields > fieldsMax || depth > nestingMax)
      throw new ArrowError('unsupported-arrow', `more than ${fieldsMax} fields, or nested deeper than ${nestingMax}`)
    const [number, parameters] = [flat.byteField(table, 2), flat.tableField(table, 3)]
    const type = typeNames[number]
    if (!type || !parameters)
      throw new ArrowError('unsupported-arrow', `its column '${path}' has the unknown type ${number}`)
    const children = flat.tablesField(table, 5).map(child => readField(child, path, depth + 1))
    const extension = readExtension(table)
    return { name, path, type, parameters, extension, children, dictionary: readDictionary(table) }
  }
  return flat.tablesField(schema, 1).map(table => readField(table, '', 0))
}

/** Every field with a dictionary, by the dictionary's id; those within the values of others too. */
export function findDictionaries(fields: readonly ForeignField[]): Map<number, ForeignField> {
  const found = new Map<number, ForeignField>()
  const visit = (field: ForeignField): void => {
    if (field.dictionary) found.set(field.dictionary.id, field)
    field.children.forEach(visit)
  }
  fields.forEach(visit)
  return found
}

export function readIntType(table: flat.Table): IntType {
  return { bits: flat.intField(table, 0), isSigned: flat.byteField(table, 1) !== 0 }
}

function readDictionary(table: flat.Table): ForeignField['dictionary'] {
  const encoding = flat.tableField(table, 4)
  if (!encoding) return null
  const index = flat.tableField(encoding, 1)
  return { id: flat.longField(encoding, 0), index: index ? readIntType(index) : { bits: 32, isSigned: true } }
}

function readExtension(table: flat.Table): string {
  const pairs = flat.tablesField(table, 6)
  const named = pairs.find(pair => flat.stringField(pair, 0) === 'ARROW:extension:name')
  return named ? flat.stringField(named, 1) : ''
}
