import { decodeBatch, encodeBatch } from '../../batch/arrow/ipc.ts'
import { type Batch, type Column, numbers, utf8, utf8From } from '../../batch/batch.ts'
import { takeRows } from '../../batch/rows.ts'
import { assert } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { reasonColumn, standingColumn } from '../../record/recalled.ts'
import { type Measured, measureRows } from './annotate-slot.ts'
import type { Alone, Report } from './jobs.ts'
import { storedName } from './reuse.ts'

// A recall's plan begins with an annotator that says how a row stands in the other run and scores the text that is stored of it, and a gate
// behind it. What the gate stops needs no more than that, and keeps what was measured of it: so these two steps come first, for all rows.

/** How rows stand in the run that they are recalled from, and what they were dropped for or empty, as it is sent to a worker. */
export function encodeStandings(standing: readonly string[], reason: readonly string[]): Uint8Array {
  const columns = { [standingColumn]: utf8From(standing), [reasonColumn]: utf8From(reason) }
  return encodeBatch({ rows: standing.length, columns })
}

/** What the first annotator of a recall reads of rows, which are those of `stored` in their order. */
export function standingsOf(stored: Batch, encoded: Uint8Array): Batch {
  const { batch } = decodeBatch(encoded)
  assert(batch.rows === stored.rows || stored.rows === 0, `${stored.rows} rows, and the standings of ${batch.rows}`)
  const names = [standingColumn, reasonColumn]
  const told = Object.fromEntries(names.map(name => [storedName(name), batch.columns[name]]))
  return { rows: stored.rows, columns: { ...told, [storedName('text')]: stored.columns.text } }
}

/** What the first gate of a recall came to: rows that it stopped, done, and the indexes of the others. */
export interface Sorted {
  readonly stopped: Measured
  readonly passed: ReadonlySet<number>
}

/**
 * Does the steps of a recall up to its gate. `measured` are the columns of `stored` that are what the plan would measure: of rows that are
 * stopped they stay as they are.
 */
export async function sortStored(
  plan: Plan,
  stored: Batch,
  told: Batch,
  measured: Readonly<Record<string, Column>>,
  { alone, report }: { readonly alone: Alone | null; readonly report: Report },
): Promise<Sorted> {
  const gate = plan.steps.findIndex(step => 'gate' in step)
  const first = { ...plan, steps: plan.steps.slice(0, gate + 1) }
  const columns = { ...measured, ...told.columns, row: stored.columns.row }
  const { groups, failed } = await measureRows(first, { rows: stored.rows, columns }, alone, report)
  const at = new Map(Array.from(numbers(stored, 'row'), (row, index) => [row, index]))
  const passed = new Set<number>()
  const stopped = groups.map(group => {
    const { offsets } = utf8(group, 'gate')
    const rows = numbers(group, 'row')
    const indexes = [...rows.keys()]
    const isStopped = (index: number) => offsets[index + 1] > offsets[index]
    for (const index of indexes) if (!isStopped(index)) passed.add(at.get(rows[index])!)
    return takeRows(group, indexes.filter(isStopped))
  })
  return { stopped: { groups: stopped, failed }, passed }
}
