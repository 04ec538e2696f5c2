import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenize } from '../../../src/annotate/tokenize.ts'
import { list, numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { tokenizeKept } from '../../../src/run/measure/tokens.ts'

const texts = ['the river', '', 'größer 水', 'x']
const kept = {
  rows: 4,
  columns: {
    text: utf8From(texts),
    id: utf8From(['a', 'b', 'c', 'd']),
    domain: utf8From(['p', 'p', 'q', 'p']),
    row: { kind: 'u32' as const, values: Uint32Array.of(0, 3, 4, 9) },
    size: { kind: 'f64' as const, values: Float64Array.of(1, 2, 3, 4) },
  },
}

test('a kept row becomes tokens with its address, labels and scores, and its text stays behind', async () => {
  const batch = await tokenizeKept(tokenize('gpt2'), kept, 12)
  assert.equal(batch.rows, 4)
  assert.deepEqual(Object.keys(batch.columns).sort(), ['domain', 'id', 'row', 'size', 'slot', 'textBytes', 'tokens'])
  assert.deepEqual([...numbers(batch, 'slot')], [12, 12, 12, 12])
  assert.deepEqual([...numbers(batch, 'row')], [0, 3, 4, 9])
  assert.deepEqual(
    [...numbers(batch, 'textBytes')],
    texts.map(text => Buffer.byteLength(text)),
  )
  assert.deepEqual(
    [0, 1, 2, 3].map(row => stringAt(utf8(batch, 'id'), row)),
    ['a', 'b', 'c', 'd'],
  )
  // 'the river' in GPT-2's encoding, and the end of the text.
  const { offsets, values } = list(batch, 'tokens')
  assert.deepEqual([...values.subarray(offsets[0], offsets[1])], [1169, 7850, 50256])
  assert.equal(offsets[2] - offsets[1], 1, 'a text without characters is its end')
})

test('a slot of which nothing was kept has no rows and the same columns', async () => {
  const none = {
    rows: 0,
    columns: {
      text: utf8From([]),
      id: utf8From([]),
      domain: utf8From([]),
      row: { kind: 'u32' as const, values: new Uint32Array(0) },
      size: { kind: 'f64' as const, values: new Float64Array(0) },
    },
  }
  const batch = await tokenizeKept(tokenize('gpt2'), none, 0)
  assert.deepEqual([batch.rows, Object.keys(batch.columns).length], [0, 7])
})
