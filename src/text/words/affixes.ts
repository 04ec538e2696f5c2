import { isDigit } from '../bytes.ts'
import { ALPHA, BEFORE_STOP, INFIX, LOWER, PREFIX, QUOTE, SUFFIX, UPPER } from './character-classes.ts'

/**
 * The prefixes, suffixes and infixes of spaCy 3.8.18's English tokenizer (MIT, Explosion; `lang/punctuation.py`,
 * `lang/en/punctuation.py`), as functions over code points and their classes (`classesOf`). `[start, end)` is the part of the
 * chunk that is looked at: nothing outside it counts as context. All take time linear in what they return.
 */

const stop = 0x2e
const hyphen = 0x2d
const dash = 0x2014
const ellipsis = 0x2026
const dollar = 0x24

/** Units and currencies that are cut off the end when a digit is before them. Two are run together as in the original. */
const afterDigit = new Set(
  `km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa mbar mb MB
  kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар Кб КБ кб Мб
  МБ мб Гб ГБ гб Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب
  + $ £ € ¥ ฿ US$ C$ A$ ₽ ﷼ ₴ ₠ ₡ ₢ ₣ ₤ ₥ ₦ ₧ ₨ ₩ ₪ ₫ ₭ ₮ ₯ ₰ ₱ ₲ ₳ ₵ ₶ ₷ ₸ ₹ ₺ ₻ ₼ ₾ ₿`.split(/\s+/),
)
const unitPointsMax = 5
/** Degrees: `°C.` gives up its full stop. */
const scales = new Set([...'FfCcKk'].map(letter => letter.charCodeAt(0)))

/** The length of the prefix at `start`, or 0. */
export function prefixLength(points: Int32Array, classes: Uint16Array, start: number, end: number): number {
  if (classes[start] & PREFIX) return 1
  const next = start + 1 < end ? points[start + 1] : -1
  switch (points[start]) {
    case stop:
      return next === stop ? runLength(points, start, end, stop) : 0
    case 0x2b: // +
      return isDigit(next) ? 0 : 1
    case 0x55: // U, as in US$
      return next === 0x53 && start + 2 < end && points[start + 2] === dollar ? 3 : 0
    case 0x41: // A, as in A$
    case 0x43:
      return next === dollar ? 2 : 0
    default:
      return 0
  }
}

/** The length of the longest suffix that ends at `end`, or 0. */
export function suffixLength(points: Int32Array, classes: Uint16Array, start: number, end: number): number {
  if (end <= start) return 0
  const last = points[end - 1]
  if (last === stop) return stopLength(points, classes, start, end)
  if (classes[end - 1] & SUFFIX) return last === ellipsis && end - 2 >= start && points[end - 2] === ellipsis ? 2 : 1
  if ((last === 0x73 || last === 0x53) && end - 2 >= start && (points[end - 2] === 0x27 || points[end - 2] === 0x2019))
    return 2
  return unitLength(points, start, end)
}

/** The last point is a full stop: a run of them goes as a whole, a single one by what is before it. */
function stopLength(points: Int32Array, classes: Uint16Array, start: number, end: number): number {
  let from = end - 1
  while (from > start && points[from - 1] === stop) from--
  if (end - from > 1) return end - from
  if (from === start) return 0
  if (classes[from - 1] & BEFORE_STOP) return 1
  if (from - 2 < start) return 0
  if (classes[from - 1] & classes[from - 2] & UPPER) return 1
  return points[from - 2] === 0xb0 && scales.has(points[from - 1]) ? 1 : 0
}

/** No unit contains a digit, so the nearest digit before the end tells how long it must be. */
function unitLength(points: Int32Array, start: number, end: number): number {
  let length = 0
  while (!isDigit(points[end - 1 - length])) {
    length++
    if (length > unitPointsMax || end - 1 - length < start) return 0
  }
  return length > 0 && afterDigit.has(String.fromCodePoint(...points.subarray(end - length, end))) ? length : 0
}

/** The length of the infix at `at`, or 0. */
export function infixLength(points: Int32Array, classes: Uint16Array, start: number, at: number, end: number): number {
  if (classes[at] & INFIX) return 1
  const point = points[at]
  if (point > 0x7f ? point !== dash && point !== 0x2013 : !asciiInfixes[point]) return 0
  if (point === stop && at + 1 < end && points[at + 1] === stop) return runLength(points, at, end, stop)
  if (at === start) return 0
  const before = classes[at - 1]
  const next = at + 1 < end ? points[at + 1] : -1
  const after = at + 1 < end ? classes[at + 1] : 0
  if (point === stop) return before & (LOWER | QUOTE) && after & (UPPER | QUOTE) ? 1 : 0
  if (point === 0x2c) return before & after & ALPHA ? 1 : 0
  const afterNumber = isDigit(points[at - 1])
  if (afterNumber && (isDigit(next) || next === hyphen) && isOperator(point)) return 1
  if (!afterNumber && !(before & ALPHA)) return 0
  if (after & ALPHA) return isOperator(point) && point !== hyphen ? 0 : 1
  return longDashLength(points, classes, at, end)
}

const asciiInfixes = markInfixes()

function markInfixes(): Uint8Array {
  const marks = new Uint8Array(128)
  for (const character of '.,+-*^~:<>=/') marks[character.charCodeAt(0)] = 1
  return marks
}

/** `+ - * ^`. */
function isOperator(point: number): boolean {
  return point === 0x2b || point === hyphen || point === 0x2a || point === 0x5e
}

/** `--`, `---` or `——` before a letter. */
function longDashLength(points: Int32Array, classes: Uint16Array, at: number, end: number): number {
  const point = points[at]
  if (point !== hyphen && point !== dash) return 0
  const lengthMax = point === hyphen ? 3 : 2
  let length = 1
  while (length < lengthMax && at + length < end && points[at + length] === point) length++
  return length > 1 && at + length < end && classes[at + length] & ALPHA ? length : 0
}

function runLength(points: Int32Array, start: number, end: number, point: number): number {
  let at = start
  while (at < end && points[at] === point) at++
  return at - start
}
