import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { embeddingHeads } from '../../../src/annotate/embedding/embedding-heads.ts'
import { parseHeads } from '../../../src/annotate/embedding/heads-file.ts'
import { columnsOf, type Embedded } from '../../../src/annotate/embedding/vectors.ts'
import { numbers } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { HeadraceError } from '../../../src/errors.ts'
import { makeFolder } from '../../temporary.ts'

const good = {
  format: 'headrace-heads/1',
  dimensions: 2,
  heads: [
    { name: 'math', weights: [1, 2], intercept: -0.5 },
    { name: 'code', weights: [-1, 0], intercept: 0 },
  ],
}
const file = join(makeFolder('heads'), 'heads.json')
writeFileSync(file, JSON.stringify(good))

const embedded = (...values: number[]): Embedded => ({ vector: Float32Array.from(values), missing: '', isCut: false })
const none: Embedded = { vector: null, missing: 'empty', isCut: false }
const batchOf = (dimensions: number, all: readonly Embedded[]) => ({
  rows: all.length,
  columns: columnsOf('own', dimensions, all),
})

test('a score a head and vector, and NaN where there is none', async () => {
  const annotator = embeddingHeads({ embedding: 'own', heads: file })
  assert.deepEqual([annotator.exact, annotator.reads], [true, ['embedding:own']])
  const columns = await annotator.annotate(batchOf(2, [embedded(0.6, 0.8), none, embedded(0, -1)]))
  const scored = { rows: 3, columns }
  checkFields(scored, annotator.writes, annotator.name)
  const [x, y] = [Math.fround(0.6), Math.fround(0.8)]
  assert.deepEqual([...numbers(scored, 'embedding:own:math')], [-0.5 + x + 2 * y, Number.NaN, -2.5])
  assert.deepEqual([...numbers(scored, 'embedding:own:code')], [-x, Number.NaN, 0])
})

test('a part of a larger column is read where it stands', async () => {
  const { columns } = batchOf(2, [embedded(1, 0), embedded(0, 1), embedded(-1, 0)])
  const whole = columns['embedding:own'] as { bytes: Uint8Array }
  const part = { kind: 'fixed' as const, width: 8, bytes: whole.bytes.subarray(8) }
  const annotator = embeddingHeads({ embedding: 'own', heads: file })
  const scored = { rows: 2, columns: await annotator.annotate({ rows: 2, columns: { 'embedding:own': part } }) }
  assert.deepEqual([...numbers(scored, 'embedding:own:math')], [1.5, -1.5])
})

test('vectors of another length are refused', () => {
  const annotator = embeddingHeads({ embedding: 'own', heads: file })
  assert.throws(() => annotator.annotate(batchOf(3, [embedded(1, 0, 0)])), {
    code: 'bad-pipeline',
    message: /for vectors of 2 numbers, and 'embedding:own' has 3/,
  })
})

const [math] = good.heads
const wrong: [content: unknown, says: RegExp][] = [
  [[], /no JSON object/],
  [{ ...good, format: 'headrace-heads/2' }, /'format' is not/],
  [{ ...good, model: 'm' }, /has 'model'/],
  [{ ...good, dimensions: '2' }, /'dimensions' is no number/],
  [{ ...good, heads: [] }, /no list of 1 to 64/],
  [{ ...good, heads: [null] }, /a head whose 'name'/],
  [{ ...good, heads: [{ ...math, name: 'a b' }] }, /a head whose 'name'/],
  [{ ...good, heads: [{ ...math, name: 'missing' }] }, /a head whose 'name'/],
  [{ ...good, heads: [{ ...math, weights: [1] }] }, /'math' has no 'weights' of 2/],
  [{ ...good, heads: [{ ...math, weights: [1, null] }] }, /'math' has no 'weights'/],
  [{ ...good, heads: [{ ...math, intercept: undefined }] }, /no 'intercept'/],
  [{ ...good, heads: [math, math] }, /two heads of one name/],
]
for (const [content, says] of wrong)
  test(`${JSON.stringify(content)}: ${says}`, () => {
    const isTold = (error: unknown) =>
      error instanceof HeadraceError && error.code === 'corrupt' && says.test(error.message)
    assert.throws(() => parseHeads(JSON.stringify(content), 'heads.json'), isTold)
  })

test('heads that are not there are not found', () => {
  assert.throws(() => embeddingHeads({ embedding: 'own', heads: '/nowhere/heads.json' }), { code: 'not-found' })
})
