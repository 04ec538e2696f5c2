import type { Columns, Utf8Column } from '../../batch/batch.ts'
import { flag, oneOf, optional, orNull, whole } from '../../options.ts'
import { lengthOf, pointAt } from '../../text/bytes.ts'
import { findBreak, skipBreak, spaceLength, trimEnd, trimStart } from '../../text/lines.ts'
import { countSentencesIn, splitSentences } from '../../text/words/sentences.ts'
import { type Chosen, filter, type Out } from '../filter.ts'
import { any, below, columnOf, count } from '../measure.ts'

/** Why a line goes, in the order of the tests and of the values of `c4RemovedByCause`. */
export const c4RemovalCauses = [
  'word-too-long',
  'no-terminal-punctuation',
  'too-few-words',
  'javascript',
  'policy',
] as const
const [wordTooLong, noTerminalPunctuation, tooFewWords, javascript, policy] = c4RemovalCauses.keys()

const measures = {
  text: columnOf('utf8')('the lines that stay, without white space around them, joined by LF', {
    unit: optional('what is looked at; sentences are joined by a space', oneOf(['line', 'sentence']), 'line'),
    terminalMark: optional('removes lines that end otherwise than with `.?!"\'`, or with `...`', flag, true),
    citations: optional('removes `[12]`, `[]`, `[edit]` and `[citation needed]` from lines', flag, true),
    wordsPerLineMin: optional('removes lines with fewer words between white space', orNull(whole()), 3),
    wordLengthMax: optional('removes lines with a longer word, in characters', orNull(whole()), 1000),
    javascript: optional('removes lines that mention JavaScript', flag, true),
    policy: optional('removes lines about cookies, privacy policies and terms of use', flag, true),
  }),
  c4Lines: count('lines before'),
  c4LinesRemoved: count('lines that went'),
  c4RemovedByCause: columnOf('list<i32>')(`how many of them were ${c4RemovalCauses.join(', ')}`),
  c4LoremIpsum: count('lines with `lorem ipsum` that are long enough and end as they should', {
    loremIpsum: any('lorem-ipsum'),
  }),
  c4CurlyBrackets: count('the same for `{`, on lines that do not mention JavaScript', {
    curlyBracket: any('curly-bracket'),
  }),
  c4Sentences: count('sentences of the lines that stay, each line by itself', {
    sentencesMin: below(5, 'too-few-sentences'),
  }),
}

/**
 * C4's cleaning of a page (Raffel et al. 2020, section 2.2) as datatrove 0.10.1 does it. Lorem ipsum below a curly bracket does not count
 * while `curlyBracket` is on, so that the reason is the one that comes first in the text, as datatrove's is.
 */
export const c4 = filter({
  name: 'c4',
  version: 1,
  about: "C4's cleaning of a page, for English: the text becomes the lines that stay.",
  measures,
  measuredWith: ['curlyBracket'],
  measure: (texts, found, options) => cleanTexts(texts.column, options, found),
})

/** A row on its way: what is written of it to the batch's new text, and where what is found is counted. */
interface Page {
  readonly options: Chosen<typeof measures>
  readonly found: Out<typeof measures>
  readonly removedByCause: Int32Array
  readonly out: Uint8Array
  row: number
  /** Where the row begins and ends in `out`. */
  start: number
  end: number
  linesKept: number
  /** Of the line that was copied last, citations included: words between white space, the longest in characters. */
  words: number
  longestWord: number
  hasCurlyBracket: boolean
}

function cleanTexts({ bytes, offsets }: Utf8Column, options: Page['options'], found: Page['found']): Columns {
  const rows = offsets.length - 1
  const causes = c4RemovalCauses.length
  const page: Page = {
    options,
    found,
    removedByCause: new Int32Array(rows * causes),
    // A line and its break only become shorter; a sentence may have no white space after it.
    out: new Uint8Array((offsets[rows] - offsets[0]) * (options.unit === 'line' ? 1 : 2)),
    row: 0,
    start: 0,
    end: 0,
    linesKept: 0,
    words: 0,
    longestWord: 0,
    hasCurlyBracket: false,
  }
  const newOffsets = new Int32Array(rows + 1)
  for (; page.row < rows; page.row++) {
    page.start = page.end
    page.linesKept = 0
    editText(bytes, offsets[page.row], offsets[page.row + 1], page)
    newOffsets[page.row + 1] = page.end
    found.c4LinesRemoved[page.row] = found.c4Lines[page.row] - page.linesKept
  }
  const causeOffsets = newOffsets.map((_, row) => row * causes)
  return {
    text: { kind: 'utf8', offsets: newOffsets, bytes: page.out.slice(0, page.end) },
    c4RemovedByCause: { kind: 'list<i32>', offsets: causeOffsets, values: page.removedByCause },
  }
}

