import type { ColumnMetaData, RowGroup } from 'hyparquet'
import { BadFileError, type InputFile } from '../files/files.ts'
import { assembleRow } from './assemble.ts'
import type { Budget } from './budget.ts'
import type { Value } from './convert.ts'
import { LeafReader } from './leaf.ts'
import { type Field, leavesOf } from './schema.ts'

/** A column that is read. What goes wrong with one that nobody asked for by its name costs that column alone. */
export interface ChosenColumn {
  readonly field: Field
  readonly isAsked: boolean
}

/** The part of a column in one row group. Every failure of one that was asked for is thrown; another one's is its `fault`. */
export class ColumnReader {
  readonly name: string
  fault: string | null = null
  readonly #column: ChosenColumn
  #leaves: readonly LeafReader[] = []

  constructor(file: InputFile, group: RowGroup, column: ChosenColumn, budget: Budget) {
    this.name = column.field.name
    this.#column = column
    try {
      this.#leaves = openLeaves(file, group, column.field, budget)
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

  /** The row's value; undefined where the column could not be read. */
  take(): Value | undefined {
    if (this.fault !== null) return undefined
    try {
      return assembleRow(this.#column.field, this.#leaves)
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

  /** The disk's faults, and values beyond what the file may have, are never the column's own. */
  #fail(error: unknown): void {
    const { message, syscall } = error as NodeJS.ErrnoException
    const isInflated = error instanceof BadFileError && error.reason === 'inflates-too-much'
    if (this.#column.isAsked || syscall !== undefined || isInflated) throw error
    this.fault = message
    for (const leaf of this.#leaves) leaf.release()
    this.#leaves = []
  }
}

function openLeaves(file: InputFile, group: RowGroup, field: Field, budget: Budget): LeafReader[] {
  return leavesOf(field).map((leaf, i) => {
    const meta = partOf(group, leaf, field.leaves[0] + i)
    if (leaf.repetition === 0 && meta.num_values !== group.num_rows)
      throw new Error(`${meta.num_values} values in a group of ${group.num_rows} rows`)
    return new LeafReader(file, leaf, meta, budget)
  })
}

/** Where a leaf's part of a row group lies: parts are in the order of the schema. */
function partOf(group: RowGroup, leaf: Field, number: number): ColumnMetaData {
  const part = group.columns[number]
  if (part?.crypto_metadata || part?.encrypted_column_metadata)
    throw new BadFileError('encrypted-file', `the column '${leaf.path[0]}' is encrypted: write it without encryption`)
  const meta = part?.meta_data
  if (meta?.path_in_schema.join('\0') !== leaf.path.join('\0'))
    throw new Error(`a row group has no column ${leaf.path.join('.')}`)
  if (part.file_path) throw new Error(`the column ${leaf.path.join('.')} lies in another file`)
  return meta
}
