import { BadFileError } from '../bad-file.ts'
import { newline } from './lines.ts'

const [quote, backslash, comma, space, carriageReturn] = [34, 92, 44, 32, 13]
const [openBracket, closeBracket, openBrace, closeBrace] = [91, 93, 123, 125]

/**
 * Turns JSON values that follow each other, written over many lines or as the items of one array, into one line each. Broken JSON stays
 * broken JSON. Throws a BadFileError where the text ends within a value or an array.
 */
export async function* toLines(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const splitter = new ValueSplitter()
  for await (const block of blocks) yield splitter.split(block)
  yield splitter.end()
}

/** What stands between values: white space, commas, and the mark of RFC 7464. */
const isBetween = (byte: number) =>
  byte === space || byte === newline || byte === 13 || byte === 9 || byte === comma || byte === 0x1e

class ValueSplitter {
  /** How many brackets and braces of a value are open. */
  #depth = 0
  #isInString = false
  #isEscaped = false
  #isInValue = false
  #isInArray = false

  split(block: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafe(2 * block.length)
    let length = 0
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]
      if (this.#isInString) {
        // A line that is broken off in a string is no JSON, and stays none.
        // A line can't hold a line feed; where it is repaired, a carriage return ends a line of the text, too.
        out[length++] = byte === newline ? carriageReturn : byte
        this.#goOnInString(byte)
      } else if (!this.#isInValue && this.#isOutside(byte)) continue
      else if (this.#depth === 0 && this.#isInValue && (isBetween(byte) || byte === closeBracket)) {
        out[length++] = newline
        this.#isInValue = false
        i--
      } else {
        out[length++] = byte === newline ? space : byte
        if (this.#goOn(byte)) out[length++] = newline
      }
    }
    return out.subarray(0, length)
  }

  /** The last value's end. */
  end(): Uint8Array {
    if (this.#depth > 0 || this.#isInString)
      throw new BadFileError('truncated-file', 'the file ends within a JSON value')
    if (this.#isInArray) throw new BadFileError('truncated-file', 'the file ends within a JSON array')
    return this.#isInValue ? Buffer.from([newline]) : new Uint8Array(0)
  }

  #goOnInString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) this.#isInString = false
  }

  /** Whether a byte is no part of a value; it may open or close the array. */
  #isOutside(byte: number): boolean {
    if (isBetween(byte)) return true
    if (byte === openBracket && !this.#isInArray) this.#isInArray = true
    else if (byte === closeBracket && this.#isInArray) this.#isInArray = false
    else return false
    return true
  }

  /** Takes a byte of a value; true when that ends it. */
  #goOn(byte: number): boolean {
    this.#isInValue = true
    if (byte === quote) this.#isInString = true
    else if (byte === openBrace || byte === openBracket) this.#depth++
    else if ((byte === closeBrace || byte === closeBracket) && --this.#depth <= 0) {
      this.#depth = 0
      this.#isInValue = false
      return true
    }
    return false
  }
}
