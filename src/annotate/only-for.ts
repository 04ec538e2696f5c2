import { type Batch, type Column, type Columns, type Field, stringAt, utf8 } from '../batch/batch.ts'
import { scatterColumn, takeRows } from '../batch/rows.ts'
import type { Annotator } from './annotator.ts'

/**
 * Measures only the rows whose `column` (UTF-8) is one of `values`; the others have no measurement, so that no rule on it drops them,
 * and keep their text. Counts become float64, as an integer has no value that means "not measured".
 *
 *     onlyFor('language', ['en'], gopherQuality())
 */
export function onlyFor(column: string, values: readonly string[], annotator: Annotator): Annotator {
  const wanted = new Set(values)
  const isEdited = (field: Field) => annotator.reads.includes(field.name)
  return Object.freeze({
    ...annotator,
    options: { ...annotator.options, onlyFor: { column, values } },
    reads: [...new Set([column, ...annotator.reads])],
    writes: annotator.writes.map(field => (isEdited(field) ? field : withMissing(field))),
    annotate: async (batch: Batch, signal?: AbortSignal): Promise<Columns> => {
      const labels = utf8(batch, column)
      const rows = Array.from({ length: batch.rows }, (_, row) => row)
      const chosen = rows.filter(row => wanted.has(stringAt(labels, row)))
      const measured = await annotator.annotate(chosen.length === batch.rows ? batch : takeRows(batch, chosen), signal)
      return Object.fromEntries(
        annotator.writes.map(field => {
          const part = measured[field.name]
          return [
            field.name,
            isEdited(field)
              ? mergeColumn(batch.columns[field.name], part, chosen)
              : scatterColumn(widen(part), chosen, batch.rows),
          ]
        }),
      )
    },
  })
}

const integers: readonly string[] = ['u8', 'i32', 'u32']

function withMissing(field: Field): Field {
  return integers.includes(field.kind) ? { name: field.name, kind: 'f64' } : field
}

function widen(column: Column): Column {
  if (column.kind === 'u8' || column.kind === 'i32' || column.kind === 'u32')
    return { kind: 'f64', values: Float64Array.from(column.values) }
  return column
}

/** The column with the rows at `chosen` replaced by those of `part`. Only UTF-8 columns are edited by annotators. */
function mergeColumn(whole: Column, part: Column, chosen: readonly number[]): Column {
  if (whole.kind !== 'utf8' || part.kind !== 'utf8')
    throw new TypeError(`an annotator can edit a utf8 column, not ${whole.kind}`)
  if (chosen.length === whole.offsets.length - 1) return part
  const rows = whole.offsets.length - 1
  const offsets = new Int32Array(rows + 1)
  const source = new Int32Array(rows).fill(-1)
  for (const [i, row] of chosen.entries()) source[row] = i
  const size = (row: number) =>
    source[row] < 0
      ? whole.offsets[row + 1] - whole.offsets[row]
      : part.offsets[source[row] + 1] - part.offsets[source[row]]
  for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row] + size(row)
  const bytes = new Uint8Array(offsets[rows])
  for (let row = 0; row < rows; row++) {
    const from = source[row] < 0 ? whole : part
    const at = source[row] < 0 ? row : source[row]
    bytes.set(from.bytes.subarray(from.offsets[at], from.offsets[at + 1]), offsets[row])
  }
  return { kind: 'utf8', offsets, bytes }
}
