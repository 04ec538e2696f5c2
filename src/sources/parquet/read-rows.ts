import { limits } from '../../limits.ts'
import type { Reading } from '../files/file-kind.ts'
import { BadFileError, type Readable } from '../files/files.ts'
import { headBytes, nameKind } from '../signatures.ts'
import type { Chunk } from '../source.ts'
import { tooLongWithIt } from './column.ts'
import { type GroupReader, openParquet } from './reader.ts'
import { RowEncoder } from './rows.ts'

/** The documents of a Parquet file, from a position on, as chunks of whole rows. */
export async function* readRows(
  file: Readable,
  { from, options, signal }: Reading,
): AsyncGenerator<Omit<Chunk, 'split'>> {
  await checkKind(file)
  const { names, missing, groups, openGroup } = await openParquet(file, options).catch(refuse)
  const told = new Set<string>()
  let start = 0
  for (const group of groups) {
    const end = start + group.rows
    if (end > from.offset) {
      const reader = await Promise.try(openGroup, group).catch(refuse)
      const rows = new GroupRows(reader, end, start)
      await rows.skipTo(from.offset)
      while (rows.next < end) {
        if (signal.aborted) return
        const line = rows.next + 1
        const encoder = new RowEncoder(options, names)
        const error = await rows.fill(encoder)
        const next = { offset: rows.next, line: rows.next + 1 }
        const absent = line === 1 ? missing.map(describeAbsent) : []
        const notes = [...absent, ...rows.describeFaults(encoder.leftOut, told)]
        if (next.line > line)
          yield { line, bytes: encoder.finish(), dead: encoder.dead, next, ...(notes.length && { notes }) }
        if (error !== null) throw error
      }
    }
    start = end
  }
}

const describeAbsent = (name: string) => `there is no column ${JSON.stringify(name)}, which the option columns names`

/** Names what is known and no Parquet file. */
async function checkKind(file: Readable): Promise<void> {
  const head = await file.read(0, headBytes)
  const isJson = /^\s*[[{]\s*["{]/.test(Buffer.from(head).toString('latin1'))
  const kind = isJson ? { name: 'JSON', advice: "read it as such, as jsonl('...') does" } : nameKind(head)
  if (kind === null || kind.name.includes('Parquet')) return
  throw new BadFileError('wrong-kind', `this is ${kind.name}, not Parquet: ${kind.advice}`)
}

/** Walks the rows of a row group, which have numbers in the file, from 0. */
class GroupRows {
  next: number
  readonly #reader: GroupReader
  readonly #end: number

  constructor(reader: GroupReader, end: number, next: number) {
    this.#reader = reader
    this.#end = end
    this.next = next
  }

  /** Goes past rows that were read before: what a row costs and which column fails must not depend on where reading begins. */
  async skipTo(row: number): Promise<void> {
    for (; this.next < row; this.next++) await this.#reader.next().catch(refuse)
  }

  /** Adds rows until they are a slot or the group ends. Returns what the next row fails with, or null. */
  async fill(encoder: RowEncoder): Promise<unknown> {
    try {
      do {
        const row = await this.#reader.next()
        if (this.next + 1 === this.#end) this.#reader.finish()
        encoder.add(row, ++this.next)
      } while (this.next < this.#end && encoder.byteLength < limits.slotBytes)
      return null
    } catch (error) {
      return toFileError(error)
    }
  }

  /** The columns that were left out, each told once. `tooLong` are those that rows would have been too long with. */
  describeFaults(tooLong: ReadonlySet<string>, told: Set<string>): string[] {
    const faults = new Map(Array.from(tooLong, name => [name, tooLongWithIt]))
    for (const [name, fault] of this.#reader.faults()) faults.set(name, fault)
    const fresh = [...faults].filter(([name]) => !told.has(name))
    for (const [name] of fresh) told.add(name)
    const where = `is left out of meta from a row before ${this.next + 1} on`
    return fresh.map(([name, fault]) => `the column ${JSON.stringify(name)} ${where}: ${fault}`)
  }
}

/** Makes a bad file of whatever the Parquet reader throws about a file's content. */
function toFileError(error: unknown): unknown {
  const { message, syscall } = error as NodeJS.ErrnoException
  if (error instanceof BadFileError || syscall !== undefined) return error
  return new BadFileError('corrupt-file', `the Parquet file can't be decoded: ${message}`)
}

function refuse(error: unknown): never {
  throw toFileError(error)
}
