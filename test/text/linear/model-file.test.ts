import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HeadraceError } from '../../../src/errors.ts'
import { featureBuckets } from '../../../src/text/linear/features.ts'
import type { Head } from '../../../src/text/linear/model.ts'
import { decodeModel, encodeModel } from '../../../src/text/linear/model-file.ts'

const heads: Head[] = [
  { name: 'math', kind: 'score', classes: [], scale: 2, shift: -1 },
  { name: 'topic', kind: 'class', classes: ['a', '__proto__'], scale: 1, shift: 0 },
]
const weights = Float32Array.from({ length: 3 * (featureBuckets + 1) }, (_, i) => (i % 1000) / 7)
const bytes = Buffer.concat([...encodeModel({ model: { heads, weights }, report: { auc: 0.9 } })])
const header = bytes.subarray(0, bytes.indexOf('\n', bytes.indexOf('\n') + 1) + 1)

/** With its own seal, as a stranger can make it. */
function seal(text: string): Buffer {
  const body = Buffer.concat([Buffer.from(text), bytes.subarray(header.length, -32)])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

test('a model is read back as it was written, wherever it lies in memory', () => {
  const moved = Buffer.concat([Buffer.from('x'), bytes]).subarray(1)
  const { model, report } = decodeModel(moved, 'm')
  assert.deepEqual(model.heads, heads)
  assert.ok(Buffer.from(model.weights.buffer).equals(Buffer.from(weights.buffer)))
  assert.deepEqual(report, { auc: 0.9 })
  assert.deepEqual(decodeModel(seal(header.toString()), 'm').model.heads, heads)
})

test('what is damaged, cut, of another version or not one at all is refused, saying which', () => {
  const flipped = Buffer.from(bytes)
  flipped[flipped.length >> 1] ^= 1
  const of = (change: (head: string) => string) => seal(change(header.toString()))
  const wrong: [bytes: Buffer, message: RegExp][] = [
    [flipped, /does not match its SHA-256/],
    [bytes.subarray(0, -4), /has \d+ bytes, not \d+/],
    [bytes.subarray(0, 30), /does not say what heads/],
    [Buffer.from(''), /is no model, not headrace-linear\/1; fit it again/],
    [Buffer.from('{"a":1}\n'), /is no model/],
    [of(head => head.replace('linear/1', 'linear/9')), /is of format headrace-linear\/9, not/],
    [of(head => head.replace('"score"', '"vote"')), /what heads/],
    [of(head => head.replace('"math"', '"topic"')), /what heads/],
    [of(head => head.replace('"scale":2', '"scale":null')), /what heads/],
    [of(head => head.replace('["a","__proto__"]', '["a"]')), /what heads/],
    [of(head => head.replace('["a","__proto__"]', '["a","b","c"]')), /has \d+ bytes/],
    [of(head => head.replace(/\n\{.*/, '\nnull')), /what heads/],
  ]
  for (const [damaged, message] of wrong)
    assert.throws(
      () => decodeModel(damaged, 'm'),
      error => error instanceof HeadraceError && error.code === 'corrupt' && message.test(error.message),
      String(message),
    )
})
