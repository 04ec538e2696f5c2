import { type Batch, type Column, numberArrays, numbers, utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { findNearest } from '../options.ts'
import { topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { textLengths } from '../record/scored.ts'
import { readSlotColumns } from '../record/slot-columns.ts'
import { decidedEnd, hasEnded, readStanding } from '../record/standing.ts'

/** The columns that a run has measured of its documents, by what decides it now. */
export const columnsIn = ({ segments }: RunReader['run']): string[] => Object.keys(segments.at(-1)!.columns ?? {})

/** Columns that are read: those that must hold numbers, and those that must hold names. */
export interface ColumnsRead {
  readonly numbers: readonly string[]
  readonly names: readonly string[]
}

/** The slots `[from, to)` that a run has decided and still has, and whether there will be no more. */
export interface DecidedSlots {
  readonly from: number
  readonly to: number
  readonly isEnded: boolean
}

export async function findDecided(run: RunReader): Promise<DecidedSlots> {
  const standing = await readStanding(run.log, run.run)
  const to = decidedEnd(standing)
  return { from: run.first, to, isEnded: hasEnded(standing, run.run) }
}

/** A slot's columns, with `id`, `row` and `gate`, and where each row's text begins and the last ends: rows + 1 numbers. */
export interface StoredColumns {
  readonly slot: number
  readonly batch: Batch
  readonly textOffsets: Int32Array
}

/** Columns of decided slots, in their order, dropped documents too. Throws `bad-option` for one that a slot lacks or has as something else. */
export async function* readStoredColumns(
  run: RunReader,
  wanted: ColumnsRead,
  { from, to }: DecidedSlots,
): AsyncIterable<StoredColumns> {
  const columns = [...new Set(['id', 'row', 'gate', ...wanted.numbers, ...wanted.names])]
  const slots = { topic: topics.scored, partitions: run.run.partitions, from, to, columns, lengthsOf: 'text' }
  for await (const { slot, batch, offsets } of readSlotColumns(run.log, slots)) {
    const isWhole = columns.every(name => batch.columns[name])
    const whole = isWhole ? batch : await run.scored(slot)
    const wrong = findWrong(whole, wanted)
    if (wrong) throw refuse(run, await run.scored(slot), wrong)
    yield { slot, batch: whole, textOffsets: isWhole ? offsets : textLengths(whole) }
  }
}

/** A column's values; NaN where a document has none: a gate stopped it before, it was not for it, or it is not finite. */
export function measuredValues(batch: Batch, column: string): Float64Array {
  const values = Float64Array.from(numbers(batch, column), value => (Number.isFinite(value) ? value : Number.NaN))
  // A whole number has no value that means "not measured".
  const { kind } = batch.columns[column]
  if (kind === 'f64' || kind === 'f32') return values
  const { offsets } = utf8(batch, 'gate')
  for (let row = 0; row < batch.rows; row++) if (offsets[row + 1] > offsets[row]) values[row] = Number.NaN
  return values
}

const kinds = {
  numbers: (column: Column) => column.kind in numberArrays,
  names: (column: Column) => column.kind === 'utf8',
}
type Wrong = readonly [name: string, wanted: keyof ColumnsRead]

/** The first of the columns that a slot does not have as they are needed. Of a run that was upgraded, early slots may have others. */
function findWrong({ columns }: Batch, wanted: ColumnsRead): Wrong | null {
  const all = (['numbers', 'names'] as const).flatMap(kind => wanted[kind].map((name): Wrong => [name, kind]))
  return all.find(([name, kind]) => !Object.hasOwn(columns, name) || !kinds[kind](columns[name])) ?? null
}

/** The run's columns of a kind in a slot, by name. `batch` has all columns. */
export function columnsOfKind({ run }: RunReader, { columns }: Batch, kind: keyof ColumnsRead): string[] {
  return columnsIn(run)
    .filter(name => Object.hasOwn(columns, name) && kinds[kind](columns[name]))
    .sort()
}

function refuse(run: RunReader, batch: Batch, [name, kind]: Wrong) {
  const known = columnsOfKind(run, batch, kind)
  const isThere = Object.hasOwn(batch.columns, name)
  const nearest = isThere ? null : findNearest(name, known)
  const why = isThere ? `column '${name}' of ${run.dir} holds no ${kind}` : `${run.dir} has no column '${name}'`
  const advice = nearest ? `did you mean '${nearest}'? ` : ''
  return new HeadraceError('bad-option', `${why}; ${advice}columns of ${kind} are: ${known.join(', ') || 'none'}`)
}
