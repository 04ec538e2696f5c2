import { lengthOf, pointAt } from './bytes.ts'
import { rangesOf } from './code-points.ts'
import { isInvisible } from './invisible.ts'

/**
 * Which of the characters that show nothing spell something where they stand, so that a text without them is another one. All others are
 * put there by machines, or by people to get past a filter.
 */

/** Scripts whose letters join, or whose consonants stack: Arabic, those of India, Burmese, Khmer, Mongolian, and others of their kinds. */
const joiningRanges =
  '600-61b 61d-dff 1000-109f 1700-17b3 17b6-180a 1810-18af 1900-1cff a800-a8ff a930-abff fb50-fdff fe70-fefc 10a00-10aff 10d00-10fff ' +
  '11000-11fff 1e900-1e95f 1ee00-1eeff'
/** Mathematical signs, but for one that NFC takes apart. */
const signRanges = '2200-22ff 2a00-2adb 2add-2aff'
/** Emoji, and the symbols that may be one; coarse, so that emoji of later versions are in it. */
const pictureRanges = 'a9 ae 203c 2049 2122 2139 2190-2adb 2add-2bff 3030 303d 3297 3299 1f000-1faff'
const hanRanges = '3400-4dbf 4e00-9fff f900-faff'

/** What shows nothing stays behind one of these and before one of those; either may be left out. */
type Rule = readonly [points: string, behind: string | null, before: string | null]

const rules: readonly Rule[] = [
  // Zero-width joiner and non-joiner: Persian and Indic words; emoji of several parts.
  ['200c-200d', joiningRanges, null],
  ['200c-200d', null, joiningRanges],
  ['200d', `${pictureRanges} fe0f`, pictureRanges],
  // Variation selectors: emoji or text; keys; signs; ideographs; dotted letters; hieroglyphs that are turned.
  ['fe0e-fe0f', pictureRanges, null],
  ['fe0e-fe0f', '23 2a 30-39', '20e3'],
  ['fe00-fe0d', `${signRanges} ${hanRanges} 1000-109f a840-a87f a9e0-a9ff aa60-aa7f 10ac0-10aff 13000-143ff`, null],
  ['e0100-e01ef', hanRanges, null],
  ['180b-180f', '1820-18aa', null],
  // A grapheme joiner that keeps Hebrew points in their order.
  ['34f', '591-5c7', null],
  // Fillers of old Hangul syllables, and the controls of shorthand and of music.
  ['115f', null, '1161-11a7 d7b0-d7c6'],
  ['1160', '1100-115e a960-a97c', null],
  ['1bca0-1bca3', '1bc00-1bc9f', null],
  ['1d173-1d17a', '1d100-1d172 1d17b-1d1ff', null],
]

const pointsMax = 0x20000

/** Where a table has a code point: the ideographs beyond the BMP stand for one of it, and the selectors of ideographs for each other. */
function indexOf(point: number): number {
  if (point < pointsMax) return point
  if (point < 0x40000) return 0x4e00
  return point >= 0xe0100 && point <= 0xe01ef ? 0x1ffff : 0x1fffe
}

/** By code point, a bit for each rule: whose character it is, and behind and before what that may stand. */
const [ruledBy, isBehind, isBefore] = [0, 1, 2].map(markPart)
const [, anyBehind, anyBefore] = [0, 1, 2].map(part =>
  rules.reduce((bits, rule, i) => (rule[part] === null ? bits | (1 << i) : bits), 0),
)

function markPart(part: number): Uint16Array {
  const table = new Uint16Array(pointsMax)
  for (const [i, rule] of rules.entries())
    for (const [first, last] of rule[part] === null ? [] : rangesOf(rule[part]))
      for (let point = first; point <= last; point++) table[indexOf(point)] |= 1 << i
  return table
}

/**
 * Whether the character at `at` of `bytes[start, end)`, which shows nothing, spells something behind `previous` (0 where nothing is): the
 * last code point that is kept, as of two joiners in a row one is enough.
 */
export function spellsSomething(bytes: Uint8Array, at: number, start: number, end: number, previous: number): boolean {
  const point = pointAt(bytes, at)
  if (isTag(point)) return isOfFlag(bytes, at, start, end)
  const after = at + lengthOf(bytes[at])
  const next = after < end ? pointAt(bytes, after) : 0
  const behind = isBehind[indexOf(previous)] | (isInvisible(previous) ? 0 : anyBehind)
  return (ruledBy[indexOf(point)] & behind & (isBefore[indexOf(next)] | anyBefore)) !== 0
}

const blackFlag = 0x1f3f4
const lastTag = 0xe007f
/** Tags of a flag, the last one not counted: a country and its part, `gbsct`. */
const flagTagsMax = 6

function isTag(point: number): boolean {
  return (point >= 0xe0030 && point <= 0xe0039) || (point >= 0xe0061 && point <= 0xe007a) || point === lastTag
}

/** Whether a tag belongs to the flag of a part of a country: a black flag, tags, the last tag. */
function isOfFlag(bytes: Uint8Array, at: number, start: number, end: number): boolean {
  let first = at
  while (first - 4 >= start && at - first < 4 * flagTagsMax && isTag(pointAt(bytes, first - 4))) first -= 4
  if (first - 4 < start || pointAt(bytes, first - 4) !== blackFlag) return false
  for (let i = first; i + 4 <= end && i <= first + 4 * flagTagsMax; i += 4) {
    const point = pointAt(bytes, i)
    if (point === lastTag) return i > first && at <= i
    if (!isTag(point)) return false
  }
  return false
}
