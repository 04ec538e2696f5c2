import type { FileMetaData, RowGroup } from 'hyparquet'
import { limits } from '../../limits.ts'
import type { Columns } from '../fields.ts'
import { BadFileError, type Readable } from '../files/files.ts'
import { findPlace } from '../nested-field.ts'
import { Allowance, allowancesOf, HeldBytes } from './budget.ts'
import { type ChosenColumn, ColumnReader } from './column.ts'
import type { Value } from './convert.ts'
import { readFooter } from './footer.ts'
import { type Field, readSchema } from './schema.ts'

/** What a row takes in a run besides its values: an id, a place, a measurement of each kind; or its entry among the dead. */
const rowBytes = 256

/** A row group, and what the values of its columns may come to: of those that were asked for, and of the others. */
export interface Group {
  readonly rows: number
  readonly stored: RowGroup
  readonly askedBytesMax: number
  readonly otherBytesMax: number
}

export interface ParquetFile {
  /** Of the chosen columns. */
  readonly names: readonly string[]
  /** Those of the option `columns` that the file does not have. */
  readonly missing: readonly string[]
  readonly groups: readonly Group[]
  openGroup(group: Group): GroupReader
}

/** Reads the footer and chooses the columns. What is wrong with the file comes as an error of any kind. */
export async function openParquet(file: Readable, options: Columns): Promise<ParquetFile> {
  const metadata = await readFooter(file)
  const columns = chooseColumns(readSchema(metadata.schema), options)
  const names = columns.map(({ field }) => field.name)
  return {
    names,
    missing: (options.columns ?? []).filter(name => !names.includes(name)),
    groups: describeGroups(metadata, columns, file.size),
    openGroup: group => new GroupReader(file, group, columns),
  }
}

/** The columns that have a part of the document, and those of `columns`; of two of one name the first. */
function chooseColumns(fields: readonly Field[], options: Columns): ChosenColumn[] {
  const { text, id, domain, url, added } = options
  const named = new Map(fields.toReversed().map(field => [field.name, field]))
  const names = [...named.keys()]
  if (!findPlace(names, text)) throw new BadFileError('missing-text', `no column '${text}' among ${names.join(', ')}`)
  const ofRoles = [text, id, domain, url, added].map(path => findPlace(names, path)?.column)
  const asked = new Set([...ofRoles, ...(options.columns ?? [])])
  return fields
    .filter(field => named.get(field.name) === field && (options.columns === null || asked.has(field.name)))
    .map(field => ({ field, isAsked: asked.has(field.name) }))
}

function describeGroups({ row_groups }: FileMetaData, columns: readonly ChosenColumn[], fileBytes: number): Group[] {
  const sum = (stored: RowGroup, chosen: readonly ChosenColumn[]) => {
    const parts = chosen.flatMap(({ field }) => stored.columns.slice(...field.leaves))
    const bytes = parts.reduce((all, part) => all + Math.max(0, Number(part.meta_data?.total_compressed_size ?? 0)), 0)
    return { rows: countRows(stored), bytes }
  }
  const [asked, others] = [true, false].map(isAsked => {
    const chosen = columns.filter(column => column.isAsked === isAsked)
    return allowancesOf(
      row_groups.map(stored => sum(stored, chosen)),
      fileBytes,
    )
  })
  const groups = row_groups.map((stored, i) => ({
    rows: countRows(stored),
    stored,
    askedBytesMax: asked[i],
    otherBytesMax: others[i],
  }))
  return groups.filter(({ rows }) => rows > 0)
}

function countRows({ num_rows }: RowGroup): number {
  const rows = Number(num_rows)
  if (!Number.isSafeInteger(rows) || rows < 0) throw new Error(`a row group has ${rows} rows`)
  return rows
}

/** A row: a value for each chosen column in their order, undefined where the column is left out. */
export interface Row {
  readonly values: readonly (Value | undefined)[]
  /** Set where it has more bytes than a document may, so that its values were not kept. */
  readonly bytesTooMany: number | null
}

/** Reads a row group row by row. Of each column one page is in memory. */
export class GroupReader {
  readonly #allowance: Allowance
  readonly #columns: readonly ColumnReader[]

  constructor(file: Readable, group: Group, columns: readonly ChosenColumn[]) {
    const held = new HeldBytes()
    this.#allowance = new Allowance(group.askedBytesMax)
    const others = new Allowance(group.otherBytesMax)
    this.#columns = columns.map(column => {
      const allowance = column.isAsked ? this.#allowance : others
      return new ColumnReader(file, group.stored, column, { held, allowance })
    })
  }

  async next(): Promise<Row> {
    this.#allowance.spend(rowBytes)
    for (const column of this.#columns) if (!column.gather()) await column.load()
    let bytes = 0
    for (const column of this.#columns) if (column.isAsked) bytes += column.bytes
    if (bytes > limits.documentBytesMax) return { values: [], bytesTooMany: bytes }
    for (const column of this.#columns) {
      if (column.isAsked) continue
      if (bytes + column.bytes > limits.documentBytesMax) column.leaveOut()
      else bytes += column.bytes
    }
    return { values: this.#columns.map(column => column.take()), bytesTooMany: null }
  }

  /** Why columns could not be read, by their names. */
  faults(): Map<string, string> {
    const failed = this.#columns.filter(({ fault }) => fault !== null)
    return new Map(failed.map(({ name, fault }) => [name, fault!]))
  }

  /** Throws where there are values behind the last row. */
  finish(): void {
    for (const column of this.#columns) column.finish()
  }
}
