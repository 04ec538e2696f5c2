import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readDocuments } from './documents.ts'

const golden = (name: string) => join(import.meta.dirname, '../../golden/parquet', name)
type Expected = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
const expected: Expected = JSON.parse(readFileSync(golden('expected.json'), 'utf8'))

// Every type, in every encoding and nesting that pyarrow writes, against what pyarrow reads.
for (const [name, rows] of Object.entries(expected))
  test(`${name}: values are as pyarrow reads them`, async () => {
    const documents = await readDocuments(golden(`${name}.parquet`))
    assert.equal(documents.length, rows.length)
    for (const [i, { text, meta }] of documents.entries()) {
      assert.equal(text, `row ${i}`)
      for (const [column, value] of Object.entries(rows[i]))
        assert.deepEqual((meta as Record<string, unknown>)[column], value, `${column} of row ${i}`)
      assert.deepEqual(Object.keys(meta as object).sort(), Object.keys(rows[i]).sort())
    }
  })
