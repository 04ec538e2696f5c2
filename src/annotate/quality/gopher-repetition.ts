import type { Batch, Column, Columns, Field } from '../../batch/batch.ts'
import { utf8 } from '../../batch/batch.ts'
import { countPoints } from '../../text/bytes.ts'
import { addSpan, HashSet64, Ngrams } from '../../text/likeness/ngrams.ts'
import { findNewline, trimEnd, trimStart } from '../../text/lines.ts'
import { splitWords } from '../../text/words/words.ts'
import type { Annotator, Rule } from '../annotator.ts'

/** Shares of a text; null switches a rule off, and its measurement stays. */
export interface GopherRepetitionOptions {
  /** Of paragraphs that repeat an earlier one; 0.3. */
  readonly duplicateParagraphsMax?: number | null
  /** Of characters in them; 0.2. */
  readonly duplicateParagraphCharactersMax?: number | null
  /** Of lines that repeat an earlier one; 0.3. */
  readonly duplicateLinesMax?: number | null
  /** Of characters in them; 0.2. */
  readonly duplicateLineCharactersMax?: number | null
  /** Of characters in the most frequent n-gram, for each n in rising order; [2, 0.2], [3, 0.18], [4, 0.16]. */
  readonly topNgramsMax?: readonly (readonly [n: number, max: number])[]
  /** Of characters in n-grams that repeat an earlier one; [5, 0.15], [6, 0.14] and so on to [10, 0.1]. */
  readonly duplicateNgramsMax?: readonly (readonly [n: number, max: number])[]
}

const defaults: Required<GopherRepetitionOptions> = {
  duplicateParagraphsMax: 0.3,
  duplicateParagraphCharactersMax: 0.2,
  duplicateLinesMax: 0.3,
  duplicateLineCharactersMax: 0.2,
  topNgramsMax: [
    [2, 0.2],
    [3, 0.18],
    [4, 0.16],
  ],
  duplicateNgramsMax: [
    [5, 0.15],
    [6, 0.14],
    [7, 0.13],
    [8, 0.12],
    [9, 0.11],
    [10, 0.1],
  ],
}

const spanColumns = [
  'gopherDuplicateParagraphs',
  'gopherDuplicateParagraphCharacters',
  'gopherDuplicateLines',
  'gopherDuplicateLineCharacters',
] as const

/**
 * Gopher's measures of repetition (Rae et al. 2021, table A1) as datatrove 0.10.1 takes them, for English.
 *
 * - `gopherCharacters`: characters of the text, the denominator of every share of characters.
 * - `gopherDuplicateParagraphs`, `gopherDuplicateLines`: the share that repeats an earlier one. Paragraphs part at two or more
 *   LF, lines at one or more; a text that begins or ends with LF has an empty line there.
 * - `gopherDuplicateParagraphCharacters`, `gopherDuplicateLineCharacters`: their characters.
 * - `gopherTop2` to `gopherTop4`: characters of all occurrences of the most frequent n-gram, its spaces included.
 * - `gopherDuplicate5` to `gopherDuplicate10`: characters of n-grams that repeat an earlier one, spaces excluded.
 *
 * All are 0 where there is nothing to repeat and NaN for an empty text.
 */
export function gopherRepetition(options: GopherRepetitionOptions = {}): Annotator {
  const chosen = { ...defaults, ...options }
  const names = [
    ...spanColumns,
    ...chosen.topNgramsMax.map(([n]) => `gopherTop${n}`),
    ...chosen.duplicateNgramsMax.map(([n]) => `gopherDuplicate${n}`),
  ]
  const writes: Field[] = names.map(name => ({ name, kind: 'f64' }))
  return {
    name: 'gopher-repetition',
    version: 1,
    exact: true,
    options: chosen,
    reads: ['text'],
    writes: [{ name: 'gopherCharacters', kind: 'u32' }, ...writes],
    resources: [],
    rules: buildRules(chosen),
    annotate: batch => measure(batch, names, chosen),
  }
}

function buildRules(chosen: Required<GopherRepetitionOptions>): readonly Rule[] {
  const spans: [string, string, number | null][] = [
    ['duplicate-paragraphs', spanColumns[0], chosen.duplicateParagraphsMax],
    ['duplicate-paragraph-characters', spanColumns[1], chosen.duplicateParagraphCharactersMax],
    ['duplicate-lines', spanColumns[2], chosen.duplicateLinesMax],
    ['duplicate-line-characters', spanColumns[3], chosen.duplicateLineCharactersMax],
  ]
  return [
    { reason: 'empty', column: 'gopherCharacters', below: 1 },
    ...spans.flatMap(([reason, column, max]) => (max === null ? [] : [{ reason, column, above: max }])),
    ...chosen.topNgramsMax.map(([n, max]) => ({ reason: `top-${n}-gram`, column: `gopherTop${n}`, above: max })),
    ...chosen.duplicateNgramsMax.map(([n, max]) => ({
      reason: `duplicate-${n}-grams`,
      column: `gopherDuplicate${n}`,
      above: max,
    })),
  ]
}

const seen = new HashSet64()
const ngrams = new Ngrams()
const repeated = { spans: 0, characters: 0, all: 0 }

function measure(batch: Batch, names: readonly string[], chosen: Required<GopherRepetitionOptions>): Columns {
  const { bytes, offsets } = utf8(batch, 'text')
  const words = splitWords(utf8(batch, 'text'))
  const characters = new Uint32Array(batch.rows)
  const values = names.map(() => new Float64Array(batch.rows))
  for (let row = 0; row < batch.rows; row++) {
    const start = offsets[row]
    const end = offsets[row + 1]
    const total = countPoints(bytes, start, end)
    characters[row] = total
    const first = trimStart(bytes, start, end)
    countRepeats(bytes, first, trimEnd(bytes, first, end), 2)
    values[0][row] = total === 0 ? Number.NaN : repeated.spans / repeated.all
    values[1][row] = repeated.characters / total
    countRepeats(bytes, start, end, 1)
    values[2][row] = total === 0 ? Number.NaN : repeated.spans / repeated.all
    values[3][row] = repeated.characters / total
    ngrams.load(bytes, words.starts, words.ends, words.rows[row], words.rows[row + 1])
    let column = spanColumns.length
    for (const [n] of chosen.topNgramsMax) values[column++][row] = ngrams.topCharacters(n) / total
    for (const [n] of chosen.duplicateNgramsMax) values[column++][row] = ngrams.duplicateCharacters(n) / total
  }
  const columns: Record<string, Column> = { gopherCharacters: { kind: 'u32', values: characters } }
  names.forEach((name, i) => {
    columns[name] = { kind: 'f64', values: values[i] }
  })
  return columns
}

/** Fills `repeated` with what repeats among the spans between runs of at least `breaks` LF. */
function countRepeats(bytes: Uint8Array, start: number, end: number, breaks: number): void {
  seen.clear()
  repeated.spans = 0
  repeated.characters = 0
  repeated.all = 0
  for (let at = start, from = start; ; ) {
    const newline = findNewline(bytes, at, end)
    at = newline
    while (at < end && bytes[at] === 0x0a) at++
    if (newline < end && at - newline < breaks) continue
    repeated.all++
    if (!addSpan(seen, bytes, from, newline)) {
      repeated.spans++
      repeated.characters += countPoints(bytes, from, newline)
    }
    if (newline >= end) return
    from = at
  }
}
