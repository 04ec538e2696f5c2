import { classes, digit, wordByte } from './bytes.ts'
import { isNumberEnd } from './number.ts'
import type { PiiText } from './spans.ts'
import { followsVersionWord, isTitle } from './version.ts'

const dot = 0x2e
const hyphen = 0x2d
const colon = 0x3a
const zero = 0x30

/** An address, or what looked like one: `isPublic` says whether it is somebody's. */
export interface FoundAddress {
  readonly kind: 'ipv4' | 'ipv6'
  readonly to: number
  readonly isPublic: boolean
}

/** The address that begins at `i`, or null. `last` is where one before it ended: with a hyphen between, the two are a range. */
export function findIpAddress(text: PiiText, i: number, last: number): FoundAddress | null {
  if (!isAddressStart(text, i, last)) return null
  const quad = findQuadEnd(text, i)
  if (quad > 0 && isAddressEnd(text, quad)) {
    const isPublic = isPublicIpv4(text, i, quad) && !isTitle(text, i, quad) && !followsVersionWord(text, i)
    return { kind: 'ipv4', to: findRangeEnd(text, quad), isPublic }
  }
  const to = findIpv6End(text, i)
  return to > 0 ? { kind: 'ipv6', to, isPublic: true } : null
}

function isAddressStart({ bytes, start }: PiiText, i: number, last: number): boolean {
  if (i === start) return true
  const before = bytes[i - 1]
  return (classes[before] & wordByte) === 0 && before !== dot && (before !== hyphen || last === i - 1)
}

/** Another address may follow after a hyphen. */
function isAddressEnd(text: PiiText, to: number): boolean {
  if (isNumberEnd(text, to)) return true
  if (text.bytes[to] !== hyphen) return false
  return findQuadEnd(text, to + 1) > 0 || findIpv6End(text, to + 1) > 0 || findRangeEnd(text, to) > to
}

/** Where `-20` after an address ends, two digits or three and more than its last octet; `to` where there is no such thing. */
function findRangeEnd({ bytes, end }: PiiText, to: number): number {
  if (bytes[to] !== hyphen) return to
  let p = to + 1
  let value = 0
  for (; p < end && p < to + 4 && classes[bytes[p]] & digit; p++) value = value * 10 + bytes[p] - zero
  const isEnd = p === end || ((classes[bytes[p]] & wordByte) === 0 && bytes[p] !== dot && bytes[p] !== hyphen)
  let octet = 0
  let from = to
  while (classes[bytes[from - 1]] & digit) from--
  for (let i = from; i < to; i++) octet = octet * 10 + bytes[i] - zero
  return p - to > 2 && isEnd && value > octet && value < 256 ? p : to
}

/** Networks that are not global, by the IANA special-purpose registries: the first address and how many there are. */
const privateIpv4 = (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 ' +
  '198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4'
)
  .split(' ')
  .map(network => network.split('/'))
  .map(([base, bits]) => ({
    first: base.split('.').reduce((value, octet) => value * 256 + Number(octet), 0),
    size: 2 ** (32 - Number(bits)),
  }))

function isPublicIpv4({ bytes }: PiiText, from: number, to: number): boolean {
  let value = 0
  let octet = 0
  for (let i = from; i < to; i++) {
    if (bytes[i] !== dot) octet = octet * 10 + bytes[i] - zero
    else {
      value = value * 256 + octet
      octet = 0
    }
  }
  value = value * 256 + octet
  return !privateIpv4.some(({ first, size }) => value >= first && value < first + size)
}

/** Where four octets from `i` end, or -1. */
export function findQuadEnd({ bytes, end }: PiiText, i: number): number {
  let p = i
  for (let part = 0; part < 4; part++) {
    const from = p
    let octet = 0
    for (; p < end && p < from + 4 && classes[bytes[p]] & digit; p++) octet = octet * 10 + bytes[p] - zero
    if (p === from || octet > 255 || (p > from + 1 && bytes[from] === zero)) return -1
    if (part < 3 && (p >= end || bytes[p++] !== dot)) return -1
  }
  return p
}

/** A global unicast address (2000::/3) of three groups or more, so that `2000::2` stays the slice that it mostly is. */
function findIpv6End(text: PiiText, i: number): number {
  const { bytes, end } = text
  if ((bytes[i] & 0xfe) !== 0x32 || i + 4 >= end || bytes[i + 4] !== colon) return -1
  const values: number[] = []
  let gap = false
  let p = i
  for (;;) {
    const to = findHexEnd(text, p)
    if (to === p || values.length === 8) return -1
    values.push(parseHex(bytes, p, to))
    p = to
    if (p >= end || bytes[p] !== colon) break
    p++
    if (p >= end || bytes[p] !== colon) continue
    if (gap) return -1
    gap = true
    if (findHexEnd(text, ++p) === p) break
  }
  const whole = gap ? values.length >= 3 && values.length < 8 : values.length === 8
  if (!whole || !isAddressEnd(text, p) || (p < end && bytes[p] === colon)) return -1
  return isPublicIpv6(values) ? p : -1
}

function findHexEnd({ bytes, end }: PiiText, from: number): number {
  let p = from
  while (p < end && p < from + 4 && (classes[bytes[p]] & digit || isHexLetter(bytes[p]))) p++
  return p
}

function isHexLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
}

/** Without protocol assignments (2001::/23), documentation (2001:db8::/32, 3fff::/20) and 6to4 (2002::/16). */
function isPublicIpv6([first, second]: readonly number[]): boolean {
  if (first === 0x2001) return second >= 0x200 && second !== 0xdb8
  return first >= 0x2000 && first < 0x4000 && first !== 0x2002 && (first !== 0x3fff || second >= 0x1000)
}

function parseHex(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  // A letter's low bits are one less than its value's distance from nine.
  for (let i = from; i < to; i++) value = value * 16 + (bytes[i] & 0x0f) + (bytes[i] > 0x39 ? 9 : 0)
  return value
}
