import type { ColumnMetaData, RowGroup } from 'hyparquet'
import { BadFileError, type Readable } from '../files/files.ts'
import { assembleRow } from './assemble.ts'
import type { Value } from './convert.ts'
import { type Bounds, LeafReader } from './leaf.ts'
import { type Field, leavesOf } from './schema.ts'

/** A column that is read. What goes wrong with one that nobody asked for by its name costs that column alone. */
export interface ChosenColumn {
  readonly field: Field
  readonly isAsked: boolean
}

/** Why a column is left out of some rows. */
export const tooLongWithIt = 'documents would be too long with it'

/** The part of a column in one row group. Every failure of one that was asked for is thrown; another one's is its `fault`. */
export class ColumnReader {
  readonly name: string
  readonly isAsked: boolean
  /** Why it is left out, from some row on or of rows that it makes too long. */
  fault: string | null = null
  readonly #field: Field
  #isTooLong = false
  #leaves: readonly LeafReader[] = []

  constructor(file: Readable, group: RowGroup, column: ChosenColumn, bounds: Bounds) {
    this.name = column.field.name
    this.isAsked = column.isAsked
    this.#field = column.field
    try {
      this.#leaves = openLeaves(file, group, column.field, bounds)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The row's bytes, at least. */
  get bytes(): number {
    return this.#leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
  }

  /** Gathers the next row from what is in memory. False where more must be loaded. */
  gather(): boolean {
    this.#isTooLong = false
    try {
      for (const leaf of this.#leaves) leaf.begin()
      for (const leaf of this.#leaves) if (!leaf.gather()) return false
    } catch (error) {
      this.#fail(error)
    }
    return true
  }

  /** Loads what `gather` was missing, and gathers the row. */
  async load(): Promise<void> {
    try {
      for (const leaf of this.#leaves) while (!leaf.gather()) await leaf.load()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Leaves the row's value out, as the document would be too long with it. */
  leaveOut(): void {
    this.#isTooLong = true
    this.fault ??= tooLongWithIt
  }

  /** The row's value; undefined where the column could not be read. */
  take(): Value | undefined {
    if (this.#leaves.length === 0 || this.#isTooLong) return undefined
    try {
      return assembleRow(this.#field, this.#leaves)
    } catch (error) {
      this.#fail(error)
    }
  }

  finish(): void {
    try {
      for (const leaf of this.#leaves) leaf.checkEnd()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The disk's faults are never the column's own. */
  #fail(error: unknown): void {
    const { message, syscall } = error as NodeJS.ErrnoException
    if (this.isAsked || syscall !== undefined) throw error
    this.fault = message
    for (const leaf of this.#leaves) leaf.release()
    this.#leaves = []
  }
}

function openLeaves(file: Readable, group: RowGroup, field: Field, bounds: Bounds): LeafReader[] {
  return leavesOf(field).map((leaf, i) => {
    const meta = partOf(group, leaf, field.leaves[0] + i)
    if (leaf.repetition === 0 && meta.num_values !== group.num_rows)
      throw new Error(`${meta.num_values} values in a group of ${group.num_rows} rows`)
    return new LeafReader(file, leaf, meta, bounds)
  })
}

/** Where a leaf's part of a row group lies: parts are in the order of the schema. */
function partOf(group: RowGroup, leaf: Field, number: number): ColumnMetaData {
  const part = group.columns[number]
  if (part?.crypto_metadata || part?.encrypted_column_metadata)
    throw new BadFileError(
      'encrypted-file',
      `the column ${JSON.stringify(leaf.path[0])} is encrypted: write it without encryption`,
    )
  const meta = part?.meta_data
  if (meta?.path_in_schema.join('\0') !== leaf.path.join('\0'))
    throw new Error(`a row group has no column ${JSON.stringify(leaf.path.join('.'))}`)
  if (part.file_path) throw new Error(`the column ${JSON.stringify(leaf.path.join('.'))} lies in another file`)
  return meta
}
