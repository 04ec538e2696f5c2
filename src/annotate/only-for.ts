import { type Batch, type Column, type Columns, type Field, stringAt, utf8 } from '../batch/batch.ts'
import { scatterColumn, takeRows } from '../batch/rows.ts'
import { kind, listOf, name, required, resolveOptions } from '../options.ts'
import type { Annotator } from './annotator.ts'
import { replaceTexts } from './replace-texts.ts'

const values = kind<readonly string[]>('a list of one value or more', listOf(name, 1).accepts)
const isAnnotator = kind<Annotator>(
  'an annotator, as gopherQuality() gives one',
  value => typeof (value as Annotator | undefined)?.annotate === 'function',
)
const table = {
  name: 'onlyFor',
  about: `\`onlyFor(column, values, annotator)\` measures only the rows whose \`column\` is one of \`values\`. The others have no measurement,
    so that no rule on it drops them, and keep their text. Counts become float64.`,
  measures: {},
  options: {
    column: required('a UTF-8 column', name),
    values: required('its values in the rows that are measured', values),
    annotator: required('what measures them', isAnnotator),
  },
}

/**
 * Measures only the rows whose `column` (UTF-8) is one of `values`; the others have no measurement, so that no rule on it drops them,
 * and keep their text. Counts become float64, as an integer has no value that means "not measured".
 *
 *     onlyFor('language', ['en'], gopherQuality())
 */
export function onlyFor(column: string, values: readonly string[], annotator: Annotator): Annotator {
  resolveOptions('onlyFor()', table.options, { column, values, annotator })
  const wanted = new Set(values)
  const rows = { column, values }
  const { options, measuredWith = options } = annotator
  const isEdited = (field: Field) => annotator.reads.includes(field.name)
  return Object.freeze({
    ...annotator,
    options: { ...options, onlyFor: rows },
    measuredWith: { ...measuredWith, onlyFor: rows },
    reads: [...new Set([column, ...annotator.reads])],
    writes: annotator.writes.map(field => (isEdited(field) ? field : withMissing(field))),
    annotate: async (batch: Batch, signal?: AbortSignal): Promise<Columns> => {
      const labels = utf8(batch, column)
      const rows = Array.from({ length: batch.rows }, (_, row) => row)
      const chosen = rows.filter(row => wanted.has(stringAt(labels, row)))
      const measured = await annotator.annotate(chosen.length === batch.rows ? batch : takeRows(batch, chosen), signal)
      const spread = (field: Field): Column => {
        const part = measured[field.name]
        if (isEdited(field)) return mergeColumn(batch.columns[field.name], part, chosen)
        return scatterColumn(widen(part), chosen, batch.rows)
      }
      return Object.fromEntries(annotator.writes.map(field => [field.name, spread(field)]))
    },
  })
}
onlyFor.table = table

const integers: readonly string[] = ['u8', 'i32', 'u32']

function withMissing(field: Field): Field {
  return integers.includes(field.kind) ? { name: field.name, kind: 'f64' } : field
}

function widen(column: Column): Column {
  if (!('values' in column) || !integers.includes(column.kind)) return column
  return { kind: 'f64', values: Float64Array.from(column.values) }
}

/** The column with the rows at `chosen` replaced by those of `part`. Only UTF-8 columns are edited by annotators. */
function mergeColumn(whole: Column, part: Column, chosen: readonly number[]): Column {
  if (whole.kind !== 'utf8' || part.kind !== 'utf8')
    throw new TypeError(`an annotator can edit a utf8 column, not ${whole.kind}`)
  const { bytes, offsets } = part
  return replaceTexts(whole, new Map(chosen.map((row, i) => [row, bytes.subarray(offsets[i], offsets[i + 1])])))
}
