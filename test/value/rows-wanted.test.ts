import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadraceError } from '../../src/errors.ts'
import { isRows, parseRows } from '../../src/value/rows-wanted.ts'

const inf = Number.POSITIVE_INFINITY
const read: [input: string, run: string, fate: string, where: Record<string, object>][] = [
  ['run:web', 'web', 'kept', {}],
  ['run:/runs/a b', '/runs/a b', 'kept', {}],
  ['run:web?dropped', 'web', 'dropped', {}],
  ['run:web?any&domain=math,zh-books', 'web', 'any', { domain: { oneOf: new Set(['math', 'zh-books']) } }],
  ['run:web?class:math>=2&kept', 'web', 'kept', { 'class:math': { from: 2, below: inf } }],
  ['run:web?x<-1.5e3', 'web', 'kept', { x: { from: -inf, below: -1500 } }],
  ['run:web?x<5&x>=0', 'web', 'kept', { x: { from: 0, below: 5 } }],
  ['run:web?__proto__=a?b', 'web', 'kept', { ['__proto__']: { oneOf: new Set(['a?b']) } }],
]
for (const [input, run, fate, where] of read)
  test(`rows: ${input}`, () => {
    const rows = parseRows(input)
    assert.deepEqual([rows.run, rows.fate, [...rows.where]], [run, fate, Object.entries(where)])
  })

test('what does not begin with run: is a path', () => {
  assert.deepEqual(['run:a', 'runs/*.jsonl', './run:a', 'Run:a'].map(isRows), [true, false, false, false])
})

const refused: [input: string, message: RegExp][] = [
  ['run:', /names no run/],
  ['run:?kept', /names no run/],
  ['run:web?', /has '', which is none of kept/],
  ['run:web?kept&dropped', /says 'kept' and 'dropped'/],
  ['run:web?domain', /has 'domain', which is none of/],
  ['run:web?domain==a', /none of/],
  ['run:web?x>2', /none of/],
  ['run:web?x>=two', /'two' is no number/],
  ['run:web?x>=NaN', /'NaN' is no number/],
  ['run:web?x>= ', /is no number/],
  ['run:web?x<1&x<2', /two conditions on 'x'/],
  ['run:web?x=a&x=b', /two conditions on 'x'/],
  ['run:web?x=a&x<2', /two conditions on 'x'/],
  ['run:web?\u001b[31m', /^'run:web\?\P{Cc}*$/u],
]
for (const [input, message] of refused)
  test(`refused: ${JSON.stringify(input)}`, () => {
    assert.throws(
      () => parseRows(input),
      error => error instanceof HeadraceError && error.code === 'bad-option' && message.test(error.message),
    )
  })
