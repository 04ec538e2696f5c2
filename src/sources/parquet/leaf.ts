import type { ColumnMetaData, PageHeader } from 'hyparquet'
import { limits } from '../../limits.ts'
import type { Readable } from '../files/files.ts'
import type { Allowance, HeldBytes } from './budget.ts'
import { decompress } from './codecs.ts'
import { converterOf, type Value } from './convert.ts'
import { PageReader, type StoredPage } from './pages.ts'
import { ByteReader, RunReader } from './runs.ts'
import type { Field } from './schema.ts'
import { type Dictionary, openDictionary, openValues, type Physical, type Raw, type Values } from './values.ts'

/** What a value takes besides its bytes, and what an item of a list has at least in a document: a digit and a comma. */
const valueBytes = 8
const itemBytesMin = 2

/** A page's entries: levels, and values of those entries that have one. */
interface DataPage {
  readonly entries: number
  readonly repetitions: RunReader | null
  readonly definitions: RunReader | null
  readonly values: Values
}

/** What bounds a column: the memory of its row group, and what it and others may come to. */
export interface Bounds {
  readonly held: HeldBytes
  readonly allowance: Allowance
}

/** The entries of one leaf in a row group, gathered row by row from its pages. */
export class LeafReader {
  readonly field: Field
  readonly definitions: number[] = []
  readonly repetitions: number[] = []
  readonly values: Value[] = []
  /** Entries of the row; `at` is for who takes them. */
  length = 0
  at = 0
  /** The row's bytes, at least. Beyond `documentBytesMax` its values are not kept. */
  bytes = 0
  readonly #pages: PageReader
  readonly #meta: ColumnMetaData
  readonly #physical: Physical
  readonly #convert: (raw: Raw) => Value
  readonly #held: HeldBytes
  readonly #allowance: Allowance
  #dictionary: Dictionary | null = null
  #page: DataPage | null = null
  #pageLeft = 0
  #left: number
  #repetition = 0
  #dictionaryBytes = 0
  #pageBytes = 0

  constructor(file: Readable, field: Field, meta: ColumnMetaData, { held, allowance }: Bounds) {
    const { type, type_length } = field.element
    if (!type) throw new Error('a column without a type')
    this.field = field
    this.#meta = meta
    this.#physical = { type, length: type_length ?? 0 }
    this.#convert = converterOf(field.element)
    this.#held = held
    this.#allowance = allowance
    this.#left = Number(meta.num_values)
    this.#pages = new PageReader(file, meta)
  }

  /** Forgets the row before. */
  begin(): void {
    this.length = 0
    this.at = 0
    this.bytes = 0
  }

