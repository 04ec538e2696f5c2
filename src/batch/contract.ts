import { type Batch, type Field, rowsOf } from './batch.ts'

/** What a document is when it enters: the columns every source gives. `meta` is a JSON object of all its other fields. */
export const documentFields: readonly Field[] = [
  { name: 'text', kind: 'utf8' },
  { name: 'id', kind: 'utf8' },
  { name: 'domain', kind: 'utf8' },
  { name: 'url', kind: 'utf8' },
  { name: 'added', kind: 'utf8' },
  { name: 'meta', kind: 'utf8' },
  { name: 'file', kind: 'utf8' },
  { name: 'line', kind: 'u32' },
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
