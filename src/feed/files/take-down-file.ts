import { hash } from 'node:crypto'
import { join } from 'node:path'
import { makeFolder, type OnEffect, writeDurably } from '../../disk/durable-file.ts'
import { listNames, readText } from '../../disk/files.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { TakeDown } from '../plan/take-down.ts'

/** A row of the log: its slot, and its number in it. */
export type Row = readonly [slot: number, row: number]

/** Which documents were named, and which rows these and their copies are. All lists are sorted and have nothing twice. */
export interface TakeDownList {
  readonly by: 'id' | 'url'
  readonly names: readonly string[]
  /** Rows were looked for in the slots before this one. */
  readonly slots: number
  readonly rows: readonly Row[]
}

/** The list as a file: a line of JSON that counts what follows, then a line a name, then a line a row. Same list, same bytes. */
export function encodeTakeDown({ by, names, slots, rows }: TakeDownList): string {
  const first = JSON.stringify({ version: 1, by, names: names.length, slots, rows: rows.length })
  const lines = [first, ...names.map(name => JSON.stringify(name)), ...rows.map(row => JSON.stringify(row))]
  return `${lines.join('\n')}\n`
}

/** Writes a list into a feed folder, under the next number. No reader looks at it before a control entry names it. */
export async function writeTakeDown(
  dir: string,
  list: TakeDownList,
  number: number,
  onEffect?: OnEffect,
): Promise<Pick<TakeDown, 'list' | 'sha256' | 'documents'>> {
  const path = `take-downs/${String(number).padStart(8, '0')}.jsonl`
  await makeFolder(join(dir, 'take-downs'))
  const { sha256 } = await writeDurably(join(dir, path), [Buffer.from(encodeTakeDown(list))], onEffect)
  return { list: path, sha256, documents: list.rows.length }
}

/** Reads the list that a control entry names. Throws `corrupt` where it is missing or has other bytes. */
export async function readTakeDown(dir: string, { list, sha256, documents }: TakeDown): Promise<TakeDownList> {
  const path = join(dir, list)
  const text = await readText(path)
  if (text === null) throw new HeadraceError('corrupt', `${path} is missing: restore it from a copy`)
  const parsed = hash('sha256', text) === sha256 ? parseTakeDown(text) : null
  if (parsed?.rows.length === documents) return parsed
  throw new HeadraceError('corrupt', `${path} is not the list that control.json names: restore it from a copy`)
}

function parseTakeDown(text: string): TakeDownList | null {
  const [first, ...lines] = text.split('\n').slice(0, -1)
  const { version, by, names, slots, rows } = JSON.parse(first)
  if (version !== 1 || lines.length !== names + rows || rows > limits.takeDownRowsMax) return null
  return {
    by,
    names: lines.slice(0, names).map(line => JSON.parse(line) as string),
    slots,
    rows: lines.slice(names).map(line => JSON.parse(line) as Row),
  }
}

/** How many lists a feed folder has, those that a crash left unnamed too. */
export async function countTakeDowns(dir: string): Promise<number> {
  return (await listNames(join(dir, 'take-downs'))).filter(name => name.endsWith('.jsonl')).length
}