function editText(bytes: Uint8Array, start: number, end: number, page: Page): void {
  if (page.options.unit === 'line')
    for (let at = start; at < end; ) {
      const stop = findBreak(bytes, at, end)
      editLine(bytes, at, stop, page)
      at = skipBreak(bytes, stop, end)
    }
  else {
    let at = start
    for (const stop of splitSentences(bytes, start, end)) editLine(bytes, at, (at = stop), page)
  }
  const first = trimStart(page.out, page.start, page.end)
  const last = trimEnd(page.out, first, page.end)
  if (first > page.start) page.out.copyWithin(page.start, first, last)
  page.end = page.start + last - first
}

/** Appends a line to the page, or counts why not. */
function editLine(bytes: Uint8Array, start: number, end: number, page: Page): void {
  const { out, found, row, options } = page
  const first = trimStart(bytes, start, end)
  const from = page.linesKept > 0 ? page.end + 1 : page.end
  const to = copyLine(bytes, first, trimEnd(bytes, first, end), from, page)
  const cause = findCause(from, to, page)
  found.c4Lines[row]++
  if (cause >= 0) {
    page.removedByCause[row * c4RemovalCauses.length + cause]++
    return
  }
  if (page.linesKept++ > 0) out[from - 1] = options.unit === 'line' ? 0x0a : 0x20
  page.end = to
  found.c4Sentences[row] += options.unit === 'line' ? countSentences(out, from, to) : 1
}

/** Sentences of a line. A line of ASCII with no mark before its last byte has one, so its words need not be split. */
function countSentences(out: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to - 1; at++) {
    const byte = out[at]
    if (byte >= 0x80 || byte === 0x2e || byte === 0x21 || byte === 0x3f || byte < 0x20)
      return countSentencesIn(out, from, to)
  }
  return 1
}

/** Why the line that was copied to `page.out[from, to)` goes, or -1. Counts on the way what drops the whole text. */
function findCause(from: number, to: number, page: Page): number {
  const { out, found, row, options } = page
  if (options.wordLengthMax !== null && page.longestWord > options.wordLengthMax) return wordTooLong
  if (options.terminalMark && !endsSentence(out, from, to)) return noTerminalPunctuation
  if (options.wordsPerLineMin !== null && page.words < options.wordsPerLineMin) return tooFewWords
  const phrases = findPhrases(out, from, to)
  if (phrases & LOREM_IPSUM && !(options.curlyBracket && found.c4CurlyBrackets[row] > 0)) found.c4LoremIpsum[row]++
  if (options.javascript && phrases & JAVASCRIPT) return javascript
  if (page.hasCurlyBracket) found.c4CurlyBrackets[row]++
  return options.policy && phrases & POLICY ? policy : -1
}

/** `.`, `?`, `!`, `"` or `'`, but not three dots. */
function endsSentence(out: Uint8Array, from: number, to: number): boolean {
  const last = to > from ? out[to - 1] : 0
  if (last === 0x2e) return !(to - from >= 3 && out[to - 2] === 0x2e && out[to - 3] === 0x2e)
  return last === 0x3f || last === 0x21 || last === 0x22 || last === 0x27
}

/** Copies `bytes[start, end)` to `page.out` from `to`, without citations where asked, and returns where the copy ends. */
function copyLine(bytes: Uint8Array, start: number, end: number, to: number, page: Page): number {
  const { out } = page
  const { citations } = page.options
  let [words, longest, characters] = [0, 0, 0]
  let skipUntil = start
  let hasCurlyBracket = false
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if ((byte <= 0x20 || byte >= 0xc2) && spaceLength(bytes, at, end) > 0) {
      if (characters > longest) longest = characters
      if (characters > 0) words++
      // The rest of a white space character of several bytes is continuation bytes, which count as nothing.
      characters = 0
    } else if ((byte & 0xc0) !== 0x80) {
      characters++
      if (byte === 0x7b) hasCurlyBracket = true
      if (byte === 0x5b && citations && at >= skipUntil) skipUntil = at + citationLength(bytes, at, end)
    }
    if (at >= skipUntil) out[to++] = byte
  }
  page.words = characters > 0 ? words + 1 : words
  page.longestWord = Math.max(longest, characters)
  page.hasCurlyBracket = hasCurlyBracket
  return to
}

