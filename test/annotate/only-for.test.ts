import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onlyFor } from '../../src/annotate/only-for.ts'
import { numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { plainAnnotator } from './plain.ts'

/** Doubles each text and counts its bytes. */
const double = plainAnnotator({
  name: 'double',
  writes: [
    { name: 'text', kind: 'utf8' },
    { name: 'size', kind: 'u32' },
  ],
  annotate: batch => {
    const texts = Array.from({ length: batch.rows }, (_, row) => stringAt(utf8(batch, 'text'), row))
    return {
      text: utf8From(texts.map(text => text + text)),
      size: { kind: 'u32', values: Uint32Array.from(texts, text => text.length) },
    }
  },
})

const cases: [labels: string[], texts: string[], sizes: number[]][] = [
  [
    ['en', 'zh', 'en'],
    ['aa', 'b', 'cc'],
    [1, Number.NaN, 1],
  ],
  [
    ['zh', 'zh', 'zh'],
    ['a', 'b', 'c'],
    [Number.NaN, Number.NaN, Number.NaN],
  ],
  [
    ['en', 'en', 'en'],
    ['aa', 'bb', 'cc'],
    [1, 1, 1],
  ],
]

for (const [labels, texts, sizes] of cases)
  test(`onlyFor en measures and edits ${labels}`, async () => {
    const batch = { rows: 3, columns: { text: utf8From(['a', 'b', 'c']), language: utf8From(labels) } }
    const wrapped = onlyFor('language', ['en'], double)
    const columns = await wrapped.annotate(batch)
    const result = { rows: 3, columns }
    assert.deepEqual(
      [0, 1, 2].map(row => stringAt(utf8(result, 'text'), row)),
      texts,
    )
    assert.deepEqual([...numbers(result, 'size')], sizes)
    assert.deepEqual(wrapped.writes[1], { name: 'size', kind: 'f64' })
    assert.deepEqual(wrapped.reads, ['language', 'text'])
  })
