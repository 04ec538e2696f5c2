import { HeadraceError } from '../../errors.ts'
import { sealJson } from '../../sealed-json.ts'
import { openSealed } from '../../text/sealed-file.ts'
import { type Percentiles, pointsCount } from './percentiles.ts'

const format = 'headrace-percentiles/1'

/** A column's percentiles by group: of all documents, by the first column of `by`, by the first two, and so on. */
export interface PercentileTable {
  readonly column: string
  /** Columns of names, the one that counts most first: `['language', 'domain']`. */
  readonly by: readonly string[]
  /** By `groupKey` of as many names as its documents have in common, from none on. A group with few documents is not here. */
  readonly groups: ReadonlyMap<string, Percentiles>
}

export const groupKey = (names: readonly string[]) => JSON.stringify(names)

export function writePercentiles({ column, by, groups }: PercentileTable): string {
  const listed = [...groups].map(([key, { documents, points }]) => ({
    of: JSON.parse(key),
    documents,
    points: [...points],
  }))
  return sealJson({ format, column, by, groups: listed })
}

/** Reads what `writePercentiles` wrote; throws `corrupt` for anything else. `file` is for the message. */
export function readPercentiles(text: string, file: string): PercentileTable {
  const content = openSealed(text, {
    file,
    format,
    other: 'no table of percentiles',
    advice: "make it with 'headrace calibrate'",
    again: "make it again with 'headrace calibrate'",
  })
  const { column, by, groups } = content
  if (isName(column) && isListOf(by, isName) && isListOf(groups, group => isGroup(group, by.length))) {
    const listed = groups.map(({ of, documents, points }) => {
      return [groupKey(of), { documents, points: Float64Array.from(points) }] as const
    })
    if (listed.some(([key]) => key === groupKey([]))) return { column, by, groups: new Map(listed) }
  }
  throw new HeadraceError('corrupt', `${file} does not hold percentiles; make it again with 'headrace calibrate'`)
}

interface Group {
  readonly of: readonly string[]
  readonly documents: number
  readonly points: readonly number[]
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isName = (value: unknown): value is string => isText(value) && value !== ''

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is)
}

function isGroup(value: unknown, namesMax: number): value is Group {
  const { of, documents, points } = (value ?? {}) as Partial<Group>
  if (!isListOf(of, isText) || of.length > namesMax || !Number.isSafeInteger(documents)) return false
  if (!Array.isArray(points) || points.length !== pointsCount || !points.every(Number.isFinite)) return false
  return points.every((point, i) => i === 0 || point >= points[i - 1])
}
