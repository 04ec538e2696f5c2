import { type Batch, type Column, numberArrays, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { documentFields, stageFields } from '../batch/contract.ts'
import { slotOf } from '../decide/decider.ts'
import type { RunReader } from '../record/run-reader.ts'
import { formatMeasured } from '../text/figures.ts'
import { cleanName, cleanPath } from '../text/printable.ts'
import { checksOf, findCheck, lastStep, measuringFrom, passes } from '../what-if/checks.ts'
import { Conditions } from '../what-if/conditions.ts'
import type { Candidate } from './collect.ts'
import { cutExcerpt, findEvidence, findOwnLines } from './evidence.ts'
import type { Excerpt, ReportData, ReportPart, ShownDocument } from './report-data.ts'

/** Columns that are labels, texts or the stages' own, and no measurements. */
const noMeasures = new Set([...documentFields, ...stageFields].map(({ name }) => name).concat('text.bytes'))

/**
 * Documents with what speaks for and against them. Each reads its slot, and the one of the document that it repeats. `first`: the first slot that
 * the run still has.
 */
export async function describeDocuments(
  run: RunReader,
  chosen: readonly Candidate[],
  parts: readonly ReportPart[] | null,
  first: number = run.first,
): Promise<Pick<ReportData, 'documents' | 'measures'>> {
  const measures = new Map<string, number>()
  const drafts: (ShownDocument & { readonly cells: Map<string, number | string> })[] = []
  for (const candidate of chosen) {
    if (candidate.index < 0) drafts.push({ ...deadDocument(candidate), cells: new Map() })
    else drafts.push(await describe(run, candidate, parts, first))
    for (const name of drafts.at(-1)!.cells.keys()) if (!measures.has(name)) measures.set(name, measures.size)
  }
  const names = [...measures.keys()]
  const documents = drafts.map(({ cells, ...document }) => ({
    ...document,
    values: names.map(name => cells.get(name) ?? null),
  }))
  return { documents, measures: names }
}

function deadDocument({ slot, row, reason, evidence, file, line }: Candidate): ShownDocument {
  const labels = { id: '', domain: '', language: '', place: `${cleanPath(file)}:${line}`, slot, row }
  const none = { partner: null, values: [], broken: [] }
  const noText = 'a record that never became a document'
  return {
    fate: 'dead',
    reason: cleanName(reason),
    ...labels,
    evidence: shownEvidence(evidence),
    text: null,
    noText,
    ...none,
  }
}

async function describe(run: RunReader, candidate: Candidate, parts: readonly ReportPart[] | null, first: number) {
  const { slot, row, index, reason, partner, similarity, evidence } = candidate
  const scored = await run.scored(slot)
  const part = parts?.[run.run.segments.findLastIndex(segment => segment.from <= slot)] ?? null
  const { broken, columns, unmeasured } = part ? judge(scored, index, part, reason) : nothingKnown
  const text = textAt(scored, index)
  const other = partner < 0 ? null : await findPartner(run, partner, first)
  const spans = other?.text && text ? findOwnLines(text, other.text) : text ? evidenceIn(text, columns) : []
  const title = other && `${other.title}${Number.isNaN(similarity) ? '' : `, similarity ${formatMeasured(similarity)}`}`
  const shown =
    other?.text && text ? excerptOf(other.text, findOwnLines(other.text, text)) : excerptOf(other?.text ?? null, [])
  return {
    fate: reason === '' ? ('kept' as const) : ('dropped' as const),
    reason: cleanName(reason),
    ...labelsOf(scored, index),
    slot,
    row,
    evidence: shownEvidence(evidence),
    text: excerptOf(text, spans),
    noText: text === null ? whyNoText(run) : '',
    partner: title === null ? null : { title, text: shown },
    values: [],
    broken,
    cells: cellsOf(scored, index, unmeasured),
  }
}

const nothingKnown = { broken: [], columns: [], unmeasured: new Set<string>() }

const shownEvidence = (evidence: Candidate['evidence']) =>
  typeof evidence === 'string' ? cleanName(evidence, 300) : evidence

export function labelsOf(scored: Batch, index: number) {
  const at = (name: string) => (scored.columns[name]?.kind === 'utf8' ? stringAt(utf8(scored, name), index) : '')
  const place = `${cleanPath(at('file'))}:${numbers(scored, 'line')[index]}`
  return { id: cleanName(at('id')), domain: cleanName(at('domain')), language: cleanName(at('language')), place }
}

const textAt = (batch: Batch, index: number) => (batch.columns.text ? stringAt(utf8(batch, 'text'), index) : null)
const excerptOf = (text: string | null, spans: Parameters<typeof cutExcerpt>[1]): Excerpt | null =>
  text === null ? null : cutExcerpt(text, spans)

export function whyNoText({ run }: RunReader): string {
  return run.storedText === 'kept'
    ? 'this run stores the texts of kept documents alone'
    : 'this run does not store its texts'
}

async function findPartner(run: RunReader, partner: number, first: number) {
  if (slotOf(partner) < first)
    return { title: `repeats a document of slot ${slotOf(partner)}, which was trimmed`, text: null }
  const { batch, index } = await run.find(partner)
  const { id, place } = labelsOf(batch, index)
  return { title: `repeats ${id}, ${place}`, text: textAt(batch, index) }
}

/** All rules that a row breaks, as far as it was measured, the one that dropped it first; and what was measured of it no more. */
function judge(scored: Batch, index: number, part: ReportPart, reason: string) {
  const conditions = new Conditions()
  const checks = checksOf(part, conditions)
  // One row alone is looked at.
  const marks = conditions.mark(rowOf(scored, index, conditions.columns()))
  const found = findCheck(checks, marks, 0, lastStep)
  const step = found === passes ? lastStep : checks[found].step
  const measured = step === lastStep ? lastStep : measuringFrom(part)[step]
  const isMeasured = (column: string) => {
    const writer = part.steps.findLastIndex(one => 'writes' in one && one.writes.includes(column))
    return measured === lastStep || writer < measured
  }
  const all = checks.filter(({ rule, condition }) => marks[condition][0] === 1 && isMeasured(rule.column))
  const sorted = all.toSorted((a, b) => Number(b.rule.reason === reason) - Number(a.rule.reason === reason))
  const late = part.steps.flatMap(one => ('writes' in one ? one.writes : [])).filter(name => !isMeasured(name))
  return {
    broken: [...new Set(sorted.map(({ rule }) => rule.reason))],
    columns: sorted.map(({ rule }) => rule.column),
    unmeasured: new Set(late),
  }
}

/** A batch of one row of some columns. */
function rowOf({ columns }: Batch, index: number, names: readonly string[]): Batch {
  const own = names.map((name): [string, Column] => {
    const column = columns[name]
    if (column.kind === 'utf8') {
      const bytes = column.bytes.subarray(column.offsets[index], column.offsets[index + 1])
      return [name, { kind: 'utf8', bytes, offsets: Int32Array.of(0, bytes.length) }]
    }
    if (column.kind === 'list<i32>' || column.kind === 'fixed') return [name, column]
    return [name, { kind: column.kind, values: column.values.slice(index, index + 1) }]
  })
  return { rows: 1, columns: Object.fromEntries(own) }
}

/** What the first of the columns that has a place in the text points at. */
function evidenceIn(text: string, columns: readonly string[]) {
  for (const column of columns) {
    const found = findEvidence(column, text)
    if (found.length > 0) return found
  }
  return []
}

function cellsOf({ columns }: Batch, index: number, unmeasured: ReadonlySet<string>): Map<string, number | string> {
  const cells = new Map<string, number | string>()
  for (const name of Object.keys(columns)) {
    if (noMeasures.has(name) || unmeasured.has(name)) continue
    const column = columns[name]
    if (column.kind === 'utf8') cells.set(name, cleanName(stringAt(column, index)))
    else if (column.kind in numberArrays && 'values' in column && Number.isFinite(column.values[index]))
      cells.set(name, column.values[index])
  }
  return cells
}
