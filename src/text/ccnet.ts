import { lastPointStart, lengthOf, pointAt } from './bytes.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** CCNet's table. Its fullwidth digit one is left out: digits are replaced before these. */
const punctuation: ReadonlyMap<string, string> = new Map([
  ...[...'，、'].map(sign => [sign, ','] as const),
  ['。', '.'],
  ...[...'„”“«»」「《》'].map(sign => [sign, '"'] as const),
  ...[...'´’'].map(sign => [sign, "'"] as const),
  ...[...'∶：'].map(sign => [sign, ':'] as const),
  ['？', '?'],
  ['！', '!'],
  ['（', '('],
  ['）', ')'],
  ['；', ';'],
  ...[...'–━►'].map(sign => [sign, '-'] as const),
  ['—', ' - '],
  ['．', '. '],
  ['～', '~'],
  ['…', '...'],
  ['〈', '<'],
  ['〉', '>'],
  ['【', '['],
  ['】', ']'],
  ['％', '%'],
])
/** What Python's `str.strip` takes off. */
const isWhite = (point: number) =>
  (point >= 0x1c && point <= 0x1f) || point === 0x85 || (point !== 0xfeff && /\s/.test(String.fromCodePoint(point)))
const sigma = [0xce, 0xa3] as const

/**
 * Texts as CCNet gives them to its language models (`text_normalizer.normalize` of facebookresearch/cc_net, by default): white space off at both
 * ends, lower case, without what marks letters (NFD less Mn), each digit 0, typographic and fullwidth punctuation plain, without control characters.
 * Line feeds are such: of a text of several lines, words run together over their ends, as in CCNet. Marks that are letters of their own (Mc) stay
 * in the order in which they are written.
 */
export class CcnetNormalizer {
  /** Of the last text, the first `length` bytes. */
  bytes = new Uint8Array(1024)
  length = 0
  /** What each character becomes, as they are met. */
  readonly #ascii = Array.from({ length: 128 }, (_, point) => replace(point))
  readonly #others = new Map<number, Uint8Array>()

  normalize(text: Uint8Array, start: number, end: number): void {
    this.length = 0
    let [from, to] = [start, end]
    while (from < to && isWhite(pointAt(text, from))) from += lengthOf(text[from])
    while (from < to && isWhite(pointAt(text, lastPointStart(text, from, to)))) to = lastPointStart(text, from, to)
    // A sigma at a word's end is another one, which its neighbours decide.
    const lower = hasSigma(text, from, to)
      ? encoder.encode(decoder.decode(text.subarray(from, to)).toLowerCase())
      : null
    if (lower) this.#pushAll(lower, 0, lower.length)
    else this.#pushAll(text, from, to)
  }

  #pushAll(text: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += lengthOf(text[at])) {
      const point = pointAt(text, at)
      const made = point < 128 ? this.#ascii[point] : this.#find(point)
      if (this.length + made.length > this.bytes.length) this.#grow(made.length)
      for (let i = 0; i < made.length; i++) this.bytes[this.length++] = made[i]
    }
  }

  #find(point: number): Uint8Array {
    const known = this.#others.get(point)
    if (known) return known
    const made = replace(point)
    this.#others.set(point, made)
    return made
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(2 * (this.length + bytes))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }
}

function replace(point: number): Uint8Array {
  const bare = String.fromCodePoint(point)
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
  const plain = Array.from(bare.replace(/\p{Nd}/gu, '0'), sign => punctuation.get(sign) ?? sign).join('')
  return encoder.encode(plain.replace(/\p{Cc}/gu, ''))
}

function hasSigma(text: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text[at] === sigma[0] && text[at + 1] === sigma[1]) return true
  return false
}
