import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readVectors } from '../../../src/annotate/embedding/answer.ts'
import { randomFrom } from '../../random.ts'
import { dimensions, envelope } from './server.ts'

const item = (embedding: string, index = '0') => `{"data":[{"index":${index},"embedding":${embedding}}]}`

// The answer on one text, for vectors of two numbers -> what is read.
const cases: [body: string, becomes: object][] = [
  [item('[3,4]'), { vectors: [Float32Array.of(0.6, 0.8)] }],
  [item('[-1e-30,0]'), { vectors: [Float32Array.of(-1, 0)] }],
  [item('[3,4]').slice(0, -1), { fault: 'no-json' }],
  ['', { fault: 'no-json' }],
  ['[]', { fault: 'no-json' }],
  [item('[NaN,1]'), { fault: 'no-json' }],
  ['{}', { fault: 'no-data' }],
  ['{"data":{"0":1}}', { fault: 'no-data' }],
  ['{"data":[]}', { fault: 'wrong-count' }],
  ['{"data":[null]}', { fault: 'wrong-index' }],
  [item('[3,4]', '1'), { fault: 'wrong-index' }],
  [item('[3,4]', '-1'), { fault: 'wrong-index' }],
  [item('[3,4]', '0.5'), { fault: 'wrong-index' }],
  [item('[3,4]', '"0"'), { fault: 'wrong-index' }],
  [item('"AACAPwAAAAA="'), { fault: 'not-numbers' }],
  [item('[3,null]'), { fault: 'not-numbers' }],
  [item('[3,"4"]'), { fault: 'not-numbers' }],
  [item('[1e999,4]'), { fault: 'not-numbers' }],
  [item('[1e200,1e200]'), { fault: 'not-numbers' }],
  [item('[0,0]'), { fault: 'not-numbers' }],
  [item('[3,4,5]'), { dimensions: 3 }],
  [item('[]'), { dimensions: 0 }],
]
for (const [body, becomes] of cases)
  test(`${body}: ${JSON.stringify(becomes)}`, () => {
    assert.deepEqual(readVectors(body, 1, 2), becomes)
  })

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
test(`of a damaged answer come vectors of length 1, each in its place, or a fault (seed ${seed})`, t => {
  t.diagnostic(`SEED=${seed}`)
  const random = randomFrom(seed)
  const below = (most: number) => Math.floor(random() * most)
  const whole = envelope(['one', 'two', 'three'], items => items.reverse())
  const signs = [...'{}[]",:.-+eE0123456789 nullNaN']
  const seen = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const [at, length] = [below(whole.length), below(4)]
    const put = Array.from({ length: below(3) }, () => signs[below(signs.length)]).join('')
    const read = readVectors(whole.slice(0, at) + put + whole.slice(at + length), 3, dimensions)
    seen.add('vectors' in read ? 'vectors' : 'fault' in read ? read.fault : 'dimensions')
    if (!('vectors' in read)) continue
    assert.equal(read.vectors.length, 3)
    for (const vector of read.vectors) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6, `${i}: ${vector}`)
  }
  for (const kind of ['vectors', 'no-json', 'no-data', 'wrong-index', 'not-numbers', 'dimensions'])
    assert.ok(seen.has(kind), kind)
})
