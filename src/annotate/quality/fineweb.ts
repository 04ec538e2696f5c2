import type { Batch, Columns } from '../../batch/batch.ts'
import { utf8 } from '../../batch/batch.ts'
import { countPoints, lastPointStart, pointAt } from '../../text/bytes.ts'
import { addSpan, HashSet64 } from '../../text/likeness/ngrams.ts'
import { findNewline, trimStart } from '../../text/lines.ts'
import { markOf, TERMINAL } from '../../text/stop-characters.ts'
import { splitWords } from '../../text/words/words.ts'
import type { Annotator, Rule } from '../annotator.ts'

/** null switches a rule off, and its measurement stays. */
export interface FinewebQualityOptions {
  /** Share of lines that end with a terminal mark; 0.12. */
  readonly linePunctuationMin?: number | null
  /** Share of lines of at most `shortLineCharacters`; 0.67. */
  readonly shortLinesMax?: number | null
  /** Characters; 30. */
  readonly shortLineCharacters?: number
  /** Share of characters in lines that repeat an earlier one; 0.01, as in FineWeb's code (its paper says 0.1 in one place). */
  readonly duplicateCharactersMax?: number | null
  /** Line feeds a word; 0.3. */
  readonly listRatioMax?: number | null
}

const defaults: Required<FinewebQualityOptions> = {
  linePunctuationMin: 0.12,
  shortLinesMax: 0.67,
  shortLineCharacters: 30,
  duplicateCharactersMax: 0.01,
  listRatioMax: 0.3,
}

/**
 * FineWeb's own measures of a page's lines (Penedo et al. 2024, section 3.6) as datatrove 0.10.1 takes them, for English. Lines
 * part at LF; those of white space alone don't count.
 *
 * - `finewebLines`: lines.
 * - `finewebLinePunctuation`: the share that ends with a terminal mark of any script; white space at the end makes a line fail.
 * - `finewebShortLines`: the share of at most `shortLineCharacters` characters.
 * - `finewebCharDuplicates`: characters of lines that repeat an earlier one, of all characters but LF.
 * - `finewebListRatio`: LF a word.
 *
 * The last four are NaN for a text without lines.
 */
export function finewebQuality(options: FinewebQualityOptions = {}): Annotator {
  const chosen = { ...defaults, ...options }
  return {
    name: 'fineweb-quality',
    version: 1,
    exact: true,
    options: chosen,
    reads: ['text'],
    writes: [
      { name: 'finewebLines', kind: 'u32' },
      { name: 'finewebLinePunctuation', kind: 'f64' },
      { name: 'finewebShortLines', kind: 'f64' },
      { name: 'finewebCharDuplicates', kind: 'f64' },
      { name: 'finewebListRatio', kind: 'f64' },
    ],
    resources: [],
    rules: buildRules(chosen),
    annotate: batch => measure(batch, chosen),
  }
}

function buildRules(chosen: Required<FinewebQualityOptions>): readonly Rule[] {
  const { linePunctuationMin, shortLinesMax, duplicateCharactersMax, listRatioMax } = chosen
  const rules: Rule[] = [{ reason: 'empty', column: 'finewebLines', below: 1 }]
  if (linePunctuationMin !== null)
    rules.push({ reason: 'too-little-line-punctuation', column: 'finewebLinePunctuation', below: linePunctuationMin })
  if (shortLinesMax !== null) rules.push({ reason: 'short-lines', column: 'finewebShortLines', above: shortLinesMax })
  if (duplicateCharactersMax !== null)
    rules.push({ reason: 'duplicate-characters', column: 'finewebCharDuplicates', above: duplicateCharactersMax })
  if (listRatioMax !== null) rules.push({ reason: 'list-like', column: 'finewebListRatio', above: listRatioMax })
  return rules
}

const seen = new HashSet64()
const found = { lines: 0, punctuated: 0, short: 0, duplicateCharacters: 0, newlines: 0 }

function measure(batch: Batch, chosen: Required<FinewebQualityOptions>): Columns {
  const text = utf8(batch, 'text')
  const words = splitWords(text)
  const lines = new Uint32Array(batch.rows)
  const punctuation = new Float64Array(batch.rows)
  const short = new Float64Array(batch.rows)
  const duplicates = new Float64Array(batch.rows)
  const list = new Float64Array(batch.rows)
  for (let row = 0; row < batch.rows; row++) {
    const start = text.offsets[row]
    const end = text.offsets[row + 1]
    countLines(text.bytes, start, end, chosen.shortLineCharacters)
    lines[row] = found.lines
    punctuation[row] = found.punctuated / found.lines
    short[row] = found.short / found.lines
    duplicates[row] = found.duplicateCharacters / (countPoints(text.bytes, start, end) - found.newlines)
    list[row] = found.lines === 0 ? Number.NaN : found.newlines / (words.rows[row + 1] - words.rows[row])
  }
  return {
    finewebLines: { kind: 'u32', values: lines },
    finewebLinePunctuation: { kind: 'f64', values: punctuation },
    finewebShortLines: { kind: 'f64', values: short },
    finewebCharDuplicates: { kind: 'f64', values: duplicates },
    finewebListRatio: { kind: 'f64', values: list },
  }
}

/** Fills `found` for one text. */
function countLines(bytes: Uint8Array, start: number, end: number, shortMax: number): void {
  seen.clear()
  found.lines = found.punctuated = found.short = found.duplicateCharacters = found.newlines = 0
  for (let at = start; ; ) {
    const stop = findNewline(bytes, at, end)
    if (trimStart(bytes, at, stop) < stop) countLine(bytes, at, stop, shortMax)
    if (stop >= end) return
    found.newlines++
    at = stop + 1
  }
}

function countLine(bytes: Uint8Array, start: number, end: number, shortMax: number): void {
  found.lines++
  if (markOf(pointAt(bytes, lastPointStart(bytes, start, end))) & TERMINAL) found.punctuated++
  const characters = countPoints(bytes, start, end)
  if (characters <= shortMax) found.short++
  if (!addSpan(seen, bytes, start, end)) found.duplicateCharacters += characters
}