  /**
   * Gathers the row's entries from the page. False where they go on in the next page, or begin there: load it and gather again. Once the
   * row is whole, nothing more is gathered until the next begins.
   */
  gather(): boolean {
    const isFlat = this.field.repetition === 0
    if (isFlat && this.length > 0) return true
    while (this.#pageLeft > 0) {
      if (this.length > 0 && this.#repetition === 0) return true
      this.#take()
      if (isFlat) return true
    }
    if (this.#left > 0) return false
    if (this.length === 0) throw new Error('a column has fewer values than the row group has rows')
    return true
  }

  async load(): Promise<void> {
    for (;;) {
      const page = await this.#pages.next()
      if (!page) throw new Error(`a column ends ${this.#left} values before its end`)
      if (page.header.dictionary_page_header) this.#openDictionary(page)
      else if (page.header.data_page_header || page.header.data_page_header_v2) return this.#openPage(page)
    }
  }

  /** Throws where the leaf has entries behind the last row. */
  checkEnd(): void {
    if (this.#left > 0) throw new Error('a column has more values than the row group has rows')
  }

  release(): void {
    this.#held.hold(-this.#dictionaryBytes - this.#pageBytes)
    this.#page = null
    this.#dictionary = null
  }

  #take(): void {
    const { values, repetitions, definitions } = this.#page!
    const definition = definitions ? definitions.next() : this.field.definition
    if (definition > this.field.definition) throw new Error(`a definition level of ${definition}`)
    const value = definition === this.field.definition ? this.#takeValue(values) : null
    if (this.field.repetition > 0) this.bytes += itemBytesMin
    if (this.bytes <= limits.documentBytesMax) {
      this.definitions[this.length] = definition
      this.repetitions[this.length] = this.#repetition
      this.values[this.length] = value
    }
    this.length++
    this.#left--
    this.#pageLeft--
    this.#allowance.spend(1)
    if (this.#pageLeft > 0) this.#repetition = this.#readRepetition(repetitions)
  }

  #takeValue(values: Values): Value {
    const raw = values()
    const bytes = raw instanceof Uint8Array ? raw.length : 0
    this.bytes += bytes
    this.#allowance.spend(valueBytes + bytes)
    return this.#convert(raw)
  }

  #readRepetition(repetitions: RunReader | null): number {
    const level = repetitions ? repetitions.next() : 0
    if (level > this.field.repetition) throw new Error(`a repetition level of ${level}`)
    return level
  }

  #openDictionary({ header, bytes }: StoredPage): void {
    if (this.#dictionary) throw new Error('a second dictionary')
    const size = header.uncompressed_page_size
    const count = header.dictionary_page_header!.num_values
    const startBytes = this.#physical.type === 'BYTE_ARRAY' ? 4 * count : 0
    this.#dictionaryBytes = this.#held.hold(size + startBytes)
    this.#dictionary = openDictionary(this.#physical, decompress(this.#meta.codec, bytes, size), count)
  }

  #openPage({ header, bytes }: StoredPage): void {
    this.#held.hold(-this.#pageBytes)
    this.#pageBytes = 0
    const entries = entriesOf(header)
    if (!(entries >= 0 && entries <= this.#left))
      throw new Error(`a page of ${entries} values where ${this.#left} are left`)
    const lengthBytes = encodingOf(header)?.startsWith('DELTA_') ? 8 * entries : 0
    this.#pageBytes = this.#held.hold(header.uncompressed_page_size + lengthBytes)
    this.#page = header.data_page_header ? this.#openV1(header, bytes) : this.#openV2(header, bytes)
    this.#pageLeft = entries
    if (entries > 0) this.#repetition = this.#readRepetition(this.#page.repetitions)
  }

  #openV1({ data_page_header, uncompressed_page_size }: PageHeader, packed: Uint8Array): DataPage {
    const { num_values, encoding, repetition_level_encoding, definition_level_encoding } = data_page_header!
    const reader = new ByteReader(decompress(this.#meta.codec, packed, uncompressed_page_size))
    const openLevels = (levelMax: number, levelEncoding: string) => {
      if (levelMax === 0) return null
      if (levelEncoding !== 'RLE') throw new Error(`levels in ${levelEncoding}`)
      return new RunReader(reader.take(reader.readUint32()), bitWidth(levelMax))
    }
    const repetitions = openLevels(this.field.repetition, repetition_level_encoding)
    const definitions = openLevels(this.field.definition, definition_level_encoding)
    const bytes = reader.bytes.subarray(reader.at)
    const values = openValues(encoding, this.#physical, { bytes, countMax: num_values, dictionary: this.#dictionary })
    return { entries: num_values, repetitions, definitions, values }
  }

  /** Levels of the second version stand before what is packed. */
  #openV2({ data_page_header_v2, uncompressed_page_size }: PageHeader, packed: Uint8Array): DataPage {
    const header = data_page_header_v2!
    const reader = new ByteReader(packed)
    const openLevels = (levelMax: number, length: number) => {
      const levels = reader.take(length)
      return levelMax === 0 ? null : new RunReader(levels, bitWidth(levelMax))
    }
    const repetitions = openLevels(this.field.repetition, header.repetition_levels_byte_length)
    const definitions = openLevels(this.field.definition, header.definition_levels_byte_length)
    const rest = packed.subarray(reader.at)
    const bytes =
      header.is_compressed === false ? rest : decompress(this.#meta.codec, rest, uncompressed_page_size - reader.at)
    const encoded = { bytes, countMax: header.num_values, dictionary: this.#dictionary }
    return {
      entries: header.num_values,
      repetitions,
      definitions,
      values: openValues(header.encoding, this.#physical, encoded),
    }
  }
}

const bitWidth = (levelMax: number) => 32 - Math.clz32(levelMax)
const encodingOf = (header: PageHeader) => (header.data_page_header ?? header.data_page_header_v2)?.encoding
const entriesOf = (header: PageHeader) => (header.data_page_header ?? header.data_page_header_v2)!.num_values
