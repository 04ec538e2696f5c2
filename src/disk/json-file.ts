import { HeadraceError } from '../errors.ts'
import { type OnEffect, writeDurably } from './durable-file.ts'
import { readText } from './files.ts'

/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is a whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/**
 * A small file with one JSON object, or null where there is none. `accepts` looks at the fields that this version knows; others, which a
 * newer one may have added, are left alone. Throws 'corrupt' for anything else: `fault` goes on from the path with what the file is not,
 * and what to do.
 */
export async function readJson<T>(path: string, accepts: (value: Fields) => boolean, fault: string): Promise<T | null> {
  const text = await readText(path)
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    if (isFields(value) && accepts(value)) return value as T
  } catch (error) {
    throw new HeadraceError('corrupt', `${path} ${fault}`, error)
  }
  throw new HeadraceError('corrupt', `${path} ${fault}`)
}

/** Writes such a file so that it lasts. `onEffect`: see `writeDurably`. */
export async function writeJson(path: string, value: object, onEffect?: OnEffect): Promise<void> {
  await writeDurably(path, [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)], onEffect)
}
