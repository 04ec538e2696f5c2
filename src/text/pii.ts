/**
 * Finds personal data in UTF-8 bytes: e-mail addresses, public IP addresses, phone numbers. One pass; at an `@`, a digit or a
 * `+` the bytes around are verified, each of them a bounded number of times, so that hostile text takes no longer.
 */

/** Kinds of span, as numbers. */
export const piiKinds = Object.freeze({ email: 1, ipv4: 2, ipv6: 3, phone: 4 })

/**
 * What stands in a span's place, by kind. E-mail and IPv4 as datatrove 0.10 (`example` domains are reserved by RFC 2606; its IP
 * list answered no ping when it was made); IPv6 for documentation (RFC 3849); a phone number set apart for fiction. A found text
 * that is one of these is no span, so masking twice changes nothing.
 */
export const piiPlaceholders: Readonly<Record<number, readonly string[]>> = Object.freeze({
  [piiKinds.email]: ['email@example.com', 'firstname.lastname@example.org'],
  [piiKinds.ipv4]: [
    '22.214.171.124',
    '126.96.36.199',
    '188.8.131.52',
    '184.108.40.206',
    '220.127.116.11',
    '18.104.22.168',
  ],
  [piiKinds.ipv6]: ['2001:db8::1'],
  [piiKinds.phone]: ['555-0100'],
})

export interface PiiChoice {
  readonly emails: boolean
  readonly ipAddresses: boolean
  readonly phones: boolean
}

/** Spans of many texts, flat: start, end, kind. */
export class SpanBuffer {
  values = new Int32Array(96)
  length = 0

  push(start: number, end: number, kind: number): void {
    if (this.length + 3 > this.values.length) {
      const grown = new Int32Array(this.values.length * 2)
      grown.set(this.values)
      this.values = grown
    }
    this.values.set([start, end, kind], this.length)
    this.length += 3
  }
}

