import { HeadraceError } from '../errors.ts'
import { type OnEffect, writeDurably } from './durable-file.ts'
import { readText } from './files.ts'

/** Whether parsed JSON is what it should be. */
export type Shape = (value: unknown) => boolean
/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
export const isText: Shape = value => typeof value === 'string'
/** A whole number from 0 on. */
export const isCount: Shape = value => Number.isSafeInteger(value) && (value as number) >= 0
export function isOneOf(...values: readonly unknown[]): Shape {
  return value => values.includes(value)
}
/** What may be left out. */
export function isOptional(shape: Shape): Shape {
  return value => value === undefined || shape(value)
}
export function isListOf(item: Shape): Shape {
  return value => Array.isArray(value) && value.every(item)
}
export function isTupleOf(...items: readonly Shape[]): Shape {
  return value => Array.isArray(value) && items.every((item, i) => item(value[i]))
}
/** An object with any names. */
export function isRecordOf(item: Shape): Shape {
  return value => isFields(value) && Object.values(value).every(item)
}
/** An object with these fields. Others, which a newer version may have added, are left alone. */
export function isObjectOf(fields: Readonly<Record<string, Shape>>): Shape {
  return value => isFields(value) && Object.entries(fields).every(([name, field]) => field(value[name]))
}

/**
 * A small file of JSON, or null where there is none. Throws 'corrupt' for what is not of its shape: `fault` goes on from the path with what
 * the file is not, and what to do.
 */
export async function readJson<T>(path: string, shape: Shape, fault: string): Promise<T | null> {
  const text = await readText(path)
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    if (shape(value)) return value as T
  } catch (error) {
    throw new HeadraceError('corrupt', `${path} ${fault}`, error)
  }
  throw new HeadraceError('corrupt', `${path} ${fault}`)
}

/** Writes such a file so that it lasts. `onEffect`: see `writeDurably`. */
export async function writeJson(path: string, value: object, onEffect?: OnEffect): Promise<void> {
  await writeDurably(path, [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)], onEffect)
}
