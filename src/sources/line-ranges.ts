import { type Chunk, type DeadRecord, type LineRange, lineAtEnd, restReasons } from './source.ts'

/** Lists of ranges of lines, in rising order and without overlap. */
export type LineRanges = readonly LineRange[]

export function joinRanges(ranges: LineRanges): LineRange[] {
  const joined: [number, number][] = []
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else joined.push([first, last])
  }
  return joined
}

/** The first range that does not end before `line`. */
function indexFrom(ranges: LineRanges, line: number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[middle][1] < line) low = middle + 1
    else high = middle
  }
  return low
}

export function hasLine(ranges: LineRanges, line: number): boolean {
  const range = ranges[indexFrom(ranges, line)]
  return range !== undefined && range[0] <= line
}

/** The ranges that have a line from `first` on and before `end`. */
export function rangesWithin(ranges: LineRanges, first: number, end: number): LineRanges {
  const from = indexFrom(ranges, first)
  let to = from
  while (to < ranges.length && ranges[to][0] < end) to++
  return ranges.slice(from, to)
}

/** Whether a dead record stands for itself and all that comes after it in its file. */
export function isRest({ line, reason }: Pick<DeadRecord, 'line' | 'reason'>): boolean {
  return line === 0 || restReasons.includes(reason)
}

/** A chunk's dead records that are on these lines. One that ends the file makes dead again what is not reached because of it. */
export function deadWithin(ranges: LineRanges, { dead }: Chunk): DeadRecord[] {
  return dead.flatMap(record => {
    if (!isRest(record)) return hasLine(ranges, record.line) ? [record] : []
    return rangesWithin(ranges, record.line, lineAtEnd).flatMap(range => loseRange(range, record))
  })
}

function loseRange([first, last]: LineRange, record: DeadRecord): DeadRecord[] {
  const from = Math.max(first, record.line)
  if (last === lineAtEnd) return [{ ...record, line: from }]
  const lost = { reason: 'not-read-again', detail: `${record.reason}: ${record.detail}` }
  return Array.from({ length: last - from + 1 }, (_, i) => ({ ...lost, line: from + i }))
}