/** `[start, end)` of `bytes`. The verifiers take one, so that no look at a neighbour leaves it. */
interface Text {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

const trigger = 1
const digit = 2
const letter = 4
const local = 8
const separator = 16
const phonePrefix = 32
const wordByte = digit | letter | 64

const classes = new Uint8Array(256)
mark('@+', trigger)
mark('0123456789', digit | trigger | local)
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', letter | local)
mark('_', wordByte & ~(digit | letter))
// Atoms of RFC 5322 without what delimits parts of a URL or of code: / ? & # { | } and the backquote.
mark("!$%'*+=^_~-", local)
mark(' .-', separator)
mark(' \t\n([<>"\':,;|*', phonePrefix)
for (let byte = 0x80; byte < 0x100; byte++) classes[byte] |= phonePrefix

function mark(characters: string, bits: number): void {
  for (const character of characters) classes[character.charCodeAt(0)] |= bits
}

const at = 0x40
const dot = 0x2e
const hyphen = 0x2d
const plus = 0x2b
const colon = 0x3a
const space = 0x20
const open = 0x28
const close = 0x29
const zero = 0x30

/** Adds the spans of `bytes[start, end)` to `spans`, in order and apart from each other; their offsets count from `start`. */
export function findPii(bytes: Uint8Array, start: number, end: number, choice: PiiChoice, spans: SpanBuffer): void {
  const text = { bytes, start, end }
  const first = spans.length
  for (let i = start; i < end; ) {
    const byte = bytes[i]
    if ((classes[byte] & trigger) === 0) {
      i++
      continue
    }
    const next =
      byte === at ? (choice.emails ? takeEmail(text, i, first, spans) : -1) : takeNumber(text, i, choice, spans)
    if (next > i) i = next
    else for (i++; classes[byte] & digit && i < end && classes[bytes[i]] & digit; ) i++
  }
}

/** Adds a span unless it is a placeholder already; returns its end. */
function addSpan({ bytes, start }: Text, from: number, to: number, kind: number, spans: SpanBuffer): number {
  const found = String.fromCharCode(...bytes.subarray(from, to))
  if (!piiPlaceholders[kind].includes(found)) spans.push(from - start, to - start, kind)
  return to
}

// E-mail

/** RFC 5321, 4.5.3.1: octets of a local part and of a domain. */
const localBytesMax = 64
const domainBytesMax = 255

function takeEmail(text: Text, i: number, first: number, spans: SpanBuffer): number {
  const from = findLocalPart(text, i)
  if (from < 0) return -1
  const to = findDomainEnd(text, i + 1)
  if (to < 0) return -1
  // An address may begin with what looked like a number; another address before it stays.
  while (spans.length > first && text.start + spans.values[spans.length - 2] > from) {
    if (spans.values[spans.length - 1] === piiKinds.email) return -1
    spans.length -= 3
  }
  return addSpan(text, from, to, piiKinds.email, spans)
}

/** Where the local part before the `@` at `i` begins: dot-separated atoms, the first byte of a word; or -1. */
function findLocalPart({ bytes, start }: Text, i: number): number {
  const least = Math.max(start, i - localBytesMax - 1)
  let from = i
  while (from > least) {
    const byte = bytes[from - 1]
    if (byte === dot ? bytes[from] === dot || from === i : (classes[byte] & local) === 0) break
    from--
  }
  if (i - from > localBytesMax) return -1
  while (from < i && (classes[bytes[from]] & wordByte) === 0) from++
  return from < i ? from : -1
}

/** Where the longest domain from `i` ends that has two labels or more and a name, not a number, as its last; or -1. */
function findDomainEnd({ bytes, end }: Text, i: number): number {
  const most = Math.min(end, i + domainBytesMax)
  let found = -1
  for (let from = i, labels = 1; ; labels++) {
    let to = from
    let letters = 0
    for (; to < most && (classes[bytes[to]] & (digit | letter) || bytes[to] === hyphen); to++)
      if (classes[bytes[to]] & letter) letters++
    if (to === from || bytes[from] === hyphen) return found
    let last = to
    while (bytes[last - 1] === hyphen) last--
    // A top-level domain: letters alone, or punycode.
    if (labels > 1 && letters >= 2 && (letters === last - from || bytes[from + 2] === hyphen)) found = last
    if (last < to || to >= most || bytes[to] !== dot) return found
    from = to + 1
  }
}

// Numbers

function takeNumber(text: Text, i: number, choice: PiiChoice, spans: SpanBuffer): number {
  const { bytes, start } = text
  if (choice.phones) {
    const to = bytes[i] === plus ? findInternationalEnd(text, i) : findNationalEnd(text, i)
    const opened = to > 0 && bytes[i + 3] === close && i > start && bytes[i - 1] === open
    if (to > 0) return addSpan(text, opened ? i - 1 : i, to, piiKinds.phone, spans)
  }
  if (!choice.ipAddresses || bytes[i] === plus) return -1
  const ipv4 = findIpv4End(text, i)
  if (ipv4 > 0) return addSpan(text, i, ipv4, piiKinds.ipv4, spans)
  const ipv6 = findIpv6End(text, i)
  return ipv6 > 0 ? addSpan(text, i, ipv6, piiKinds.ipv6, spans) : -1
}

function isDigits({ bytes, end }: Text, from: number, count: number): boolean {
  if (from + count > end) return false
  for (let i = from; i < from + count; i++) if ((classes[bytes[i]] & digit) === 0) return false
  return true
}

/** A number of North America (as dolma, but with separators) or a Chinese mobile number. */
function findNationalEnd(text: Text, i: number): number {
  const { bytes } = text
  if (bytes[i] !== 0x31) return isPhoneStart(text, i) ? findAmericanEnd(text, i, i) : -1
  if (!isPhoneStart(text, i)) return -1
  if (isDigits(text, i, 3) && bytes[i + 1] >= 0x33) return findMobileEnd(text, i)
  if ((classes[bytes[i + 1]] & separator) === 0) return -1
  return findAmericanEnd(text, i, bytes[i + 2] === open ? i + 3 : i + 2)
}

/** Area code and exchange begin with 2 to 9. `(202) 555-0143`, `202-555-0143`, `1.202.555.0143`; never ten bare digits. */
function findAmericanEnd(text: Text, i: number, area: number): number {
  const { bytes, start } = text
  if (!isDigits(text, area, 3) || bytes[area] < 0x32) return -1
  let p = area + 3
  const opened = area > start && bytes[area - 1] === open
  if (opened ? bytes[p] !== close : (classes[bytes[p]] & separator) === 0) return -1
  p++
  if (opened && classes[bytes[p]] & separator) p++
  if (!isDigits(text, p, 3) || bytes[p] < 0x32 || (classes[bytes[p + 3]] & separator) === 0) return -1
  return isDigits(text, p + 4, 4) ? endPhone(text, i, p + 8) : -1
}

/** 1[3-9] and nine digits, whole or as 3-4-4. */
function findMobileEnd(text: Text, i: number): number {
  const { bytes } = text
  const gap = classes[bytes[i + 3]] & separator ? 1 : 0
  if (!isDigits(text, i + 3 + gap, 4) || (gap && (classes[bytes[i + 8]] & separator) === 0)) return -1
  return isDigits(text, i + 7 + 2 * gap, 4) ? endPhone(text, i, i + 11 + 2 * gap) : -1
}

/** E.164 has 15 digits at most. Fewer than ten in one piece, or a single dot, are a number that has a sign. */
function findInternationalEnd(text: Text, i: number): number {
  const { bytes, end } = text
  if (!isPhoneStart(text, i) || !isDigits(text, i + 1, 1) || bytes[i + 1] === zero) return -1
  let found = -1
  let gaps = 0
  let dots = 0
  for (let p = i + 1, digits = 0; ; ) {
    for (; p < end && classes[bytes[p]] & digit && digits <= 15; p++) digits++
    if (digits > 15) break
    if (digits >= (gaps > 0 ? 8 : 10) && (gaps > 1 || dots === 0)) found = p
    const gap = measureGap(text, p)
    if (gap === 0) break
    gaps++
    if (bytes[p] === dot) dots++
    p += gap
  }
  return found > 0 && findQuadEnd(text, i + 1) < 0 ? endPhone(text, i, found) : -1
}

/** One or two separators or brackets with a digit behind; 0 for none. */
function measureGap({ bytes, end }: Text, from: number): number {
  let p = from
  while (p < end && p - from < 2 && (classes[bytes[p]] & separator || bytes[p] === open || bytes[p] === close)) p++
  return p < end && classes[bytes[p]] & digit ? p - from : 0
}

function isPhoneStart({ bytes, start }: Text, i: number): boolean {
  return i === start || (classes[bytes[i - 1]] & phonePrefix) !== 0
}

/** `to` when nothing after it goes on with the number, and nothing around it makes it a column of numbers; else -1. */
function endPhone(text: Text, from: number, to: number): number {
  const { bytes, start, end } = text
  if (!isNumberEnd(text, to)) return -1
  const matched = bytes.subarray(from, to)
  if (!matched.includes(space) || matched.includes(close)) return to
  const before = from - start >= 2 && bytes[from - 1] === space && classes[bytes[from - 2]] & digit
  const after = to + 1 < end && bytes[to] === space && classes[bytes[to + 1]] & digit
  return before || after ? -1 : to
}

/** Not within a word, an address, a version or a longer number. */
function isNumberEnd({ bytes, end }: Text, to: number): boolean {
  if (to === end) return true
  if (classes[bytes[to]] & wordByte || bytes[to] === at) return false
  const next = to + 1 < end ? bytes[to + 1] : 0
  return bytes[to] === hyphen ? (classes[next] & wordByte) === 0 : bytes[to] !== dot || (classes[next] & digit) === 0
}

function isAddressStart({ bytes, start }: Text, i: number): boolean {
  const before = i > start ? bytes[i - 1] : space
  return (classes[before] & wordByte) === 0 && before !== dot && before !== hyphen
}

/** Networks that are not global, by the IANA special-purpose registries: base and size. */
const privateIpv4 = (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 ' +
  '198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4'
)
  .split(' ')
  .map(network => network.split('/'))
  .map(([base, bits]) => [
    base.split('.').reduce((value, octet) => value * 256 + Number(octet), 0),
    2 ** (32 - Number(bits)),
  ])

function findIpv4End(text: Text, i: number): number {
  const to = findQuadEnd(text, i)
  if (to < 0 || !isAddressStart(text, i) || !isNumberEnd(text, to)) return -1
  const octets = String.fromCharCode(...text.bytes.subarray(i, to)).split('.')
  const value = octets.reduce((sum, octet) => sum * 256 + Number(octet), 0)
  return privateIpv4.some(([base, size]) => value >= base && value < base + size) ? -1 : to
}

/** Where four octets from `i` end, or -1. */
function findQuadEnd({ bytes, end }: Text, i: number): number {
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
function findIpv6End(text: Text, i: number): number {
  const { bytes, end } = text
  if ((bytes[i] & 0xfe) !== 0x32 || i + 4 >= end || bytes[i + 4] !== colon) return -1
  const values: number[] = []
  let gap = false
  let p = i
  for (;;) {
    const to = findHexEnd(text, p)
    if (to === p || values.length === 8) return -1
    values.push(Number.parseInt(String.fromCharCode(...bytes.subarray(p, to)), 16))
    p = to
    if (p >= end || bytes[p] !== colon) break
    p++
    if (p >= end || bytes[p] !== colon) continue
    if (gap) return -1
    gap = true
    if (findHexEnd(text, ++p) === p) break
  }
  const whole = gap ? values.length >= 3 && values.length < 8 : values.length === 8
  if (!whole || !isAddressStart(text, i) || !isNumberEnd(text, p) || (p < end && bytes[p] === colon)) return -1
  return isPublicIpv6(values) ? p : -1
}

function findHexEnd({ bytes, end }: Text, from: number): number {
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