const encoder = new TextEncoder()
const fixedCitations = ['[edit]', '[citation needed]'].map(text => encoder.encode(text))

/** Bytes of the citation that begins with the `[` at `at`: digits of any script, or none, or one of two notes; otherwise 0. */
function citationLength(bytes: Uint8Array, at: number, end: number): number {
  let close = at + 1
  while (close < end && isDigit(pointAt(bytes, close))) close += lengthOf(bytes[close])
  if (close < end && bytes[close] === 0x5d) return close + 1 - at
  for (const citation of fixedCitations) if (equalsAt(bytes, at, end, citation)) return citation.length
  return 0
}

function equalsAt(bytes: Uint8Array, at: number, end: number, expected: Uint8Array): boolean {
  if (end - at < expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}

/** The zeros of the scripts' decimal digits (Nd of Unicode 14); nine more follow each. */
const zeros =
  '660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 19d0 1a80 1a90 1b50 1bb0 1c40 ' +
  '1c50 a620 a8d0 a900 a9d0 a9f0 aa50 abf0 ff10 104a0 10d30 11066 110f0 11136 111d0 112f0 11450 114d0 11650 116c0 11730 ' +
  '118e0 11950 11c50 11d50 11da0 16a60 16ac0 16b50 1d7ce 1d7d8 1d7e2 1d7ec 1d7f6 1e140 1e2f0 1e950 1fbf0'
const digitZeros = zeros.split(' ').map(zero => Number.parseInt(zero, 16))

function isDigit(point: number): boolean {
  if (point < 0x80) return point >= 0x30 && point <= 0x39
  return digitZeros.some(zero => point >= zero && point <= zero + 9)
}

const LOREM_IPSUM = 1
const JAVASCRIPT = 2
const POLICY = 4
type Phrase = { readonly bytes: Uint8Array; readonly anchor: number; readonly kind: number }
/** Lower-case letters and spaces, by the rarest letter, which is looked for first. */
const phrasesByAnchor = indexPhrases([
  ['lorem ipsum', 'm', LOREM_IPSUM],
  ['javascript', 'v', JAVASCRIPT],
  ['terms of use', 'm', POLICY],
  ['privacy policy', 'v', POLICY],
  ['cookie policy', 'k', POLICY],
  ['uses cookies', 'k', POLICY],
  ['use of cookies', 'k', POLICY],
  ['use cookies', 'k', POLICY],
])

function indexPhrases(phrases: [text: string, anchor: string, kind: number][]): readonly (Phrase[] | undefined)[] {
  const index: Phrase[][] = Array.from({ length: 256 })
  for (const [text, anchor, kind] of phrases)
    for (const letter of [anchor, anchor.toUpperCase()])
      (index[letter.charCodeAt(0)] ??= []).push({ bytes: encoder.encode(text), anchor: text.indexOf(anchor), kind })
  return index
}

/** The kinds of phrases in `bytes[start, end)`, in upper or lower case. */
function findPhrases(bytes: Uint8Array, start: number, end: number): number {
  let kinds = 0
  for (let at = start; at < end; at++) {
    const phrases = phrasesByAnchor[bytes[at]]
    if (phrases === undefined) continue
    for (const phrase of phrases) if (matches(bytes, at - phrase.anchor, start, end, phrase.bytes)) kinds |= phrase.kind
  }
  return kinds
}

function matches(bytes: Uint8Array, at: number, start: number, end: number, phrase: Uint8Array): boolean {
  if (at < start || at + phrase.length > end) return false
  for (let i = 0; i < phrase.length; i++) {
    const byte = bytes[at + i]
    if (byte !== phrase[i] && (byte | 0x20) !== phrase[i]) return false
    if (phrase[i] === 0x20 && byte !== 0x20) return false
  }
  return true
}
