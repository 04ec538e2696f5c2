import type { Batch, Columns } from '../../batch/batch.ts'
import { utf8 } from '../../batch/batch.ts'
import { lengthOf, pointAt } from '../../text/bytes.ts'
import { findBreak, skipBreak, spaceLength, trimEnd, trimStart } from '../../text/lines.ts'
import { countSentencesIn, splitSentences } from '../../text/words/sentences.ts'
import type { Annotator, Rule } from '../annotator.ts'

export interface C4Options {
  /** What the rules for lines look at: lines, or sentences, which are then joined by a space; lines. */
  readonly unit?: 'line' | 'sentence'
  /** Removes lines that don't end with `.`, `?`, `!`, `"` or `'`, or that end with `...`; true. FineWeb says false. */
  readonly terminalMark?: boolean
  /** Removes `[12]`, `[]`, `[edit]` and `[citation needed]` from lines; true. */
  readonly citations?: boolean
  /** Removes lines with fewer words between white space; 3. null keeps them. */
  readonly wordsPerLineMin?: number | null
  /** Removes lines with a longer word, in characters; 1,000. null keeps them. */
  readonly wordLengthMax?: number | null
  /** Removes lines that mention JavaScript; true. */
  readonly javascript?: boolean
  /** Removes lines about cookies, privacy policies and terms of use; true. */
  readonly policy?: boolean
  /** Drops texts with `lorem ipsum` on a line that is long enough and ends as it should; true. */
  readonly loremIpsum?: boolean
  /** The same for `{`, where the line does not mention JavaScript; true. */
  readonly curlyBracket?: boolean
  /** Drops texts with fewer sentences on the lines that stay; 5. null keeps them. */
  readonly sentencesMin?: number | null
}

const defaults: Required<C4Options> = {
  unit: 'line',
  terminalMark: true,
  citations: true,
  wordsPerLineMin: 3,
  wordLengthMax: 1000,
  javascript: true,
  policy: true,
  loremIpsum: true,
  curlyBracket: true,
  sentencesMin: 5,
}

/** Why a line goes, in the order of the tests and of the values of `c4RemovedByCause`. */
export const c4RemovalCauses = [
  'word-too-long',
  'no-terminal-punctuation',
  'too-few-words',
  'javascript',
  'policy',
] as const
const [wordTooLong, noTerminalPunctuation, tooFewWords, javascript, policy] = c4RemovalCauses.keys()

/**
 * C4's cleaning of a page (Raffel et al. 2020, section 2.2) as datatrove 0.10.1 does it, for English. Replaces `text` by the
 * lines that stay, without white space around them, joined by LF.
 *
 * - `c4Sentences`: sentences of the lines that stay, each line by itself.
 * - `c4LoremIpsum`, `c4CurlyBrackets`: lines that have one of them. Lorem ipsum below a curly bracket does not count while
 *   `curlyBracket` is on, so that the reason is the one that comes first in the text, as datatrove's is.
 * - `c4Lines`: lines before. `c4LinesRemoved`: lines that went, and `c4RemovedByCause` how many for each of `c4RemovalCauses`.
 */
export function c4(options: C4Options = {}): Annotator {
  const chosen = { ...defaults, ...options }
  return {
    name: 'c4',
    version: 1,
    exact: true,
    options: chosen,
    reads: ['text'],
    writes: [
      { name: 'text', kind: 'utf8' },
      { name: 'c4Lines', kind: 'u32' },
      { name: 'c4LinesRemoved', kind: 'u32' },
      { name: 'c4RemovedByCause', kind: 'list<i32>' },
      { name: 'c4LoremIpsum', kind: 'u32' },
      { name: 'c4CurlyBrackets', kind: 'u32' },
      { name: 'c4Sentences', kind: 'u32' },
    ],
    resources: [],
    rules: buildRules(chosen),
    annotate: batch => clean(batch, chosen),
  }
}

function buildRules(chosen: Required<C4Options>): readonly Rule[] {
  const rules: Rule[] = []
  if (chosen.loremIpsum) rules.push({ reason: 'lorem-ipsum', column: 'c4LoremIpsum', above: 0 })
  if (chosen.curlyBracket) rules.push({ reason: 'curly-bracket', column: 'c4CurlyBrackets', above: 0 })
  if (chosen.sentencesMin !== null)
    rules.push({ reason: 'too-few-sentences', column: 'c4Sentences', below: chosen.sentencesMin })
  return rules
}

/** The text that is being written and what was found in it. */
interface Page {
  readonly out: Uint8Array
  readonly removed: Int32Array
  start: number
  length: number
  kept: number
  lines: number
  loremIpsum: number
  curlyBrackets: number
  sentences: number
}

