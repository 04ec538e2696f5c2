import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Annotator, Rule } from '../../src/annotate/annotator.ts'
import { c4 } from '../../src/annotate/quality/c4.ts'
import { finewebQuality } from '../../src/annotate/quality/fineweb.ts'
import { gopherQuality } from '../../src/annotate/quality/gopher-quality.ts'
import { gopherRepetition } from '../../src/annotate/quality/gopher-repetition.ts'
import { type Batch, type Columns, numbers, stringAt, utf8, utf8From, withColumns } from '../../src/batch/batch.ts'
import { splitWords } from '../../src/text/words/words.ts'

/**
 * Holds our filters against datatrove's decisions, written by compare-datatrove.py, on the same documents:
 *
 *     node test/bench/compare-datatrove.ts DECISIONS.jsonl CORPUS.jsonl...
 *
 * Prints for each filter the share of documents that are equal in decision and reason, every difference by cause with the ids
 * of three documents, and the speed. With `--ids` all ids.
 */

/** datatrove's reasons and ours. */
export const reasons: Readonly<Record<string, string>> = {
  empty: 'empty',
  dup_para_frac: 'duplicate-paragraphs',
  dup_para_char_frac: 'duplicate-paragraph-characters',
  dup_line_frac: 'duplicate-lines',
  dup_line_char_frac: 'duplicate-line-characters',
  ...Object.fromEntries([2, 3, 4].map(n => [`top_${n}_gram`, `top-${n}-gram`])),
  ...Object.fromEntries([5, 6, 7, 8, 9, 10].map(n => [`duplicated_${n}_n_grams`, `duplicate-${n}-grams`])),
  gopher_short_doc: 'too-few-words',
  gopher_long_doc: 'too-many-words',
  gopher_below_avg_threshold: 'words-too-short',
  gopher_above_avg_threshold: 'words-too-long',
  gopher_too_many_hashes: 'too-many-hashes',
  gopher_too_many_ellipsis: 'too-many-ellipses',
  gopher_too_many_bullets: 'too-many-bullet-lines',
  gopher_too_many_end_ellipsis: 'too-many-ellipsis-lines',
  gopher_below_alpha_threshold: 'too-few-alphabetic-words',
  gopher_enough_stop_words: 'too-few-stop-words',
  lorem_ipsum: 'lorem-ipsum',
  curly_bracket: 'curly-bracket',
  too_few_sentences: 'too-few-sentences',
  line_punct_ratio: 'too-little-line-punctuation',
  short_line_ratio: 'short-lines',
  char_dup_ratio: 'duplicate-characters',
  list_ratio: 'list-like',
}

export const filters: Readonly<Record<string, Annotator>> = {
  gopherRepetition: gopherRepetition(),
  gopherQuality: gopherQuality(),
  c4: c4(),
  c4AnyLineEnd: c4({ terminalMark: false }),
  fineweb: finewebQuality(),
}
const chain = ['gopherRepetition', 'gopherQuality', 'c4AnyLineEnd', 'fineweb']

/** Why `rules` drop this row, or null. */
export function findReason(columns: Columns, rules: readonly Rule[], row: number): string | null {
  for (const { reason, column, below, above } of rules) {
    const value = numbers({ rows: 0, columns }, column)[row]
    if ((below !== undefined && value < below) || (above !== undefined && value > above)) return reason
  }
  return null
}

/** What ours say about each text, in the form of compare-datatrove.py. */
export async function decide(texts: readonly string[]): Promise<Record<string, string | null>[]> {
  const start: Batch = { rows: texts.length, columns: { text: utf8From(texts) } }
  const decisions: Record<string, string | null>[] = texts.map(() => ({}))
  let chained = start
  for (const name of Object.keys(filters)) {
    const columns = await annotateTimed(name, start)
    decisions.forEach((decision, row) => {
      decision[name] = findReason(columns, filters[name].rules, row)
      if (name.startsWith('c4') && decision[name] === null)
        decision[`${name}Text`] = createHash('sha256')
          .update(stringAt(utf8({ rows: 0, columns }, 'text'), row))
          .digest('hex')
    })
  }
  for (const decision of decisions) decision.chain = null
  for (const name of chain) {
    const columns = await filters[name].annotate(chained)
    decisions.forEach((decision, row) => {
      decision.chain ??= findReason(columns, filters[name].rules, row)
    })
    chained = withColumns(chained, columns)
  }
  return decisions
}

