import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert, HeadraceError, wrapDiskError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { KeyedTable, ListTable, State, TableShape } from '../state.ts'
import { StateBudget } from './budget.ts'
import { ChunkedList } from './chunked-list.ts'
import { HashTable } from './hash-table.ts'
import { type FileAbout, StateFile } from './state-file.ts'

export interface TableOptions {
  /** The file behind the tables, made when missing; null keeps them in memory only. One process may have it open. */
  readonly path: string | null
  readonly shapes: readonly TableShape[]
  /** Names what filled the tables (the deciders' fingerprint). A file with another identity is refused. */
  readonly identity: string
  /** Which run's slots filled the tables. A file of another run is refused. Default null: none in particular. */
  readonly run?: string | null
  /** Bytes of memory that the tables may take; `limits.stateBytesMax` by default. */
  readonly bytesMax?: number
}

/**
 * Opens tables and reads back all sealed inserts.
 *
 * Errors: `bad-pipeline` when the file was made with other shapes or another identity, `corrupt` when it is no state file or another
 * run's, `limit` when the tables outgrow `bytesMax`, here or at a later insert, `disk` when the file system fails.
 */
export async function openTables(options: TableOptions): Promise<Tables> {
  const budget = new StateBudget(options.bytesMax ?? limits.stateBytesMax)
  const tables = options.shapes.map(shape =>
    shape.kind === 'keyed' ? new HashTable(shape, budget) : new ChunkedList(shape, budget),
  )
  const names = new Set(options.shapes.map(shape => shape.name))
  assert(names.size === options.shapes.length, `two tables have one name: ${options.shapes.map(s => s.name)}`)
  if (options.path === null) return new Tables(tables, budget, null, { slot: 0, mark: null })
  try {
    await mkdir(dirname(options.path), { recursive: true })
    const file = await StateFile.open(options.path, describe(options))
    try {
      let mark: number | null = null
      const slot = await file.replay((payload, from) => {
        const seal = restoreSeal(tables, payload, from)
        if (seal) mark = seal.mark
        return seal?.slot ?? null
      })
      return new Tables(tables, budget, file, { slot, mark })
    } catch (error) {
      await file.close()
      throw error
    }
  } catch (error) {
    throw wrapDiskError(error, `opening the state file ${options.path}`)
  }
}

type Table = HashTable | ChunkedList

export class Tables implements State {
  readonly #tables: readonly Table[]
  readonly #budget: StateBudget
  readonly #file: StateFile | null
  #sealed: Seal

  constructor(tables: readonly Table[], budget: StateBudget, file: StateFile | null, sealed: Seal) {
    this.#tables = tables
    this.#budget = budget
    this.#file = file
    this.#sealed = sealed
  }

  keyed(name: string): KeyedTable {
    const table = this.#find(name)
    assert(table instanceof HashTable, `table '${name}' is not keyed`)
    return table
  }

  list(name: string): ListTable {
    const table = this.#find(name)
    assert(table instanceof ChunkedList, `table '${name}' is not a list`)
    return table
  }

  #find(name: string): Table {
    const table = this.#tables.find(t => t.shape.name === name)
    assert(table !== undefined, `no table '${name}' was opened`)
    return table
  }

  slot(): number {
    return this.#sealed.slot
  }

  mark(): number | null {
    return this.#sealed.mark
  }

  /** What is sealed is taken at the call, so deciding may go on while the frame is written. */
  async seal(slot: number, mark: number | null = null): Promise<void> {
    const from = this.#sealed.slot
    assert(slot >= from, `slot ${slot} is sealed after slot ${from}`)
    const payload = this.#file === null ? null : encodeSeal(from, { slot, mark }, this.#tables)
    for (const table of this.#tables) table.markSealed()
    this.#sealed = { slot, mark }
    if (payload !== null) await this.#file?.append(payload)
  }

  rollback(): void {
    for (const table of this.#tables) table.rollback()
  }

  /** Bytes of memory that the tables take now. */
  bytesUsed(): number {
    return this.#budget.used
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }
}

/** The slot before which all are in the tables, and what the seal was given besides. */
interface Seal {
  readonly slot: number
  readonly mark: number | null
}

/** Bytes of a mark, where there is one: seals of an older version have none. */
const markBytes = 4

/**
 * A seal's payload, little-endian: float64 slots of the seal before and of this one; then for each table, as the shapes come, a uint32
 * count and its entries: uint32 high, low, value of a keyed table, the items of a list; then the mark as a uint32, where it has one.
 */
function encodeSeal(from: number, { slot, mark }: Seal, tables: readonly Table[]): Uint8Array {
  const parts: Uint8Array[] = [new Uint8Array(Float64Array.of(from, slot).buffer)]
  for (const table of tables) parts.push(new Uint8Array(Uint32Array.of(table.unsealed).buffer), table.unsealedBytes())
  if (mark !== null) parts.push(new Uint8Array(Uint32Array.of(mark).buffer))
  return Buffer.concat(parts)
}

/** Takes in a seal and returns it, or null when another seal stood between it and the one at slot `from`. */
function restoreSeal(tables: readonly Table[], payload: Buffer, from: number): Seal | null {
  if (payload.length < 16) throw refuseSeal()
  if (payload.readDoubleLE(0) !== from) return null
  let at = 16
  for (const table of tables) {
    const end = at + 4 <= payload.length ? at + 4 + payload.readUInt32LE(at) * table.entryBytes : Number.NaN
    if (!(end <= payload.length)) throw refuseSeal()
    table.restore(payload.subarray(at + 4, end))
    table.markSealed()
    at = end
  }
  const slot = payload.readDoubleLE(8)
  const rest = payload.length - at
  if ((rest !== 0 && rest !== markBytes) || !Number.isSafeInteger(slot) || slot < from) throw refuseSeal()
  return { slot, mark: rest === 0 ? null : payload.readUInt32LE(at) }
}

/** Its checksum is right, so it was written so: by another program, or by a mistake of this one. */
function refuseSeal(): HeadraceError {
  return new HeadraceError(
    'corrupt',
    'the state file holds other tables than it names: remove it, and the next start decides all slots again',
  )
}

/** What a file must say of itself to fit these tables. */
function describe({ shapes, identity, run = null }: TableOptions): FileAbout {
  const about = { identity, shapes: shapes.map(({ name, kind, width }) => [name, kind, width]) }
  return { run, text: JSON.stringify(run === null ? about : { ...about, run }) }
}
