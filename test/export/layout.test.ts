import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { exportFeed } from '../../src/export/export.ts'
import { fieldNames } from '../../src/export/fields.ts'
import { findFormat, formats } from '../../src/export/formats.ts'
import type { ExportOrder } from '../../src/export/record.ts'
import type { Sample } from '../../src/export/sample.ts'
import { noTarget } from '../../src/feed/read.ts'
import { makeFolder } from '../temporary.ts'
import { readers } from './read-back.ts'
import { length, padding, readSamples, writeFeed } from './samples.ts'
import { assertReadBack } from './suite.ts'

// Feeds whose samples are laid out otherwise than end to end.
let [aligned, next] = ['', '']
before(async () => {
  aligned = await writeFeed(makeFolder('export-aligned'), { align: 4 })
  next = await writeFeed(makeFolder('export-next'), { cutTargets: 'next', packing: 'concatenate' })
})

function orderOf(name: string, feed: string): ExportOrder {
  const format = findFormat(name)
  const fields = format.fields.length > 0 ? fieldNames : []
  const out = join(makeFolder(`export-${name}`), 'out')
  return { feed, format, fields, out, from: 0, to: null, fileBytes: 4000, tokenBytes: 4, blankMasked: false }
}

for (const { name } of formats)
  test(`${name}: pieces that are aligned are read back, with the padding between them or without any`, async () => {
    const order = orderOf(name, aligned)
    const record = await exportFeed(order)
    const samples = await readSamples(aligned)
    assert.ok(samples.some(({ pieces }) => pieces.some(({ length }) => length % 4 !== 0)))
    assertReadBack(order.format, readers[name](order.out, { length, tokenBytes: 4 }), samples)
    const tokens = samples.flatMap(({ pieces }) => pieces.map(piece => piece.length)).reduce((a, b) => a + b)
    assert.deepEqual([record.tokens, record.paddingTokens], [tokens, samples.length * length - tokens])
  })

test('datatrove: with the targets of cut pieces a row has one token more, the last target', async () => {
  const order = orderOf('datatrove', next)
  const record = await exportFeed(order)
  assert.match(record.notes.join('\n'), new RegExp(`seq_len=${length},`))
  const samples = await readSamples(next)
  const longer = samples.map((sample): Sample => {
    const last = sample.targets[length - 1]
    const tokens = Int32Array.of(...sample.tokens, last === noTarget ? padding : last)
    return { ...sample, tokens, bounds: sample.bounds.with(sample.bounds.length - 1, length + 1) }
  })
  assert.ok(samples.filter(({ targets }) => targets[length - 1] !== noTarget).length > samples.length / 2)
  assertReadBack(order.format, readers.datatrove(order.out, { length: length + 1, tokenBytes: 4 }), longer)
})