function clean(batch: Batch, chosen: Required<C4Options>): Columns {
  const { bytes, offsets } = utf8(batch, 'text')
  const u32 = (): Uint32Array => new Uint32Array(batch.rows)
  const [lines, removedLines, loremIpsum, curlyBrackets, sentences] = [u32(), u32(), u32(), u32(), u32()]
  const causes = c4RemovalCauses.length
  const removed = new Int32Array(batch.rows * causes)
  // A line and its break only become shorter; a sentence may have no white space after it.
  const out = new Uint8Array((offsets[batch.rows] - offsets[0]) * (chosen.unit === 'line' ? 1 : 2))
  const outOffsets = new Int32Array(batch.rows + 1)
  for (let row = 0; row < batch.rows; row++) {
    const page = editText(bytes, offsets[row], offsets[row + 1], chosen, {
      out,
      removed: removed.subarray(row * causes, (row + 1) * causes),
      start: outOffsets[row],
      length: outOffsets[row],
      kept: 0,
      lines: 0,
      loremIpsum: 0,
      curlyBrackets: 0,
      sentences: 0,
    })
    outOffsets[row + 1] = page.length
    lines[row] = page.lines
    removedLines[row] = page.lines - page.kept
    loremIpsum[row] = page.loremIpsum
    curlyBrackets[row] = page.curlyBrackets
    sentences[row] = page.sentences
  }
  return {
    text: { kind: 'utf8', offsets: outOffsets, bytes: out.slice(0, outOffsets[batch.rows]) },
    c4Lines: { kind: 'u32', values: lines },
    c4LinesRemoved: { kind: 'u32', values: removedLines },
    c4RemovedByCause: {
      kind: 'list<i32>',
      offsets: Int32Array.from({ length: batch.rows + 1 }, (_, row) => row * causes),
      values: removed,
    },
    c4LoremIpsum: { kind: 'u32', values: loremIpsum },
    c4CurlyBrackets: { kind: 'u32', values: curlyBrackets },
    c4Sentences: { kind: 'u32', values: sentences },
  }
}

function editText(bytes: Uint8Array, start: number, end: number, chosen: Required<C4Options>, page: Page): Page {
  if (chosen.unit === 'line')
    for (let at = start; at < end; ) {
      const stop = findBreak(bytes, at, end)
      editLine(bytes, at, stop, chosen, page)
      at = skipBreak(bytes, stop, end)
    }
  else {
    let at = start
    for (const stop of splitSentences(bytes, start, end)) editLine(bytes, at, (at = stop), chosen, page)
  }
  const first = trimStart(page.out, page.start, page.length)
  const last = trimEnd(page.out, first, page.length)
  if (first > page.start) page.out.copyWithin(page.start, first, last)
  page.length = page.start + last - first
  return page
}

/** Appends a line to the page, or counts why not. */
function editLine(bytes: Uint8Array, start: number, end: number, chosen: Required<C4Options>, page: Page): void {
  const { out } = page
  page.lines++
  start = trimStart(bytes, start, end)
  end = trimEnd(bytes, start, end)
  const from = page.kept > 0 ? page.length + 1 : page.length
  const to = copyLine(bytes, start, end, out, from, chosen.citations)
  const cause = findCause(out, from, to, chosen, page)
  if (cause >= 0) {
    page.removed[cause]++
    return
  }
  if (page.kept++ > 0) out[from - 1] = chosen.unit === 'line' ? 0x0a : 0x20
  page.length = to
  page.sentences += chosen.unit === 'line' ? countSentences(out, from, to) : 1
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

/** Why the line goes, or -1. Counts on the way what drops the whole text. */
function findCause(out: Uint8Array, from: number, to: number, chosen: Required<C4Options>, page: Page): number {
  if (chosen.wordLengthMax !== null && line.longestWord > chosen.wordLengthMax) return wordTooLong
  if (chosen.terminalMark && !endsSentence(out, from, to)) return noTerminalPunctuation
  if (chosen.wordsPerLineMin !== null && line.words < chosen.wordsPerLineMin) return tooFewWords
  const phrases = findPhrases(out, from, to)
  if (phrases & LOREM_IPSUM && !(chosen.curlyBracket && page.curlyBrackets > 0)) page.loremIpsum++
  if (chosen.javascript && phrases & JAVASCRIPT) return javascript
  if (line.curlyBracket) page.curlyBrackets++
  return chosen.policy && phrases & POLICY ? policy : -1
}

/** `.`, `?`, `!`, `"` or `'`, but not three dots. */
function endsSentence(out: Uint8Array, from: number, to: number): boolean {
  const last = to > from ? out[to - 1] : 0
  if (last === 0x2e) return !(to - from >= 3 && out[to - 2] === 0x2e && out[to - 3] === 0x2e)
  return last === 0x3f || last === 0x21 || last === 0x22 || last === 0x27
}

/** What `copyLine` saw: words between white space and the longest in characters, citations included. */
const line = { words: 0, longestWord: 0, curlyBracket: false }

/** Copies `bytes[start, end)` to `out` from `to`, without citations where asked, and returns where the copy ends. */
function copyLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
  citations: boolean,
): number {
  let words = 0
  let longest = 0
  let characters = 0
  let curly = false
  let skipUntil = start
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if ((byte <= 0x20 || byte >= 0xc2) && spaceLength(bytes, at, end) > 0) {
      if (characters > longest) longest = characters
      if (characters > 0) words++
      // The rest of a white space character of several bytes is continuation bytes, which count as nothing.
      characters = 0
    } else if ((byte & 0xc0) !== 0x80) {
      characters++
      if (byte === 0x7b) curly = true
      if (byte === 0x5b && citations && at >= skipUntil) skipUntil = at + citationLength(bytes, at, end)
    }
    if (at >= skipUntil) out[to++] = byte
  }
  line.words = characters > 0 ? words + 1 : words
  line.longestWord = Math.max(longest, characters)
  line.curlyBracket = curly
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
interface Phrase {
  readonly bytes: Uint8Array
  readonly anchor: number
  readonly kind: number
}
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
