import { isDigit } from '../bytes.ts'
import {
  CASELESS,
  classPageOf,
  classPages,
  LOWER as LOWER_CASE,
  NUMBER,
  UPPER as UPPER_CASE,
} from '../unicode-classes.ts'
import { classesOf, LOWER } from './character-classes.ts'

/**
 * Which chunks are addresses and therefore one word, as spaCy 3.8.18's URL_MATCH tells (MIT, Explosion; after Diego Perini's
 * pattern), in one pass. Digits of hosts that are numbers and of ports are ASCII here.
 */

const at = 0x40
const stop = 0x2e
const colon = 0x3a
const slash = 0x2f
const hyphen = 0x2d
const labelPointsMax = 64
const topLevelPointsMax = 63

/** True when `points[start, end)` is `[scheme://][user[:password]@](IPv4 | host.tld)[:port][/path | ?query | #fragment]`. */
export function isUrl(points: Int32Array, start: number, end: number): boolean {
  if (points.subarray(start, end).indexOf(stop) < 0) return false
  if (matchesHost(points, start, end)) return true
  const afterScheme = skipScheme(points, start, end)
  if (afterScheme > start && matchesHost(points, afterScheme, end)) return true
  // Each `@` ends what may be a user's name. A host has none, so the tries never overlap.
  for (let i = start + 1; i < end; i++) if (points[i] === at && matchesHost(points, i + 1, end)) return true
  return false
}

/** The point after `scheme://`, or `start`. */
function skipScheme(points: Int32Array, start: number, end: number): number {
  let i = start
  while (i < end && isSchemePoint(points[i])) i++
  const found =
    i - start >= 2 && i + 2 < end && points[i] === colon && points[i + 1] === slash && points[i + 2] === slash
  return found ? i + 3 : start
}

/** `[\w+.-]`, where `\w` is a letter or a number of any script, or `_`. */
function isSchemePoint(point: number): boolean {
  if (point === 0x2b || point === hyphen || point === stop || point === 0x5f) return true
  const unicode = classPages[(classPageOf[point >> 8] << 8) | (point & 255)]
  return (unicode & (UPPER_CASE | LOWER_CASE | CASELESS | NUMBER)) !== 0
}

function matchesHost(points: Int32Array, start: number, end: number): boolean {
  const afterAddress = skipAddress(points, start, end)
  if (afterAddress > start && matchesTail(points, afterAddress, end)) return true
  const afterName = skipName(points, start, end)
  return afterName > start && matchesTail(points, afterName, end)
}

/** The point after a public IPv4 address, or `start`. */
function skipAddress(points: Int32Array, start: number, end: number): number {
  if (start === end || !isDigit(points[start])) return start
  const octets: number[] = []
  let i = start
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (i >= end || points[i++] !== stop)) return start
    const from = i
    let value = 0
    while (i < end && i - from < 4 && isDigit(points[i])) value = value * 10 + points[i++] - 0x30
    const outer = part === 0 || part === 3
    if (i === from || i - from > 3 || value > 255 || (points[from] === 0x30 && (outer || i - from > 2))) return start
    octets.push(value)
  }
  const [a, b, , d] = octets
  const reserved = a === 10 || a === 127 || (a === 169 && b === 254) || (a === 192 && b === 168) || a > 223 || d > 254
  return reserved || (a === 172 && b >= 16 && b <= 31) ? start : i
}

/** The point after `label.label.tld`, or `start`. */
function skipName(points: Int32Array, start: number, end: number): number {
  let from = start
  for (;;) {
    let i = from
    while (i < end && isLabelPoint(points[i])) i++
    if (i >= end || points[i] !== stop || i === from || i - from > labelPointsMax) break
    if (isHyphenOrLine(points[from]) || isHyphenOrLine(points[i - 1])) break
    from = i + 1
  }
  let i = from
  while (i < end && classesOf[points[i]] & LOWER) i++
  return from > start && i - from >= 2 && i - from <= topLevelPointsMax ? i : start
}

function isLabelPoint(point: number): boolean {
  if (point > 0x7f) return point >= 0xa1 && point <= 0xffff
  return isDigit(point) || ((point | 0x20) >= 0x61 && (point | 0x20) <= 0x7a) || isHyphenOrLine(point)
}

function isHyphenOrLine(point: number): boolean {
  return point === hyphen || point === 0x5f
}

/** `[:port][/path | ?query | #fragment]` up to the end. */
function matchesTail(points: Int32Array, start: number, end: number): boolean {
  let i = start
  if (i < end && points[i] === colon) {
    i++
    while (i < end && isDigit(points[i])) i++
    if (i - start - 1 < 2 || i - start - 1 > 5) return false
  }
  return i === end || points[i] === slash || points[i] === 0x3f || points[i] === 0x23
}
