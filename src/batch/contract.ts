import { type Batch, type Field, rowsOf } from './batch.ts'

/** What may have been wrong with a record that was repaired: the names that stand in its `repaired`. */
export const faultNames = [
  'invalid-utf8',
  'lone-surrogate',
  'nul-character',
  'control-character',
  'byte-order-mark',
  'not-a-number',
  'bad-field',
  'too-deep',
  'line-ends',
] as const

/** What a document is when it enters: the columns every source gives. `meta` is a JSON object of all its other fields. */
export const sourceFields: readonly Field[] = [
  { name: 'text', kind: 'utf8' },
  { name: 'id', kind: 'utf8' },
  { name: 'domain', kind: 'utf8' },
  { name: 'url', kind: 'utf8' },
  { name: 'added', kind: 'utf8' },
  { name: 'meta', kind: 'utf8' },
  { name: 'file', kind: 'utf8' },
  { name: 'line', kind: 'u32' },
]

/** With what a source may leave out: `repaired` has what was wrong with the record (`faultNames`), between spaces; mostly it is empty. */
export const documentFields: readonly Field[] = [...sourceFields, { name: 'repaired', kind: 'utf8' }]

/** Columns that the stages add themselves. */
export const stageFields: readonly Field[] = [
  { name: 'row', kind: 'u32' },
  { name: 'gate', kind: 'utf8' },
  { name: 'gateEvidence', kind: 'f64' },
  { name: 'gateText', kind: 'utf8' },
]

/** Throws unless `batch` has these columns with these types and one value a row. */
export function checkFields(batch: Batch, fields: readonly Field[], who: string): void {
  for (const field of fields) {
    const column = batch.columns[field.name]
    if (column === undefined) throw new TypeError(`${who} must write column '${field.name}' and did not`)
    if (column.kind !== field.kind)
      throw new TypeError(`${who} wrote column '${field.name}' as ${column.kind}, not ${field.kind}`)
    if (rowsOf(column) !== batch.rows)
      throw new TypeError(`${who} wrote ${rowsOf(column)} values of '${field.name}' for ${batch.rows} rows`)
  }
}