const nanoseconds: Record<string, number> = {}
let bytes = 0

async function annotateTimed(name: string, batch: Batch): Promise<Columns> {
  const split = process.hrtime.bigint()
  splitWords(utf8(batch, 'text'))
  const begin = process.hrtime.bigint()
  const columns = await filters[name].annotate(batch)
  const end = process.hrtime.bigint()
  nanoseconds[name] = (nanoseconds[name] ?? 0) + Number(end - begin)
  nanoseconds.words = (nanoseconds.words ?? 0) + Number(begin - split)
  return columns
}

type Decisions = Record<string, string | null>

async function compare(decisionsPath: string, corpus: string[], idsMax: number): Promise<void> {
  const theirs = new Map<string, Decisions>()
  for (const line of readFileSync(decisionsPath, 'utf8').split('\n').filter(Boolean)) {
    const { id, ...decision } = JSON.parse(line)
    theirs.set(id, decision)
  }
  const differences = new Map<string, Map<string, string[]>>()
  let compared = 0
  for await (const part of readDocuments(corpus, theirs)) {
    bytes += part.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    const ours = await decide(part.map(document => document.text))
    part.forEach(({ id }, row) => {
      noteDifferences(id, theirs.get(id)!, ours[row], differences)
    })
    compared += part.length
  }
  printReport(compared, differences, idsMax)
}

async function* readDocuments(
  corpus: string[],
  wanted: Map<string, Decisions>,
): AsyncGenerator<{ id: string; text: string }[]> {
  let part: { id: string; text: string }[] = []
  for (const path of corpus)
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const id = /^\{"id": ?"([^"]*)"/.exec(line)?.[1]
      if (id === undefined || !wanted.has(id)) continue
      part.push(JSON.parse(line))
      if (part.length < 100) continue
      yield part
      part = []
    }
  if (part.length > 0) yield part
}

function noteDifferences(
  id: string,
  theirs: Decisions,
  ours: Decisions,
  into: Map<string, Map<string, string[]>>,
): void {
  for (const name of [...Object.keys(filters), 'chain', 'c4Text', 'c4AnyLineEndText']) {
    const isText = name.endsWith('Text')
    if (isText && (theirs[name] === undefined || ours[name] === undefined)) continue
    const expected = theirs[name] ?? null
    const wanted = isText ? expected : expected === null ? null : (reasons[expected] ?? expected)
    const causes = into.get(name) ?? new Map<string, string[]>()
    into.set(name, causes)
    if (wanted === ours[name]) continue
    const cause = isText ? 'another text' : `datatrove ${wanted ?? 'keeps'}, ours ${ours[name] ?? 'keeps'}`
    causes.set(cause, [...(causes.get(cause) ?? []), id])
  }
}

function printReport(compared: number, differences: Map<string, Map<string, string[]>>, idsMax: number): void {
  console.log(`${compared} documents, ${(bytes / 1e6).toFixed(1)} MB`)
  for (const [name, causes] of differences) {
    const count = [...causes.values()].reduce((sum, ids) => sum + ids.length, 0)
    console.log(`${name.padEnd(18)} ${((1 - count / compared) * 100).toFixed(3)} % equal, ${count} differ`)
    for (const [cause, ids] of causes) console.log(`  ${ids.length} ${cause}: ${ids.slice(0, idsMax).join(' ')}`)
  }
  for (const [name, time] of Object.entries(nanoseconds))
    console.log(`${name.padEnd(18)} ${((bytes * 1000) / time).toFixed(0)} MB/s`)
}

if (import.meta.main) {
  const paths = process.argv.slice(2).filter(argument => argument !== '--ids')
  await compare(paths[0], paths.slice(1), process.argv.includes('--ids') ? Number.POSITIVE_INFINITY : 3)
}
