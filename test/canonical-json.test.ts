import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../src/canonical-json.ts'

const cases: [value: unknown, json: string][] = [
  [{ b: 1, a: { d: [1, { z: 0, y: null }], c: 'x' } }, '{"a":{"c":"x","d":[1,{"y":null,"z":0}]},"b":1}'],
  [{ 9: 1, 10: 2, a: 3, '': 0 }, '{"":0,"10":2,"9":1,"a":3}'],
  [{ 中: 1, é: 2, z: 3, Z: 4 }, '{"Z":4,"z":3,"é":2,"中":1}'],
  [{ gone: undefined, list: [undefined, Number.NaN] }, '{"list":[null,null]}'],
  ['a"b', '"a\\"b"'],
]
for (const [value, json] of cases) test(`${json} is how it is written`, () => assert.equal(canonicalJson(value), json))

test('names of JavaScript are keys like any other', () => {
  const value = Object.assign(Object.create(null), { constructor: 1, ['__proto__']: 2 })
  assert.equal(canonicalJson(value), '{"__proto__":2,"constructor":1}')
})
