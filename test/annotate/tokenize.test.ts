import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenize } from '../../src/annotate/tokenize.ts'
import { type Batch, list, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'

const texts = ['Hello world', '', '<|endoftext|>', '你好']
const batch: Batch = { rows: texts.length, columns: { text: utf8From(texts) } }

function tokensOf(columns: Batch['columns'], rows: number): number[][] {
  const { offsets, values } = list({ rows, columns }, 'tokens')
  return Array.from({ length: rows }, (_, row) => [...values.subarray(offsets[row], offsets[row + 1])])
}

test('each row has its ids and then the end of text', async () => {
  const table = {
    o200k_base: [[13225, 2375, 199999], [199999], [27, 91, 419, 1440, 919, 91, 29, 199999], [177519, 199999]],
    cl100k_base: [[9906, 1917, 100257], [100257], [27, 91, 8862, 728, 428, 91, 29, 100257], [57668, 53901, 100257]],
    gpt2: [[15496, 995, 50256], [50256], [27, 91, 437, 1659, 5239, 91, 29, 50256], [19526, 254, 25001, 121, 50256]],
  } as const
  for (const name of ['o200k_base', 'cl100k_base', 'gpt2'] as const) {
    const annotator = tokenize(name)
    const columns = await annotator.annotate(batch)
    checkFields({ rows: batch.rows, columns }, annotator.writes, annotator.name)
    assert.deepEqual(tokensOf(columns, batch.rows), table[name], name)
    const plain = await tokenize(name, { endOfText: false }).annotate(batch)
    assert.deepEqual(
      tokensOf(plain, batch.rows),
      table[name].map(ids => ids.slice(0, -1)),
      name,
    )
  }
})

test('a column that is a window on a longer one gives the same ids', async () => {
  const whole = utf8From(['skipped', ...texts])
  const window = { rows: texts.length, columns: { text: { ...whole, offsets: whole.offsets.subarray(1) } } }
  const annotator = tokenize('o200k_base')
  assert.deepEqual(
    tokensOf(await annotator.annotate(window), window.rows),
    tokensOf(await annotator.annotate(batch), batch.rows),
  )
})

test('a batch of no rows gives a column of no rows', async () => {
  const columns = await tokenize('gpt2').annotate({ rows: 0, columns: { text: utf8From([]) } })
  assert.deepEqual(tokensOf(columns, 0), [])
})

test('options and rank file are part of what the annotator says of itself', () => {
  const annotator = tokenize('cl100k_base', { endOfText: false })
  assert.deepEqual(annotator.options, { encoding: 'cl100k_base', endOfText: false, endOfTextId: 100_257 })
  assert.deepEqual(annotator.resources, [
    {
      name: 'cl100k_base.tiktoken',
      sha256: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
    },
  ])
  assert.ok(annotator.exact)
})
