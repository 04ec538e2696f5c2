import { lengthOf, pointAt } from './bytes.ts'
import { pointsOf } from './code-points.ts'

/**
 * Characters that show nothing: the property Default_Ignorable_Code_Point, soft hyphens, zero-width spaces and joiners, bidi controls,
 * fillers, variation selectors and tags among them. The property holds whole ranges that are still to be assigned, so that it has
 * not changed since Unicode 13; a test holds it against the running version.
 */
const invisibleRanges =
  'ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f 3164 fe00-fe0f feff ffa0 fff0-fff8 ' +
  '1bca0-1bca3 1d173-1d17a e0000-e0fff'

/** The code points that show nothing. */
export const invisiblePoints: readonly number[] = [...pointsOf(invisibleRanges)]

/** A code point below U+20000 shows nothing where this is 1. */
const marks = markPoints()

function markPoints(): Uint8Array {
  const table = new Uint8Array(0x20000)
  for (const point of invisiblePoints) if (point < table.length) table[point] = 1
  return table
}

export function isInvisible(point: number): boolean {
  return point < marks.length ? marks[point] === 1 : point >= 0xe0000 && point <= 0xe0fff
}

/** `bytes[start, end)` without what shows nothing. */
export function dropInvisible(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const out = new Uint8Array(end - start)
  let to = 0
  for (let at = start; at < end; ) {
    const next = Math.min(at + lengthOf(bytes[at]), end)
    if (bytes[at] < 0xc2 || !isInvisible(pointAt(bytes, at))) for (let i = at; i < next; i++) out[to++] = bytes[i]
    at = next
  }
  return out.subarray(0, to)
}
