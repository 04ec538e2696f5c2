import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalize } from '../../src/annotate/normalize.ts'
import { type Batch, numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'

async function run(texts: readonly string[]): Promise<Batch> {
  const annotator = normalize()
  const batch = {
    rows: texts.length,
    columns: await annotator.annotate({ rows: texts.length, columns: { text: utf8From(texts) } }),
  }
  checkFields(batch, annotator.writes, annotator.name)
  return batch
}

test('normal rows between others stay, and bytes are counted', async () => {
  const batch = await run(['one', 'two \r\n', '', 'three', '\u0958', 'e\u0301', 'four', '\0'])
  const text = utf8(batch, 'text')
  assert.deepEqual(
    Array.from({ length: batch.rows }, (_, row) => stringAt(text, row)),
    ['one', 'two', '', 'three', '\u0915\u093c', 'é', 'four', ''],
  )
  assert.deepEqual([...numbers(batch, 'normalizedBytes')], [0, 3, 0, 0, -3, 1, 0, 1])
  assert.deepEqual([...numbers(batch, 'textBytes')], [3, 3, 0, 5, 6, 2, 4, 0])
})

test('text that grows by composition fits', async () => {
  const batch = await run(['\u0958'.repeat(1000), 'x', '\ufb2c'.repeat(1000)])
  assert.deepEqual([...numbers(batch, 'textBytes')], [6000, 1, 6000])
})

test('the column is handed back when every row is normal, and a column need not start at 0', async () => {
  const column = utf8From(['skipped', 'kept', 'ok '])
  const normal = { ...column, offsets: column.offsets.subarray(0, 3) }
  assert.equal((await normalize().annotate({ rows: 2, columns: { text: normal } })).text, normal)
  const tail = { ...column, offsets: column.offsets.subarray(1) }
  const text = utf8({ rows: 2, columns: await normalize().annotate({ rows: 2, columns: { text: tail } }) }, 'text')
  assert.deepEqual([stringAt(text, 0), stringAt(text, 1)], ['kept', 'ok'])
})

test('an empty text has a rule, and the Unicode version is in the fingerprint', () => {
  assert.deepEqual(normalize().rules, [{ reason: 'empty-text', column: 'textBytes', below: 1 }])
  assert.equal(normalize().options.unicode, process.versions.unicode)
})
