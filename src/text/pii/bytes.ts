/** What personal data consists of, byte by byte. ASCII stands for itself, and everything else for one of three. */

/** A letter or mark of a script that parts its words: Latin, Cyrillic, Arabic ... */
export const partedLetter = 0x80
/** A letter of a script that does not, as Chinese and Thai, or that goes on after a name without a gap, as Korean. */
export const joinedLetter = 0x81
/** Anything else beyond ASCII. */
export const otherCharacter = 0x82

/** One of the characters that stand at a section's or a version's number: it is as a letter of a script without spaces. */
export const versionSign = 0x83

/** A byte at which a look begins. */
export const trigger = 1
export const digit = 2
export const letter = 4
/** Within a local part: RFC 5322's atoms without what delimits parts of a URL or of code (/ ? & # { | } and the backquote). */
export const local = 8
/** Between groups of a number. */
export const separator = 16
/** Before a phone number. */
export const phonePrefix = 32
export const wordByte = digit | letter | 64

export const classes = new Uint8Array(256)
mark('@+', trigger)
mark('0123456789', digit | trigger | local)
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', letter | local)
mark('_', wordByte & ~(digit | letter))
mark("!$%'*+=^_~-", local)
mark(' .-', separator)
mark(' \t\n\r([<>"\':,;|*', phonePrefix)
for (let byte = 0x80; byte < 0x100; byte++) classes[byte] |= phonePrefix

function mark(characters: string, bits: number): void {
  for (const character of characters) classes[character.charCodeAt(0)] |= bits
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

export function isJoined(byte: number): boolean {
  return byte === joinedLetter || byte === versionSign
}
