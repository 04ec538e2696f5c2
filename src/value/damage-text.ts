import { hash128, mix32 } from '../text/hash.ts'

/**
 * A text that is no longer fluent, made of one that is: what a head of fluency is to tell from it, where nobody has labelled texts. In the
 * texts of the web words are moved, missing, repeated or of pieces that don't belong together, so a text is damaged in one of these ways, chosen by its hash:
 * words change places within six, three in ten are left out, one in five is said again, or only runs of two to five of them stay.
 * Words are what white space parts, and characters in scripts without it. Its length, kind of words and layout stay close to what they were, so that
 * these give nothing away. The same text is always damaged to the same bytes, in linear time.
 */
export function damageText(bytes: Uint8Array): Buffer {
  // A word that was the last has to be apart from what comes behind it.
  const words = `${new TextDecoder().decode(bytes)} `.match(piece) ?? []
  const draw = new Draws(bytes)
  const damage = damages[draw.below(damages.length)]
  return Buffer.from(damage(words, draw).join('').trimEnd())
}

/** True for half of all texts, by their hash: those to be damaged where the others stay as they are. */
export function isToBeDamaged(bytes: Uint8Array): boolean {
  return new Draws(bytes, 1).below(2) === 1
}

type Damage = (words: readonly string[], draw: Draws) => string[]

const windowWords = 6

const move: Damage = (words, draw) => {
  const moved = [...words]
  for (let start = 0; start < moved.length; start += windowWords)
    for (let left = Math.min(windowWords, moved.length - start); left > 1; left--) {
      const [a, b] = [start + left - 1, start + draw.below(left)]
      ;[moved[a], moved[b]] = [moved[b], moved[a]]
    }
  return moved
}

const leaveOut: Damage = (words, draw) => words.filter(() => draw.below(10) >= 3)

const repeat: Damage = (words, draw) =>
  words.flatMap((word, at) => (draw.below(5) > 0 ? [word] : [word, ...words.slice(Math.max(0, at - 1), at + 1)]))

const splice: Damage = (words, draw) => {
  const left: string[] = []
  for (let at = 0; at < words.length; ) {
    const run = 2 + draw.below(4)
    left.push(...words.slice(at, at + run))
    at += run + 2 + draw.below(5)
  }
  return left
}

const damages: readonly Damage[] = [move, leaveOut, repeat, splice]

const unspaced = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}'
/** A word with the white space behind it; of scripts that write none between words, a character. */
const piece = new RegExp(`(?:[${unspaced}]|[^\\s${unspaced}]+)\\s*`, 'gu')

/** Whole numbers that a text's hash and `seed` decide. */
class Draws {
  readonly #key: number
  #count = 0

  constructor(bytes: Uint8Array, seed = 0) {
    const words = new Uint32Array(4)
    hash128(bytes, 0, bytes.length, seed, words)
    this.#key = words[0]
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor((mix32((this.#key + Math.imul(++this.#count, 0x9e3779b1)) | 0) / 2 ** 32) * end)
  }
}
