import type { NumberArray } from '../../batch/batch.ts'
import { kind, optional } from '../../options.ts'
import { countPoints } from '../../text/bytes.ts'
import { addSpan, HashSet64, Ngrams } from '../../text/likeness/ngrams.ts'
import { findNewline, trimEnd, trimStart } from '../../text/lines.ts'
import { filter } from '../filter.ts'
import { above, below, count, ratio } from '../measure.ts'

type NgramBounds = readonly (readonly [n: number, max: number])[]
const ngramBounds = kind<NgramBounds>(
  'a list of [words of the n-gram, the share that it drops above], each number of words once',
  value =>
    Array.isArray(value) &&
    value.every(one => Array.isArray(one) && one.length === 2 && one.every(Number.isFinite) && isCount(one[0])) &&
    new Set(value.map(([n]) => n)).size === value.length,
)
const topNgrams: NgramBounds = [
  [2, 0.2],
  [3, 0.18],
  [4, 0.16],
]
const duplicateNgrams: NgramBounds = [
  [5, 0.15],
  [6, 0.14],
  [7, 0.13],
  [8, 0.12],
  [9, 0.11],
  [10, 0.1],
]
/** The same n-grams with the usual thresholds, and 1 where there is none: what is measured depends on none of them. */
const atUsual = (bounds: NgramBounds, usual: NgramBounds): NgramBounds =>
  bounds.map(([n]) => [n, new Map(usual).get(n) ?? 1])
const isCount = (n: number) => Number.isSafeInteger(n) && n > 0

/** Gopher's measures of repetition (Rae et al. 2021, table A1) as datatrove 0.10.1 takes them, for English. */
export const gopherRepetition = filter({
  name: 'gopher-repetition',
  version: 2,
  about: `Gopher's measures of repetition, for English. Paragraphs part at two or more LF, lines at one or more; a text that begins or ends
    with LF has an empty line there. All but the first are 0 where there is nothing to repeat and NaN for an empty text.`,
  measures: {
    gopherCharacters: count('characters, of which all shares are', {}, below(1, 'empty')),
    gopherDuplicateParagraphs: ratio('share of paragraphs that repeat an earlier one', {
      duplicateParagraphsMax: above(0.3, 'duplicate-paragraphs'),
    }),
    gopherDuplicateParagraphCharacters: ratio('share of characters in them', {
      duplicateParagraphCharactersMax: above(0.2, 'duplicate-paragraph-characters'),
    }),
    gopherDuplicateLines: ratio('share of lines that repeat an earlier one', {
      duplicateLinesMax: above(0.3, 'duplicate-lines'),
    }),
    gopherDuplicateLineCharacters: ratio('share of characters in them', {
      duplicateLineCharactersMax: above(0.2, 'duplicate-line-characters'),
    }),
  },
  options: {
    topNgramsMax: optional('for each n a measure `gopherTop<n>`', ngramBounds, topNgrams),
    duplicateNgramsMax: optional('for each n a measure `gopherDuplicate<n>`', ngramBounds, duplicateNgrams),
  },
  withoutThresholds: ({ topNgramsMax, duplicateNgramsMax, ...others }) => ({
    ...others,
    topNgramsMax: atUsual(topNgramsMax, topNgrams),
    duplicateNgramsMax: atUsual(duplicateNgramsMax, duplicateNgrams),
  }),
  measuresFor: ({ topNgramsMax, duplicateNgramsMax }) =>
    Object.fromEntries([
      ...topNgramsMax.map(([n, max]) => {
        const about = `share of characters in all occurrences of the most frequent ${n}-gram, its spaces included`
        return [`gopherTop${n}`, ratio(about, {}, above(max, `top-${n}-gram`))]
      }),
      ...duplicateNgramsMax.map(([n, max]) => {
        const about = `share of characters in ${n}-grams that repeat an earlier one, spaces excluded`
        return [`gopherDuplicate${n}`, ratio(about, {}, above(max, `duplicate-${n}-grams`))]
      }),
    ]),
  prepare: options => ({ ...options, seen: new HashSet64(), ngrams: new Ngrams() }),
  measure({ rows, bytes, offsets, words, characters }, out: Readonly<Record<string, NumberArray>>, prepared) {
    const { topNgramsMax, duplicateNgramsMax, seen, ngrams } = prepared
    for (let row = 0; row < rows; row++) {
      const total = characters[row]
      const first = trimStart(bytes, offsets[row], offsets[row + 1])
      const paragraphs = countRepeats(bytes, first, trimEnd(bytes, first, offsets[row + 1]), 2, seen)
      const lines = countRepeats(bytes, offsets[row], offsets[row + 1], 1, seen)
      out.gopherCharacters[row] = total
      out.gopherDuplicateParagraphs[row] = total === 0 ? Number.NaN : paragraphs.repeated / paragraphs.all
      out.gopherDuplicateParagraphCharacters[row] = paragraphs.characters / total
      out.gopherDuplicateLines[row] = total === 0 ? Number.NaN : lines.repeated / lines.all
      out.gopherDuplicateLineCharacters[row] = lines.characters / total
      ngrams.load(bytes, words.starts, words.ends, words.rows[row], words.rows[row + 1])
      for (const [n] of topNgramsMax) out[`gopherTop${n}`][row] = ngrams.topCharacters(n) / total
      for (const [n] of duplicateNgramsMax) out[`gopherDuplicate${n}`][row] = ngrams.duplicateCharacters(n) / total
    }
  },
})

/** How many spans between runs of at least `breaks` LF there are and how many repeat an earlier one, with these ones' characters. */
function countRepeats(bytes: Uint8Array, start: number, end: number, breaks: number, seen: HashSet64) {
  let [all, repeated, characters] = [0, 0, 0]
  seen.clear()
  for (let at = start, from = start; ; ) {
    const newline = findNewline(bytes, at, end)
    at = newline
    while (at < end && bytes[at] === 0x0a) at++
    if (newline < end && at - newline < breaks) continue
    all++
    if (!addSpan(seen, bytes, from, newline)) {
      repeated++
      characters += countPoints(bytes, from, newline)
    }
    if (newline >= end) return { all, repeated, characters }
    from = at
  }
}
