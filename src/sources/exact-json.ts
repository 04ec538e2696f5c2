/**
 * JSON whose numbers keep their digits. A float64 holds whole numbers up to 2^53 and nothing beyond 1.8e308; where a record has others
 * it is parsed once more, and they stay as they are written. Fractions have the precision of a float64.
 */

/** What `JSON.rawJSON` makes: a number by its source. The library's types don't have it yet. */
interface RawNumber {
  readonly rawJSON: string
}
const json = JSON as typeof JSON & { rawJSON(source: string): RawNumber; isRawJSON(value: unknown): value is RawNumber }

export const isRawNumber = (value: unknown): value is RawNumber => json.isRawJSON(value)

/** What a value has within: levels beyond those asked for, numbers that lost digits. As bits. */
export const isTooDeep = 1
export const hasLongNumbers = 2

/** Looks through a parsed value, down to `levels`. */
export function inspectValue(value: unknown, levels: number): number {
  if (typeof value === 'number') return isExact(value) ? 0 : hasLongNumbers
  if (value === null || typeof value !== 'object') return 0
  if (levels === 0) return isTooDeep
  let found = 0
  for (const inner of Object.values(value)) found |= inspectValue(inner, levels - 1)
  return found
}

const isExact = (value: number) => Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))

/** `JSON.parse`, with numbers that a float64 can't hold by their source. Such a value can be given to `JSON.stringify`. */
export function parseLongNumbers(source: string): unknown {
  return JSON.parse(source, (_, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !isExact(value) ? json.rawJSON(context!.source!) : value,
  )
}

/** Adds a field to a JSON object without reading it; both are JSON, and empty is an object without fields. */
export function addField(object: string, name: string, value: string): string {
  const field = `${JSON.stringify(name)}:${value}}`
  return object.length > 2 ? `${object.slice(0, -1)},${field}` : `{${field}`
}
