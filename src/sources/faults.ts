import { isUtf8 } from 'node:buffer'
import { faultNames } from '../batch/contract.ts'

export type Text = string | Uint8Array
export type FaultName = (typeof faultNames)[number]

/** The bit of each fault, for records that have several. */
export const faultBits = Object.fromEntries(faultNames.map((name, i) => [name, 1 << i])) as Record<FaultName, number>
const badCharacters = faultBits['invalid-utf8'] | faultBits['lone-surrogate'] | faultBits['nul-character']

/** The names of these bits, between spaces: the value of the column `repaired`. */
export function nameFaults(bits: number): string {
  return bits === 0 ? '' : faultNames.filter(name => bits & faultBits[name]).join(' ')
}

/** What is wrong with characters, as bits. Lone surrogates are no Unicode text; NUL ends strings in too many programs. */
export function findFaults(text: Text): number {
  if (typeof text === 'string')
    return (
      (text.isWellFormed() ? 0 : faultBits['lone-surrogate']) |
      (text.includes('\0') ? faultBits['nul-character'] : 0) |
      (text.includes('\r') ? faultBits['line-ends'] : 0)
    )
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.length)
  return (
    (isUtf8(text) ? 0 : faultBits['invalid-utf8']) |
    (bytes.includes(0) ? faultBits['nul-character'] : 0) |
    (bytes.includes(13) ? faultBits['line-ends'] : 0)
  )
}

/** Those that make a text no Unicode text; CR is none. */
export const badCharactersIn = (bits: number): number => bits & badCharacters

/** The text without these faults, or null where it is so full of them that it is in another encoding, or no text at all. */
export function repairText(text: Text, bits: number): string | null {
  const read = typeof text === 'string' ? replaceSurrogates(text) : decodeDamaged(text)
  if (read === null) return null
  // NUL stands for no character: it is padding, or half of a unit of UTF-16.
  const whole = bits & faultBits['nul-character'] ? read.replaceAll('\0', '') : read
  return bits & faultBits['line-ends'] ? whole.replace(/\r\n?/g, '\n') : whole
}

/** The characters that may be lost before a text counts as being in another encoding: a few of any text, one in a hundred of a long one. */
const lostCharactersMax = 8
const lostShareMax = 0.01
/** Of a very short text half must be left. */
const mayLose = (lost: number, characters: number) =>
  lost <= Math.max(lostCharactersMax, characters * lostShareMax) && lost * 2 <= characters

const replacement = '\ufffd'

/** Bytes as UTF-8, with U+FFFD for what is not; null where that is too much. */
export function decodeDamaged(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString()
  if (isUtf8(bytes)) return text
  const lost = countOf(text, replacement) - countOf(buffer.toString('latin1'), '\xef\xbf\xbd')
  return mayLose(lost, text.length) ? text : null
}

function replaceSurrogates(text: string): string | null {
  if (text.isWellFormed()) return text
  const whole = text.toWellFormed()
  return mayLose(countOf(whole, replacement) - countOf(text, replacement), text.length) ? whole : null
}

function countOf(text: string, what: string): number {
  let count = 0
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + what.length)) count++
  return count
}
