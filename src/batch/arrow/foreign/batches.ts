import * as flat from '../flatbuffer.ts'
import { ForeignBody } from './body.ts'
import { ArrowError, type ArrowFault, locateError } from './errors.ts'
import { type ForeignMessage, messageTypes, readForeignMessages } from './messages.ts'
import { type ForeignField, findDictionaries, readForeignSchema } from './schema.ts'
import type { ArrowValue, ValueAt, ValueContext } from './taking.ts'
import { takeColumn } from './values.ts'

/**
 * Arrow as anybody writes it: IPC streams and files, of any number of batches, with any type, dictionaries and compressed buffers
 * (arrow.apache.org, "Columnar format", version 1.5). The log's own reader is `layout.ts`, which takes what we write alone and makes no
 * value of it. What can't be read is told with the field and its type, and costs no more than the batch or the value that it is in.
 */
export interface ForeignBatch {
  readonly rows: number
  /** Those that were wanted, by name: the first of a name has it, and the next have `#2`, `#3` ... behind it. Values may throw ArrowError. */
  readonly columns: ReadonlyMap<string, ValueAt>
}

/** A part of the message that can't be read. `rows` is how many it says that it has, 0 where nobody knows. */
export interface ForeignFault {
  readonly reason: ArrowFault
  readonly detail: string
  readonly rows: number
}

export interface ForeignOptions {
  readonly wants: (column: string) => boolean
  readonly rowsMax: number
  /** Told of every value's bytes before it is given, and of those that are decompressed; may throw. */
  readonly spend: (bytes: number) => void
  readonly inflate: (bytes: number) => void
}

/** Batches and faults in their order. A batch must be read before the next is asked for, as it may replace dictionaries. */
export function* readForeignBatches(
  bytes: Uint8Array,
  options: ForeignOptions,
): Generator<ForeignBatch | ForeignFault> {
  try {
    yield* new ForeignReader(options).read(readForeignMessages(bytes))
  } catch (error) {
    yield faultOf(error, 'the Arrow message', 0)
  }
}

function faultOf(error: unknown, where: string, rows: number): ForeignFault {
  const located = locateError(error, where)
  if (!(located instanceof ArrowError)) throw located
  return { reason: located.reason, detail: located.message, rows }
}

/** Parts of a dictionary: the first value's index of each, and its values. */
type Dictionary = { readonly first: number; readonly rows: number; readonly at: ValueAt }[]

class ForeignReader {
  readonly #options: ForeignOptions
  readonly #dictionaries = new Map<number, Dictionary>()
  #fields: readonly ForeignField[] | null = null
  #byDictionary: ReadonlyMap<number, ForeignField> = new Map()
  #batches = 0

  constructor(options: ForeignOptions) {
    this.#options = options
  }

  *read(messages: Iterable<ForeignMessage>): Generator<ForeignBatch | ForeignFault> {
    for (const message of messages) {
      if (message.type === messageTypes.schema) this.#readSchema(message)
      else if (!this.#fields) throw new RangeError('no schema stands before its values')
      else if (message.type === messageTypes.dictionary) this.#readDictionary(message)
      else if (message.type === messageTypes.batch) yield this.#readBatch(message, this.#fields)
      else throw new ArrowError('unsupported-arrow', `a message of type ${message.type}, neither rows nor a dictionary`)
    }
    if (!this.#fields) throw new RangeError('it has no schema')
  }

  #readSchema({ header }: ForeignMessage): void {
    if (this.#fields) throw new RangeError('it has a second schema')
    this.#fields = readForeignSchema(header)
    this.#byDictionary = findDictionaries(this.#fields)
  }

  #readBatch(message: ForeignMessage, fields: readonly ForeignField[]): ForeignBatch | ForeignFault {
    const number = this.#batches++
    let rows = 0
    try {
      const context = this.#contextOf(message.header, message)
      rows = context.body.rows
      this.#checkRows(rows)
      return { rows, columns: this.#takeColumns(fields, context) }
    } catch (error) {
      return faultOf(error, `batch ${number} of the Arrow message`, rows)
    }
  }

  #checkRows(rows: number): void {
    const { rowsMax } = this.#options
    if (rows > rowsMax) throw new ArrowError('arrow-too-large', `it has ${rows} rows where ${rowsMax} may be`)
  }

  /** Every column takes its buffers, wanted or not. One that can't be opened is an error where it is wanted. */
  #takeColumns(fields: readonly ForeignField[], context: ValueContext & { body: ForeignBody }): Map<string, ValueAt> {
    const counts = new Map<string, number>()
    const columns = new Map<string, ValueAt>()
    for (const field of fields) {
      const open = context.take(field, context.body.rows)
      const count = (counts.get(field.name) ?? 0) + 1
      counts.set(field.name, count)
      if (this.#options.wants(field.name)) columns.set(count > 1 ? `${field.name}#${count}` : field.name, open())
    }
    return columns
  }

  #contextOf(batch: flat.Table, message: ForeignMessage): ValueContext {
    const { spend, inflate } = this.#options
    const context: ValueContext = {
      body: new ForeignBody(batch, message, inflate),
      spend,
      dictionary: (id, index) => this.#lookUp(id, index),
      take: (field, rows) => takeColumn(field, context, rows),
    }
    return context
  }

  /** A delta goes on behind what is there, anything else replaces it. */
  #readDictionary(message: ForeignMessage): void {
    const id = flat.longField(message.header, 0)
    const [batch, field] = [flat.tableField(message.header, 1), this.#byDictionary.get(id)]
    if (!batch || !field) throw new RangeError(`its dictionary ${id} belongs to no column`)
    const context = this.#contextOf(batch, message)
    const { rows } = context.body
    const open = context.take({ ...field, dictionary: null }, rows)
    let at: ValueAt | null = null
    const known = flat.byteField(message.header, 2) !== 0 ? (this.#dictionaries.get(id) ?? []) : []
    const first = known.length > 0 ? known.at(-1)!.first + known.at(-1)!.rows : 0
    // Opened when a value is asked for: a dictionary that only unwanted columns have costs nothing.
    known.push({ first, rows, at: row => (at ??= open())(row) })
    this.#dictionaries.set(id, known)
  }

  #lookUp(id: number, index: number): ArrowValue {
    const parts = this.#dictionaries.get(id) ?? []
    let [low, high] = [0, parts.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (parts[middle].first + parts[middle].rows > index) high = middle
      else low = middle + 1
    }
    if (index < 0 || low === parts.length) throw new RangeError(`its dictionary ${id} has no value ${index}`)
    return parts[low].at(index - parts[low].first)
  }
}
