import { setImmediate as turn } from 'node:timers/promises'
import type { Annotator, Rule } from '../../annotate/annotator.ts'
import { encodePacked } from '../../batch/arrow/ipc.ts'
import { type Batch, type Column, numbers, stringAt, utf8, utf8From, withColumns } from '../../batch/batch.ts'
import { checkFields, documentFields, sourceFields, stageFields } from '../../batch/contract.ts'
import { concatBatches, missingColumn, takeRows } from '../../batch/rows.ts'
import { evaluateRules } from '../../decide/rules.ts'
import { assert, HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { hasLine } from '../../sources/line-ranges.ts'
import type { Chunk, DeadRecord, LineRange, Parsed, Source } from '../../sources/source.ts'
import type { Alone, Report } from './jobs.ts'

/** A record that became no row of a batch, with its number in the slot. */
export interface DeadRow extends DeadRecord {
  readonly row: number
  readonly file: string
}

export interface AnnotatedSlot {
  /** All live rows with all columns, in row order; `gate` names the rule that stopped a row early. */
  readonly scored: Batch
  readonly dead: readonly DeadRow[]
}

/** Turns chunks into measured rows, the same bytes whether together or, with `alone`, one by one. `report` is told what is begun. */
export async function annotateSlot(
  plan: Plan,
  chunks: readonly Chunk[],
  alone: Alone | null = null,
  report: Report = () => {},
): Promise<AnnotatedSlot> {
  const { batch, dead } = await parseChunks(plan.source, chunks, report)
  return orderRows([await measureRows(plan, batch, alone, report)], dead)
}

/** Measures rows, all together or, with `alone`, one by one. Every row is in a group, with all columns of the plan, or has failed. */
export async function measureRows(plan: Plan, batch: Batch, alone: Alone | null, report: Report): Promise<Measured> {
  if (!alone) report('measuring')
  const { groups, failed } = await (alone ? measureAlone(plan, batch, alone, report) : measureOrBisect(plan, batch))
  const completed = groups.map(group => completeColumns(plan, group))
  const measured = completed.reduce((sum, group) => sum + group.rows, failed.length)
  assert(measured === batch.rows, `${batch.rows} rows in, ${measured} measured or failed`)
  return { groups: completed, failed }
}

/** The rows of a slot in their order. */
export function orderRows(parts: readonly Measured[], dead: readonly DeadRow[]): AnnotatedSlot {
  const failed = parts.flatMap(part => part.failed)
  const scored = mergeGroups(parts.flatMap(part => part.groups))
  return { scored, dead: [...dead, ...failed].sort((a, b) => a.row - b.row) }
}

/** Mostly one group has all rows, which is not copied: its columns may be those that were read, packed or not. */
function mergeGroups(groups: readonly Batch[]): Batch {
  const filled = groups.filter(group => group.rows > 0)
  const all = concatBatches(filled.length > 0 ? filled : groups.slice(0, 1))
  const rows = rowNumbers(all)
  if (rows.every((row, i) => i === 0 || row > rows[i - 1])) return all
  const order = Array.from(rows.keys()).sort((a, b) => rows[a] - rows[b])
  return takeRows(all, order)
}

export type NumberedRecords = { readonly batch: Batch; readonly dead: DeadRow[] }

/** Parses chunks and numbers every record, live or dead, in the order of files and lines. */
export async function parseChunks(source: Source, chunks: readonly Chunk[], report: Report): Promise<NumberedRecords> {
  const batches: Batch[] = []
  const dead: DeadRow[] = []
  let row = 0
  for (const [index, chunk] of chunks.entries()) {
    report('parsing', index)
    const parsed = takeOnly(await source.parse(chunk), chunk.only)
    const records = [...chunk.dead, ...parsed.dead].sort((a, b) => a.line - b.line)
    const lines = numbers(parsed.batch, 'line')
    const rows = new Uint32Array(parsed.batch.rows)
    let next = 0
    const killBefore = (line: number) => {
      while (next < records.length && records[next].line <= line)
        dead.push({ ...records[next++], row: row++, file: chunk.split })
    }
    for (let i = 0; i < rows.length; i++) {
      killBefore(lines[i])
      rows[i] = row++
    }
    killBefore(Number.POSITIVE_INFINITY)
    assert(row <= limits.slotRowsMax, `${row} records in a slot: a source gave more than its addresses can number`)
    batches.push(withColumns(completeDocuments(parsed.batch), { row: { kind: 'u32', values: rows } }))
  }
  return { batch: concatBatches(batches), dead }
}

/** The documents with the columns that their source need not give. */
function completeDocuments(batch: Batch): Batch {
  const missing = documentFields.filter(field => !batch.columns[field.name] && !sourceFields.includes(field))
  if (missing.length === 0) return batch
  return withColumns(batch, Object.fromEntries(missing.map(field => [field.name, missingColumn(field, batch.rows)])))
}

/** The records on these lines; all, where there are none. */
function takeOnly(parsed: Parsed, only: readonly LineRange[] | undefined): Parsed {
  if (!only) return parsed
  const lines = numbers(parsed.batch, 'line')
  const indexes = Array.from(lines.keys()).filter(i => hasLine(only, lines[i]))
  return { batch: takeRows(parsed.batch, indexes), dead: parsed.dead.filter(record => hasLine(only, record.line)) }
}

export interface Measured {
  readonly groups: Batch[]
  readonly failed: DeadRow[]
}

/** Rows measured one by one are put together again after so many, as a batch of one row is mostly overhead. */
const rowsTogether = 256

/** Measures every row by itself and says which, so that a row that hangs or kills this thread is known; known ones are left out. */
async function measureAlone(plan: Plan, batch: Batch, { poison, suspect }: Alone, report: Report): Promise<Measured> {
  const rows = rowNumbers(batch)
  const reasons = new Map(poison.map(one => [one.row, one]))
  const first = rows.indexOf(suspect)
  const rest = Array.from(rows.keys()).filter(index => index !== first)
  const groups: Batch[] = [takeRows(batch, [])]
  const failed: DeadRow[] = []
  let together: Batch[] = []
  for (const index of first < 0 ? rest : [first, ...rest]) {
    const row = takeRows(batch, [index])
    const known = reasons.get(rows[index])
    if (known) {
      failed.push(deadRow(row, known.reason, known.detail))
      continue
    }
    report('measuring-row', rows[index])
    const measured = await measureOrBisect(plan, row)
    // An error that the annotator throws later, from a callback, is still this row's.
    await turn()
    failed.push(...measured.failed)
    together.push(...measured.groups.map(group => completeColumns(plan, group)))
    if (together.length < rowsTogether) continue
    groups.push(concatBatches(together))
    together = []
  }
  return { groups: [...groups, ...together], failed }
}

/** Measures a batch; when an annotator throws, halves it until the row that it fails on stands alone and is dead. */
async function measureOrBisect(plan: Plan, batch: Batch): Promise<Measured> {
  try {
    return { groups: await measure(plan, batch), failed: [] }
  } catch (error) {
    // The world's fault (a model file that is damaged) is not the document's.
    if (error instanceof HeadraceError || batch.rows === 0) throw error
    if (batch.rows === 1) return { groups: [takeRows(batch, [])], failed: [failedRow(batch, error)] }
    const half = batch.rows >> 1
    const indexes = [...Array(batch.rows).keys()]
    const left = await measureOrBisect(plan, takeRows(batch, indexes.slice(0, half)))
    const right = await measureOrBisect(plan, takeRows(batch, indexes.slice(half)))
    return { groups: [...left.groups, ...right.groups], failed: [...left.failed, ...right.failed] }
  }
}

/** Runs the steps. Rows that a gate stops leave as a group of their own, with what was measured until then. */
async function measure(plan: Plan, batch: Batch): Promise<Batch[]> {
  const groups: Batch[] = []
  let live = batch
  for (const step of plan.steps) {
    if (live.rows === 0) break
    if ('annotator' in step) live = withColumns(live, await annotateChecked(step.annotator, live))
    else {
      const { stopped, passed } = splitByRules(live, step.gate)
      if (stopped) groups.push(stopped)
      live = passed
    }
  }
  return [...groups, live]
}

async function annotateChecked(annotator: Annotator, batch: Batch): Promise<Record<string, Column>> {
  const columns = await annotator.annotate(batch)
  // Wrong columns are the annotator's mistake and not a document's: no document would survive it.
  try {
    checkFields({ rows: batch.rows, columns }, annotator.writes, `annotator '${annotator.name}'`)
  } catch (error) {
    throw new HeadraceError('bad-pipeline', (error as Error).message, error)
  }
  return columns
}

function splitByRules(batch: Batch, gate: readonly Rule[]): { stopped: Batch | null; passed: Batch } {
  const { rule, evidence, evidenceText } = evaluateRules(batch, gate)
  const indexes = Array.from(rule.keys())
  const stopping = indexes.filter(i => rule[i] >= 0)
  if (stopping.length === 0) return { stopped: null, passed: batch }
  const passing = indexes.filter(i => rule[i] < 0)
  const stopped = withColumns(takeRows(batch, stopping), {
    gate: utf8From(stopping.map(i => gate[rule[i]].reason)),
    gateEvidence: { kind: 'f64', values: Float64Array.from(stopping, i => evidence[i]) },
    gateText: utf8From(stopping.map(i => evidenceText(i))),
  })
  return { stopped, passed: takeRows(batch, passing) }
}

/** The group with every column of the plan, those it was stopped before as missing, in one fixed order. */
function completeColumns(plan: Plan, group: Batch): Batch {
  const columns: Record<string, Column> = {}
  for (const field of [...plan.fields, ...stageFields])
    columns[field.name] = group.columns[field.name] ?? missingColumn(field, group.rows)
  return { rows: group.rows, columns }
}

function rowNumbers({ columns: { row } }: Batch): number[] {
  return Array.from(row && 'values' in row ? row.values : [])
}

function failedRow(batch: Batch, error: unknown): DeadRow {
  return deadRow(batch, 'annotator-failed', error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

/** The dead row of a batch of one row. */
function deadRow(batch: Batch, reason: string, detail: string): DeadRow {
  const [row] = numbers(batch, 'row')
  const [line] = numbers(batch, 'line')
  return { row, file: stringAt(utf8(batch, 'file'), 0), line, reason, detail }
}

/** Dead rows beyond which those of a slot do not name their file each: a slot of two-byte lines has 262,144, which took 50 to 400 times theirs. */
const namedRowsMax = 1024

/** Dead rows as an entry of the log. */
export function encodeDead(dead: readonly DeadRow[]): Uint8Array {
  return encodePacked(deadBatch(dead))
}

/** Dead rows as a batch. Among many a file is named once, by its first row. */
export function deadBatch(dead: readonly DeadRow[]): Batch {
  const text = (name: 'reason' | 'detail') => utf8From(dead.map(row => row[name].slice(0, 1000)))
  const isNamed = (i: number) => dead.length <= namedRowsMax || dead[i].file !== dead[i - 1]?.file
  return {
    rows: dead.length,
    columns: {
      row: { kind: 'u32', values: Uint32Array.from(dead, row => row.row) },
      line: { kind: 'u32', values: Uint32Array.from(dead, row => row.line) },
      file: utf8From(dead.map(({ file }, i) => (isNamed(i) ? file.slice(0, 1000) : ''))),
      reason: text('reason'),
      detail: text('detail'),
    },
  }
}
