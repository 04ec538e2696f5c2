import type { Columns, NumberArray } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { name, number, type OptionsOf, optional, orNull, required, resolveOptions, whole } from '../options.ts'
import { type Head, LinearScorer, outputsOf } from '../text/linear/model.ts'
import { findBreak, skipBreak } from '../text/lines.ts'
import { cleanName } from '../text/printable.ts'
import type { Annotator } from './annotator.ts'
import { readClassifier } from './classifier.ts'
import { filter } from './filter.ts'
import { above, columnOf, count, type Measures, ratio } from './measure.ts'
import { replaceTexts } from './replace-texts.ts'

const linesRemoved = count('lines that went')
const shareRemoved = ratio("share of the text's bytes that went; NaN for an empty text", {
  shareMax: above(null, 'too-many-poor-lines', number(0, 1)),
})
const table = {
  name: 'line-quality',
  version: 1,
  about: `Scores each line by a head of a model that \`headrace classifier fit\` made of lines or short texts, and takes out those below a threshold:
    menus, footers, lists of tags. Lines of few words stay, as they say too little to be told by.`,
  measures: {
    text: columnOf('utf8')('the lines that stay, as they were'),
    'lineQuality:<head>': linesRemoved,
    'lineQuality:<head>:share': shareRemoved,
  },
  options: {
    model: required('a file that `headrace classifier fit` wrote', name),
    below: required(
      'lines whose score is below it go: 0 is even odds, of a head of values it is on the scale of its labels',
      number(),
    ),
    head: optional('the head of a model that has several', orNull(name), null),
    wordsMin: optional('lines with fewer words stay', whole(1), 5),
  },
}
const options = { ...table.options, ...shareRemoved.options }

/**
 * Takes lines out of texts that a model scores below a threshold (see `classifier()`), and counts them: `lineQuality:<head>`, and the share of
 * the text that they were. What later annotators see are the lines that stay. A model knows the languages that it was fitted on: lines of others
 * are poor to it, so it is for those alone (`onlyFor`).
 *
 *     pipeline('web')
 *       .from(jsonl('data/*.jsonl'))
 *       .annotate(normalize(), language(), onlyFor('language', ['en'], lineQuality({ model: 'models/prose.linear', below: -2, shareMax: 0.5 })))
 */
export function lineQuality(given: OptionsOf<typeof options>): Annotator {
  const { model: path, below, head, wordsMin, shareMax } = resolveOptions("annotator 'line-quality'", options, given)
  const { model, sha256 } = readClassifier(path)
  const { own, at } = chooseHead(path, model.heads, head)
  const [lines, share] = [`lineQuality:${own}`, `lineQuality:${own}:share`]
  const make = filter({
    ...table,
    measures: { text: table.measures.text, [lines]: linesRemoved, [share]: shareRemoved } as Measures,
    options: {},
    record: ({ shareMax }) => ({ head: own, below, wordsMin, ...(shareMax === null ? {} : { shareMax }) }),
    resources: [{ name: `classifier:${own}`, sha256 }],
    prepare: () => new LinearScorer(model),
    measure({ rows, bytes, offsets, column }, out: Readonly<Record<string, NumberArray>>, scorer): Columns {
      const texts = new Map<number, Uint8Array>()
      const isPoor = (from: number, to: number) =>
        scorer.score(bytes, from, to) && scorer.words >= wordsMin && scorer.outputs[at] < below
      for (let row = 0; row < rows; row++) {
        const [from, to] = [offsets[row], offsets[row + 1]]
        const { kept, removed } = keepLines(bytes, from, to, isPoor)
        out[lines][row] = removed
        out[share][row] = to === from ? Number.NaN : removed === 0 ? 0 : 1 - kept.length / (to - from)
        if (removed > 0) texts.set(row, kept)
      }
      return { text: replaceTexts(column, texts) }
    },
  })
  return make({ shareMax })
}
lineQuality.table = table

/** The head that scores lines, and which of the outputs is its. */
function chooseHead(path: string, heads: readonly Head[], asked: string | null): { own: string; at: number } {
  const scored = heads.filter(({ kind }) => kind !== 'class')
  const names = scored.map(head => head.name)
  const refuse = (what: string) =>
    new HeadraceError(
      'bad-option',
      `annotator 'line-quality': ${path} ${what}; heads of scores in it: ${names.join(', ') || 'none'}`,
    )
  if (asked === null && scored.length !== 1) throw refuse(`has ${scored.length} heads that score: give 'head'`)
  const own = asked ?? names[0]
  if (!names.includes(own)) throw refuse(`has no head '${cleanName(own)}' that scores`)
  const before = heads.slice(
    0,
    heads.findIndex(head => head.name === own),
  )
  return { own, at: before.reduce((sum, head) => sum + outputsOf(head), 0) }
}

/** The lines of `bytes[start, end)` that are not poor, each with its break, and how many went. */
function keepLines(bytes: Uint8Array, start: number, end: number, isPoor: (from: number, to: number) => boolean) {
  const parts: Uint8Array[] = []
  let removed = 0
  for (let at = start; at < end; ) {
    const stop = findBreak(bytes, at, end)
    const next = skipBreak(bytes, stop, end)
    if (isPoor(at, stop)) removed++
    else parts.push(bytes.subarray(at, next))
    at = next
  }
  return { kept: removed === 0 ? bytes.subarray(start, end) : Buffer.concat(parts), removed }
}
