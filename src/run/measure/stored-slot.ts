import { type Batch, type Column, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { takeRows } from '../../batch/rows.ts'
import { evaluateRules } from '../../decide/rules.ts'
import { assert, HeadraceError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { deadRowsOf } from '../../record/dead-records.ts'
import { decodeEntry } from '../../record/entry.ts'
import { decodeScored, textLength } from '../../record/scored.ts'
import type { Chunk } from '../../sources/source.ts'
import {
  type AnnotatedSlot,
  type DeadRow,
  type Measured,
  measureRows,
  type NumberedRecords,
  orderRows,
  parseChunks,
} from './annotate-slot.ts'
import type { Alone, Report, StoredSlot } from './jobs.ts'
import { sortStored, standingsOf } from './recall.ts'
import { beforeSteps, type MeasuredBefore, needsTexts, planRows, type Reuse, sameColumns, storedName } from './reuse.ts'

/**
 * Measures a slot that another pipeline has measured before: what is stored and still holds is read back. `chunks` are its records, where
 * they were read again. Gives what `annotateSlot` would, in columns of `stored` where these hold for all rows; `stored` is what was read.
 */
export async function annotateStored(
  plan: Plan,
  { value, dead, before, textsOnly, standings }: StoredSlot,
  chunks: readonly Chunk[],
  alone: Alone | null,
  report: Report,
): Promise<AnnotatedSlot & { readonly stored: Batch }> {
  const stored = decodeScored(value)
  const source = chunks.length > 0 ? await parseChunks(plan.source, chunks, report) : null
  const deadBefore = dead ? numberDead(decodeEntry(dead)) : []
  // Of dead records nothing is known where texts alone are wanted.
  if (source) checkSameRecords({ batch: stored, dead: deadBefore }, source, !textsOnly)
  if (before === null) {
    assert(source, 'all is measured anew, and the records were not read again')
    return { ...orderRows([await measureRows(plan, source.batch, alone, report)], source.dead), stored }
  }
  // What is stored costs nothing, and with the records come the texts.
  const wantsTexts = source !== null || !before.lacksTexts || needsTexts(plan)
  const told = standings ? standingsOf(stored, standings) : null
  const sorted = told && (await sortStored(plan, stored, told, sameColumns(plan, stored, before), { alone, report }))
  const parts: Measured[] = sorted ? [sorted.stopped] : []
  for (const [reached, all] of groupByReach(stored, before.steps)) {
    const indexes = sorted ? all.filter(index => sorted.passed.has(index)) : all
    if (sorted && indexes.length === 0) continue
    const past = { ...before, steps: before.steps.slice(0, reached) }
    const reuse = planRows(plan, before, reached, wantsTexts)
    const rows = indexes.length === stored.rows ? stored : takeRows(stored, indexes)
    assert(source || reuse.fromSource.size === 0, 'rows are measured anew and their records were not read again')
    const documents = {
      ...beforeSteps(rows, past, reuse),
      ...(source && takeSame(source.batch, rows, reuse.fromSource)),
      ...(told && takeRows(told, indexes).columns),
    }
    parts.push(await measureRows(reuse.plan, carryStored(documents, rows, reuse), alone, report))
  }
  if (!source) {
    const measured = orderRows(parts, deadBefore)
    return { ...measured, ...(!wantsTexts && { scored: takeTexts(measured.scored, stored) }), stored }
  }
  if (textsOnly) return { ...orderRows(parts, []), stored }
  // What an annotator failed on may be measured by another.
  parts.push(await measureRows(plan, takeOthers(source.batch, stored), alone, report))
  return { ...orderRows(parts, source.dead), stored }
}

/** Rows by how many steps they went through before a gate stopped them. */
function groupByReach(stored: Batch, steps: MeasuredBefore['steps']): Map<number, number[]> {
  const gates = utf8(stored, 'gate')
  const isStopped = (row: number) => gates.offsets[row + 1] > gates.offsets[row]
  const all = Array.from({ length: stored.rows }, (_, row) => row)
  const groups = Map.groupBy(all, row => (isStopped(row) ? -1 : steps.length))
  // A slot of dead records alone has columns, too.
  if (stored.rows === 0) groups.set(steps.length, [])
  let left = groups.get(-1) ?? []
  groups.delete(-1)
  for (const [i, step] of steps.entries()) {
    if (left.length === 0 || !('gate' in step)) continue
    const names = step.gate.map(rule => rule.column)
    const measured = Object.fromEntries(names.map(name => [name, stored.columns[name]]))
    const { rule } = evaluateRules(takeRows({ rows: stored.rows, columns: measured }, left), step.gate)
    const isHere = (row: number, at: number) => rule[at] >= 0 && step.gate[rule[at]].reason === stringAt(gates, row)
    const here = left.filter(isHere)
    if (here.length > 0) groups.set(i, here)
    left = left.filter((row, at) => !isHere(row, at))
  }
  assert(left.length === 0, `row ${left[0]} was stopped by no gate of its pipeline`)
  return groups
}

/** Rows before the first step, with what is stored of the columns that steps read back. */
function carryStored(documents: Record<string, Column>, rows: Batch, { stored }: Reuse): Batch {
  const carried = Array.from(stored, name => [storedName(name), rows.columns[name]] as const)
  return { rows: rows.rows, columns: { ...documents, row: rows.columns.row, ...Object.fromEntries(carried) } }
}

/** Rows with the texts that are stored of them, or with their lengths. */
function takeTexts(rows: Batch, stored: Batch): Batch {
  const texts = storedTexts(stored)
  const some = takeSame({ rows: stored.rows, columns: { row: stored.columns.row, ...texts } }, rows, Object.keys(texts))
  const { text, ...lengths } = some
  const columns = Object.entries(rows.columns).filter(([name]) => name !== 'text' || text)
  return { rows: rows.rows, columns: { ...Object.fromEntries(columns), ...lengths, ...(text && { text }) } }
}

function storedTexts({ columns }: Batch): Record<string, Column> {
  return columns.text ? { text: columns.text } : { [textLength]: columns[textLength] }
}

/** Columns of the records of these rows. */
function takeSame(records: Batch, rows: Batch, names: Iterable<string>): Record<string, Column> {
  const at = new Map(Array.from(numbers(records, 'row'), (row, i) => [row, i]))
  const columns = Object.fromEntries(Array.from(names, name => [name, records.columns[name]]))
  const indexes = Array.from(numbers(rows, 'row'), row => at.get(row)!)
  return { ...takeRows({ rows: records.rows, columns }, indexes).columns }
}

/** The records that are none of these rows. */
function takeOthers(records: Batch, rows: Batch): Batch {
  const known = new Set(numbers(rows, 'row'))
  const numbered = Array.from(numbers(records, 'row'))
  return takeRows(
    records,
    [...numbered.keys()].filter(i => !known.has(numbered[i])),
  )
}

/** Throws 'source-changed' unless each record, dead or not, is of the same file and line; unless `isAll`, each that was known before. */
function checkSameRecords(before: NumberedRecords, now: NumberedRecords, isAll: boolean): void {
  const [was, is] = [before, now].map(placesOf)
  for (const row of [...was.keys(), ...(isAll ? is.keys() : [])])
    if (was.get(row) !== is.get(row))
      throw new HeadraceError(
        'source-changed',
        `the source gives other records than the run that is replayed has read: ${was.get(row) ?? 'no record'} was row ${row} of its slot and ${is.get(row) ?? 'no record'} is now; run the pipeline over the input as another run`,
      )
}

/** Where each record stands, by its row. */
function placesOf({ batch, dead }: NumberedRecords): Map<number, string> {
  const [rows, lines, files] = [numbers(batch, 'row'), numbers(batch, 'line'), utf8(batch, 'file')]
  const places = new Map(Array.from(rows, (row, i) => [row, `${stringAt(files, i)}:${lines[i]}`]))
  for (const { row, file, line } of dead) places.set(row, `${file}:${line}`)
  return places
}

function numberDead(batch: Batch): DeadRow[] {
  return Array.from(deadRowsOf(batch), ({ row, file, line, reason, detail }) => ({ row, file, line, reason, detail }))
}
