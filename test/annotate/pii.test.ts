import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskPii } from '../../src/annotate/pii.ts'
import { type Batch, list, numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'

async function run(rows: readonly { id: string; text: string }[]): Promise<Batch> {
  const annotator = maskPii()
  const columns = { text: utf8From(rows.map(row => row.text)), id: utf8From(rows.map(row => row.id)) }
  const batch = { rows: rows.length, columns: await annotator.annotate({ rows: rows.length, columns }) }
  checkFields(batch, annotator.writes, annotator.name)
  return batch
}

const rows = [
  { id: 'a', text: 'Nothing here.' },
  { id: 'b', text: '写信到foo@bar.com，或致电 202-555-0143。' },
  { id: 'c', text: '' },
  { id: 'd', text: '8.8.8.8 and 8.8.8.8, 2606:4700::1111' },
]

test('texts are masked, and spans are byte offsets of the text before', async () => {
  const batch = await run(rows)
  const text = utf8(batch, 'text')
  const emails = '(email@example.com|firstname.lastname@example.org)'
  assert.equal(stringAt(text, 0), rows[0].text)
  assert.match(stringAt(text, 1), new RegExp(`^写信到${emails}，或致电 555-0100。$`))
  assert.equal(stringAt(text, 2), '')
  assert.match(stringAt(text, 3), /^(\d+\.){3}\d+ and (\d+\.){3}\d+, 2001:db8::1$/)
  assert.doesNotMatch(stringAt(text, 3), /8\.8\.8\.8/)
  assert.deepEqual([...numbers(batch, 'piiCount')], [0, 2, 0, 3])
  const spans = list(batch, 'piiSpans')
  assert.deepEqual([...spans.offsets], [0, 0, 6, 6, 15])
  assert.deepEqual([...spans.values.subarray(0, 6)], [9, 20, 1, 33, 45, 4])
})

test('a placeholder depends on the id and the place alone, and all of a kind are used', async () => {
  const alone = await run([rows[3]])
  assert.equal(stringAt(utf8(alone, 'text'), 0), stringAt(utf8(await run(rows), 'text'), 3))
  const many = await run(Array.from({ length: 100 }, (_, i) => ({ id: `${i}`, text: '8.8.8.8' })))
  const used = new Set(Array.from({ length: 100 }, (_, row) => stringAt(utf8(many, 'text'), row)))
  assert.equal(used.size, 6)
})

test('masking twice changes nothing', async () => {
  const once = utf8(await run(rows), 'text')
  const again = await run(rows.map(({ id }, row) => ({ id, text: stringAt(once, row) })))
  assert.deepEqual([...numbers(again, 'piiCount')], [0, 0, 0, 0])
  assert.deepEqual(utf8(again, 'text').bytes, once.bytes)
})
