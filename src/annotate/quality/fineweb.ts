import { optional, whole } from '../../options.ts'
import { countPoints, lastPointStart, pointAt } from '../../text/bytes.ts'
import { addSpan, HashSet64 } from '../../text/likeness/ngrams.ts'
import { trimStart } from '../../text/lines.ts'
import { markOf, TERMINAL } from '../../text/stop-characters.ts'
import { filter } from '../filter.ts'
import { above, below, count, ratio } from '../measure.ts'

/** FineWeb's own measures of a page's lines (Penedo et al. 2024, section 3.6) as datatrove 0.10.1 takes them, for English. */
export const finewebQuality = filter({
  name: 'fineweb-quality',
  version: 2,
  about: `FineWeb's own measures of a page's lines, for English. Lines part at LF; those of white space alone don't count. All but the first
    are NaN for a text without lines.`,
  measures: {
    finewebLines: count('lines', {}, below(1, 'empty')),
    finewebLinePunctuation: ratio(
      'share of lines that end with a terminal mark of any script; white space at the end makes a line fail',
      { linePunctuationMin: below(0.12, 'too-little-line-punctuation') },
    ),
    finewebShortLines: ratio('share of lines of at most `shortLineCharacters` characters', {
      shortLinesMax: above(0.67, 'short-lines'),
      shortLineCharacters: optional('characters of a short line at most', whole(), 30),
    }),
    // FineWeb's paper says 0.1 in one place; its code says 0.01.
    finewebCharDuplicates: ratio('characters of lines that repeat an earlier one, of all characters but LF', {
      duplicateCharactersMax: above(0.01, 'duplicate-characters'),
    }),
    finewebListRatio: ratio('LF a word', { listRatioMax: above(0.3, 'list-like') }),
  },
  prepare: ({ shortLineCharacters }) => ({ shortLineCharacters, seen: new HashSet64() }),
  measure({ rows, bytes, offsets, words, lines }, out, { shortLineCharacters, seen }) {
    for (let row = 0; row < rows; row++) {
      let [count, punctuated, short, repeated, characters] = [0, 0, 0, 0, 0]
      seen.clear()
      for (let line = lines.rows[row], start = offsets[row]; line < lines.rows[row + 1]; line++) {
        const end = lines.ends[line]
        const length = countPoints(bytes, start, end)
        characters += length
        if (trimStart(bytes, start, end) < end) {
          count++
          if (markOf(pointAt(bytes, lastPointStart(bytes, start, end))) & TERMINAL) punctuated++
          if (length <= shortLineCharacters) short++
          if (!addSpan(seen, bytes, start, end)) repeated += length
        }
        start = end + 1
      }
      const newlines = lines.rows[row + 1] - lines.rows[row] - 1
      out.finewebLines[row] = count
      out.finewebLinePunctuation[row] = punctuated / count
      out.finewebShortLines[row] = short / count
      out.finewebCharDuplicates[row] = repeated / characters
      out.finewebListRatio[row] = count === 0 ? Number.NaN : newlines / (words.rows[row + 1] - words.rows[row])
    }
  },
})
