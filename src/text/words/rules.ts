import { listExceptions } from './exceptions.ts'

/** The exceptions (`listExceptions`) as a hash table over code points, so that asking whether a chunk is one costs little. */
interface Exception {
  readonly points: Int32Array
  /** Where its words end, in points from its start. */
  readonly ends: Uint8Array
}

const slotCount = 8192
const exceptions: readonly Exception[] = listExceptions().map(words => {
  const points: number[] = []
  const ends: number[] = []
  for (const word of words) {
    for (const character of word) points.push(character.codePointAt(0)!)
    ends.push(points.length)
  }
  return { points: Int32Array.from(points), ends: Uint8Array.from(ends) }
})
/** No exception is longer. */
export const exceptionPointsMax = Math.max(...exceptions.map(exception => exception.points.length))
/** Of each exception its length and its points, side by side: a chunk of a million words asks for one at each. */
const recordLength = exceptionPointsMax + 1
const records = layRecords()
const slots = fillSlots()

/** The number of the exception that `points[start, end)` is, or -1. */
export function findException(points: Int32Array, start: number, end: number): number {
  const length = end - start
  if (length > exceptionPointsMax || length === 0) return -1
  for (let slot = hashPoints(points, start, end); slots[slot] >= 0; slot = (slot + 1) & (slotCount - 1)) {
    const record = slots[slot] * recordLength
    if (records[record] !== length) continue
    let i = 0
    while (i < length && records[record + 1 + i] === points[start + i]) i++
    if (i === length) return slots[slot]
  }
  return -1
}

/** Where the words of exception `number` end, in points from its start. */
export function exceptionEnds(number: number): Uint8Array {
  return exceptions[number].ends
}

/** All exceptions, by number, as code points. */
export function exceptionPoints(): readonly Int32Array[] {
  return exceptions.map(exception => exception.points)
}

function layRecords(): Int32Array {
  const laid = new Int32Array(exceptions.length * recordLength)
  exceptions.forEach(({ points }, number) => {
    laid[number * recordLength] = points.length
    laid.set(points, number * recordLength + 1)
  })
  return laid
}

function hashPoints(points: Int32Array, start: number, end: number): number {
  let hash = 0
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ points[i], 0x9e3779b1)
  return hash >>> 19
}

function fillSlots(): Int16Array {
  const filled = new Int16Array(slotCount).fill(-1)
  exceptions.forEach(({ points }, number) => {
    let slot = hashPoints(points, 0, points.length)
    while (filled[slot] >= 0) slot = (slot + 1) & (slotCount - 1)
    filled[slot] = number
  })
  return filled
}
