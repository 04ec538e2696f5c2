import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { columnsOfConditions } from '../value/conditions.ts'
import type { RowsWanted } from '../value/rows-wanted.ts'
import { type ChosenRows, checkStored, type PassedRows, readRunTexts } from '../value/run-texts.ts'
import { type DecidedSlots, findDecided, readStoredColumns } from '../value/stored-columns.ts'
import { openNamedRun } from './find-run.ts'
import type { InputText, Unread } from './input-text.ts'
import { formatPlural } from './table.ts'

/** Throws what reading rows of a run would throw: where there is no such run, it has decided nothing, or lacks a column or texts. */
export async function checkRunRows({ run: name, fate, where }: RowsWanted, dir: string): Promise<void> {
  await using run = await openNamedRun(dir, name)
  checkStored(run, fate)
  const decided = await findSome(run)
  const first = { ...decided, to: decided.from + 1 }
  for await (const _ of readStoredColumns(run, columnsOfConditions([where]), first)) return
}

/** The decided slots of a run. Throws `not-found` where there are none. */
export async function findSome(run: RunReader): Promise<DecidedSlots> {
  const decided = await findDecided(run)
  if (decided.from < decided.to) return decided
  throw new HeadraceError('not-found', `${run.dir} has decided no document yet that it still has`)
}

/** The texts of rows of a run; `unread` is told of held-out documents, and of slots that are not in it. */
export async function* readRunRows(
  wanted: RowsWanted,
  dir: string,
  unread: Unread,
  isChosen?: ChosenRows,
): AsyncGenerator<InputText> {
  await using run = await openNamedRun(dir, wanted.run)
  const decided = await findSome(run)
  const passed: PassedRows = { heldOut: 0 }
  for await (const { url, file, bytes, slot, row, id, field } of readRunTexts(run, wanted, decided, {
    passed,
    isChosen,
  }))
    yield { bytes, url, file, place: { slot, row, id }, field }
  noteRun(run, decided, passed, unread)
}

/** Tells of what was not read of a run. */
export function noteRun(run: RunReader, { from, to, isEnded }: DecidedSlots, passed: PassedRows, unread: Unread): void {
  if (passed.heldOut > 0)
    unread.note(`${formatPlural(passed.heldOut, 'document')} of ${run.dir} are held out and were not read`)
  if (!isEnded) unread.note(`${run.dir} has not ended: this is of its slots before ${to}`)
  if (from > 0) unread.note(`slots of ${run.dir} before ${from} were trimmed and are not in this`)
}
