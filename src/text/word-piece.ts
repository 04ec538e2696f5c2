import { HeadraceError } from '../errors.ts'

/**
 * WordPiece, as encoders of BERT's family read text: words and signs are cut into the longest pieces that a vocabulary has. Ids equal those of Hugging
 * Face's tokenizers 0.23.3 (`BertWordPieceTokenizer`), but that `[SEP]` in a text is text, and that some 600 signs and accents which Unicode has named
 * since 2015 are signs and accents here.
 */

/** A vocabulary: pieces at the beginning of a word, and behind it (`##`). */
export interface WordPieces {
  readonly first: ReadonlyMap<string, number>
  readonly rest: ReadonlyMap<string, number>
  /** UTF-16 units of the longest piece. */
  readonly lengthMax: number
  readonly begin: number
  readonly end: number
  readonly unknown: number
}

/** `lower`: letters are folded and accents dropped, as uncased models have it. */
export type Casing = 'lower' | 'keep'

export interface Encoded {
  /** From `[CLS]` to `[SEP]`. */
  readonly ids: readonly number[]
  /** Whether there was more of the text. */
  readonly isCut: boolean
}

/** Characters of a word that is looked at; of a longer one nothing is known. */
const wordLengthMax = 100

/** Reads a `vocab.txt`: a piece a line, whose number from 0 on is its id. `file` is for messages. */
export function parseWordPieces(text: string, file: string): WordPieces {
  const [first, rest] = [new Map<string, number>(), new Map<string, number>()]
  let lengthMax = 0
  for (const [id, line] of text
    .replace(/\r?\n$/, '')
    .split('\n')
    .entries()) {
    const piece = line.endsWith('\r') ? line.slice(0, -1) : line
    if (piece.startsWith('##')) rest.set(piece.slice(2), id)
    else first.set(piece, id)
    lengthMax = Math.max(lengthMax, piece.length)
  }
  const idOf = (token: string) => {
    const id = first.get(token)
    if (id !== undefined) return id
    const message = `vocabulary ${file} has no line '${token}': give the vocab.txt of a BERT model, with a piece a line`
    throw new HeadraceError('corrupt', message)
  }
  return { first, rest, lengthMax, begin: idOf('[CLS]'), end: idOf('[SEP]'), unknown: idOf('[UNK]') }
}

/** The ids of a text, `tokensMax` of them at most, both ends included. No more of the text is looked at than they need. */
export function encodeWordPieces(pieces: WordPieces, text: string, tokensMax: number, casing: Casing): Encoded {
  const ids = [pieces.begin]
  let isCut = false
  for (const word of wordsOf(text, casing)) {
    const room = tokensMax - 1 - ids.length
    const own = cutWord(pieces, word)
    isCut = own.length > room
    for (let i = 0; i < own.length && i < room; i++) ids.push(own[i])
    if (isCut) break
  }
  ids.push(pieces.end)
  return { ids, isCut }
}

/** What is between white space, which most control characters are not; a bound, as each is copied some times. Words of as many characters are none. */
const chunk = /[^\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{1,65536}/gu
const removed = /[\p{Cc}\p{Cf}\p{Co}\ufffd]/gu
/** The blocks of Chinese characters that BERT names, each a word. */
const chinese =
  '\\u4e00-\\u9fff\\u3400-\\u4dbf\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}\\u{2b920}-\\u{2ceaf}\\uf900-\\ufaff\\u{2f800}-\\u{2fa1f}'
const sign = '\\p{P}$+<=>^`|~'
const word = new RegExp(`[${chinese}${sign}]|[^${chinese}${sign}]+`, 'gu')
const ascii = /^[\x21-\x7e]+$/

function* wordsOf(text: string, casing: Casing): Generator<string> {
  for (const [found] of text.matchAll(chunk)) for (const [one] of normalize(found, casing).matchAll(word)) yield one
}

function normalize(found: string, casing: Casing): string {
  if (ascii.test(found)) return casing === 'keep' ? found : found.toLowerCase()
  const cleaned = found.replace(removed, '')
  if (casing === 'keep') return cleaned
  // A sigma at the end of a word is folded as any other, as there characters are folded one by one.
  return cleaned
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .replaceAll('Σ', 'σ')
    .toLowerCase()
}

/** The longest piece at each place; the whole word is unknown where there is none. */
function cutWord({ first, rest, lengthMax, unknown }: WordPieces, word: string): number[] {
  if (word.length > wordLengthMax && [...word.slice(0, 2 * wordLengthMax + 1)].length > wordLengthMax) return [unknown]
  const ids: number[] = []
  for (let at = 0; at < word.length; ) {
    const known = at === 0 ? first : rest
    let end = Math.min(word.length, at + lengthMax)
    while (end > at && !known.has(word.slice(at, end))) end--
    if (end === at) return [unknown]
    ids.push(known.get(word.slice(at, end))!)
    at = end
  }
  return ids
}
