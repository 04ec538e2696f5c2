import { isAscii } from 'node:buffer'
import { joinedLetter, otherCharacter, partedLetter, versionSign } from './bytes.ts'
import type { PiiText } from './spans.ts'

/** A character that is as if it were not there: zero-width spaces and the like. */
const nothing = 0
/** What the code points of each block are folded to; made when the first text has one of them, as there are 1.1 million. */
const blockBits = 8
const tables: (Uint8Array | undefined)[] = Array(0x110000 >> blockBits)

/**
 * Folds texts to a byte a character, so that finders know ASCII alone: digits of every script, full-width forms, and the many spaces and
 * hyphens become ASCII's, invisible characters vanish, and other characters become classes of them.
 */
export class Folder {
  #bytes = new Uint8Array(1024)
  /** Where the character of each folded byte begins, counted from the text's start. */
  #starts = new Int32Array(1025)

  /** The text as it is when it is ASCII. What is given is good until the next call. */
  fold(bytes: Uint8Array, start: number, end: number): PiiText {
    if (isAscii(bytes.subarray(start, end))) return { bytes, start, end }
    this.#reserve(end - start)
    const folded = this.#bytes
    const starts = this.#starts
    let length = 0
    for (let i = start; i < end; ) {
      const from = i
      const lead = bytes[i++]
      let byte = lead
      if (lead >= 0x80) {
        let point = lead < 0xe0 ? lead & 0x1f : lead < 0xf0 ? lead & 0x0f : lead & 0x07
        while (i < end && (bytes[i] & 0xc0) === 0x80) point = (point << 6) | (bytes[i++] & 0x3f)
        byte = tableOf(point >> blockBits)[point & 0xff]
        if (byte === nothing) continue
      }
      folded[length] = byte
      starts[length++] = from - start
    }
    starts[length] = end - start
    return { bytes: folded.subarray(0, length), start: 0, end: length }
  }

  /** Where a place of a folded text lies in the text itself, both counted from its start. */
  placeOf({ bytes, start }: PiiText, place: number): number {
    return bytes.buffer === this.#bytes.buffer ? this.#starts[place] : place - start
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return
    this.#bytes = new Uint8Array(length * 2)
    this.#starts = new Int32Array(length * 2 + 1)
  }
}

function tableOf(block: number): Uint8Array {
  tables[block] ??= Uint8Array.from({ length: 1 << blockBits }, (_, low) =>
    foldPoint(String.fromCodePoint((block << blockBits) | low)),
  )
  return tables[block]
}

const digits = /^\p{Nd}$/u
const spaces = /^\p{Zs}$/u
/** Hyphens, the minus and the dash between numbers; a longer dash parts sentences. */
const hyphens = /^[\u2010-\u2013\u2212\ufe58\ufe63]$/
const invisible = /^\p{Default_Ignorable_Code_Point}$/u
const letters = /^[\p{L}\p{M}]$/u
/** Of versions and editions, sections, chapters, articles and clauses. */
const signs = /^[版第节節章条條款§№]$/u
const joined =
  /^[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]$/u

function foldPoint(character: string): number {
  const point = character.codePointAt(0)!
  // The full-width forms are ASCII's, in order.
  if (point >= 0xff01 && point <= 0xff5e) return point - 0xff01 + 0x21
  if (digits.test(character)) return 0x30 + digitOf(point)
  if (spaces.test(character)) return 0x20
  if (hyphens.test(character)) return 0x2d
  if (invisible.test(character)) return nothing
  if (signs.test(character)) return versionSign
  if (!letters.test(character)) return otherCharacter
  return joined.test(character) ? joinedLetter : partedLetter
}

/** Digits of a script are ten in a row, from 0 on (Unicode Standard 16.0, 4.6); rows may follow each other without a gap. */
function digitOf(point: number): number {
  let before = 0
  while (digits.test(String.fromCodePoint(point - before - 1))) before++
  return before % 10
}
