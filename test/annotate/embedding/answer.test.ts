import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readVectors } from '../../../src/annotate/embedding/answer.ts'

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
