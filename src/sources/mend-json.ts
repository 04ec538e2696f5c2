import { faultBits } from './faults.ts'

/** A line that is JSON now, and what was wrong with it, as bits. */
export interface MendedLine {
  readonly line: string
  readonly faults: number
}

const quote = 0x22
const backslash = 0x5c
/** What Python, JavaScript and C print for numbers that JSON has no word for. */
const noNumber = /^[+-]?(?:nan|inf(?:inity)?)(?![\w.])/i
/** What else may begin as they do in JSON: where it is neither, the rest need not be looked at. */
const mayStand = /^(?:null|[+-]\d)/
/** Pieces of a line that are held before they are joined: a hostile line has millions. */
const partsMax = 4096
/** Characters of the longest of them, and the one after it. */
const lookedAt = '-infinity'.length + 1
const firstOfNoNumber = new Set(Array.from('+-nNiI', letter => letter.charCodeAt(0)))

/**
 * Mends what other programs write for JSON though it is none: NaN and infinities become null; control characters within strings get
 * their escapes, and NUL goes. Null where there was nothing to mend. Reads each character once.
 */
export function mendJson(source: string): MendedLine | null {
  const parts: string[] = []
  let mended = ''
  let faults = 0
  let done = 0
  const replace = (from: number, to: number, by: string, fault: number) => {
    parts.push(source.slice(done, from), by)
    done = to
    if (parts.length >= partsMax) mended += parts.splice(0).join('')
    faults |= fault
  }
  for (let at = 0, inString = false; at < source.length; at++) {
    const code = source.charCodeAt(at)
    if (code === quote) inString = !inString
    else if (!inString && firstOfNoNumber.has(code)) {
      const found = noNumber.exec(source.slice(at, at + lookedAt))
      if (!found && !mayStand.test(source.slice(at, at + lookedAt))) return null
      if (!found) continue
      const end = at + found[0].length
      replace(at, end, 'null', faultBits['not-a-number'])
      at = end - 1
    } else if (inString && code === backslash) at++
    else if (inString && code === 0) replace(at, at + 1, '', faultBits['nul-character'])
    else if (inString && code < 0x20) replace(at, at + 1, escapes[code], faultBits['control-character'])
  }
  return faults === 0 ? null : { line: mended + parts.join('') + source.slice(done), faults }
}

const escapes = Array.from({ length: 0x20 }, (_, code) => `\\u${code.toString(16).padStart(4, '0')}`)
