import { type Batch, type Column, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { takeRows } from '../../batch/rows.ts'
import { evaluateRules } from '../../decide/rules.ts'
import { assert, HeadraceError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { deadRowsOf } from '../../record/dead-records.ts'
import { decodeEntry } from '../../record/entry.ts'
import { encodeOwnColumns } from '../../record/own-columns.ts'
import { columnsOf, decodeScored, encodeScored, splitJoined } from '../../record/scored.ts'
import type { MeasuredSlot } from '../../record/slots.ts'
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
import { beforeSteps, type MeasuredBefore, planReuse, type Reuse, storedName } from './reuse.ts'

/**
 * Measures a slot that another pipeline has measured before: what is stored and still holds is read back. `chunks` are its records, where
 * they were read again. Gives what `annotateSlot` would.
 */
export async function annotateStored(
  plan: Plan,
  { value, dead, before }: StoredSlot,
  chunks: readonly Chunk[],
  alone: Alone | null,
  report: Report,
): Promise<AnnotatedSlot> {
  const stored = decodeScored(value)
  const source = chunks.length > 0 ? await parseChunks(plan.source, chunks, report) : null
  const deadBefore = dead ? numberDead(decodeEntry(dead)) : []
  if (source) checkSameRecords({ batch: stored, dead: deadBefore }, source)
  if (before === null) {
    assert(source, 'all is measured anew, and the records were not read again')
    return orderRows([await measureRows(plan, source.batch, alone, report)], source.dead)
  }
  const parts: Measured[] = []
  for (const [reached, indexes] of groupByReach(stored, before.steps)) {
    const past = { origin: before.origin, steps: before.steps.slice(0, reached) }
    const reuse = planReuse(plan, past)
    const rows = indexes.length === stored.rows ? stored : takeRows(stored, indexes)
    assert(source || reuse.fromSource.size === 0, 'rows are measured anew and their records were not read again')
    const documents = reuse.fromSource.size > 0 ? takeSame(source!.batch, rows) : beforeSteps(rows, past, reuse)
    parts.push(await measureRows(reuse.plan, carryStored(documents, rows, reuse), alone, report))
  }
  if (!source) return orderRows(parts, deadBefore)
  // What an annotator failed on may be measured by another.
  parts.push(await measureRows(plan, takeOthers(source.batch, stored), alone, report))
  return orderRows(parts, source.dead)
}

/** The entry of a slot that was measured so: with `base`, of what differs from it alone, if its rows are the same. */
export function encodeStored(
  plan: Plan,
  scored: Batch,
  { value, base }: StoredSlot,
): Pick<MeasuredSlot, 'scored' | 'isJoined'> {
  const columns = columnsOf(plan)
  const reference = base === null ? null : decodeScored(base === 'self' ? value : (splitJoined(value)?.base ?? value))
  return reference && hasSameRows(scored, reference)
    ? { scored: encodeOwnColumns(scored, reference, columns), isJoined: true }
    : { scored: encodeScored(scored, columns) }
}

function hasSameRows(a: Batch, b: Batch): boolean {
  const [rows, others] = [numbers(a, 'row'), numbers(b, 'row')]
  return rows.length === others.length && rows.every((row, i) => row === others[i])
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

/** The records of these rows. */
function takeSame(records: Batch, rows: Batch): Record<string, Column> {
  const at = new Map(Array.from(numbers(records, 'row'), (row, i) => [row, i]))
  return {
    ...takeRows(
      records,
      Array.from(numbers(rows, 'row'), row => at.get(row)!),
    ).columns,
  }
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

/** Throws 'source-changed' unless each record, dead or not, is of the same file and line. */
function checkSameRecords(before: NumberedRecords, now: NumberedRecords): void {
  const [was, is] = [before, now].map(placesOf)
  for (const row of [...was.keys(), ...is.keys()])
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
