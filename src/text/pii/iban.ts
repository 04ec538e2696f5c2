import { classes, digit, letter, wordByte } from './bytes.ts'
import { isNumberEnd } from './number.ts'
import type { PiiText } from './spans.ts'

const space = 0x20
const hyphen = 0x2d

/** Characters of an IBAN by its country: the IBAN Registry of SWIFT, release 99. */
const lengths = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 ' +
    'FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 ' +
    'MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 ' +
    'SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map(entry => [entry.slice(0, 2), Number(entry.slice(2))] as const),
)

/** Where an IBAN ends (ISO 13616-1), whose two check digits begin at `i` and whose country stands before; or -1. Written whole or in fours. */
export function findIbanEnd(text: PiiText, i: number): number {
  const { bytes, start, end } = text
  if (i - 2 < start || (i - 3 >= start && (classes[bytes[i - 3]] & wordByte) !== 0)) return -1
  const length = lengths.get(String.fromCharCode(bytes[i - 2], bytes[i - 1]).toUpperCase()) ?? 0
  let code = ''
  let p = i - 2
  for (; code.length < length; p++) {
    if (p >= end) return -1
    const isGap = (bytes[p] === space || bytes[p] === hyphen) && code.length > 0 && code.length % 4 === 0
    if (isGap && bytes[p - 1] !== bytes[p]) continue
    if ((classes[bytes[p]] & (digit | letter)) === 0) return -1
    code += String.fromCharCode(bytes[p])
  }
  return length > 0 && isNumberEnd(text, p) && isChecked(code.toUpperCase()) ? p : -1
}

/** ISO 7064, MOD 97-10: the country and the check digits go to the end, letters are 10 to 35. */
function isChecked(code: string): boolean {
  let rest = 0
  for (const character of code.slice(4) + code.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}
