import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseTargets } from '../../src/value/targets.ts'

const parse = (content: unknown) => parseTargets(JSON.stringify(content), 't.json')
const maths = { name: 'maths', where: { domain: ['math'] }, share: 0.25 }
const rest = { name: 'rest', where: {}, share: 0.75 }

test('shares are of the tokens of the file, and tokens are their own sum', () => {
  const shared = parse({ tokens: 1000, targets: [maths, rest] })
  assert.deepEqual([shared.tokens, shared.repeatMax, shared.targets.map(({ wanted }) => wanted)], [1000, 4, [250, 750]])
  const where = { score: { from: 0.5 }, '__proto__\u0000': ['a'], bucket: { from: 1, below: 3 } }
  const own = parse({
    repeatMax: 2,
    targets: [
      { name: 'a', where, tokens: 5 },
      { name: 'b', where: {}, tokens: 7 },
    ],
  })
  assert.deepEqual([own.tokens, own.repeatMax], [12, 2])
  assert.deepEqual(
    [...own.targets[0].where],
    [
      ['score', { from: 0.5, below: Number.POSITIVE_INFINITY }],
      ['__proto__\u0000', { oneOf: new Set(['a']) }],
      ['bucket', { from: 1, below: 3 }],
    ],
  )
})

test('a column may have any name', () => {
  const text = '{"targets":[{"name":"a","where":{"__proto__":["b"]},"tokens":1}]}'
  assert.deepEqual([...parseTargets(text, 't.json').targets[0].where.keys()], ['__proto__'])
})

test('the ready file is one', () => {
  const { targets, tokens } = parseTargets(readFileSync('docs/targets.json', 'utf8'), 'docs/targets.json')
  assert.deepEqual([tokens, targets.length], [100e9, 4])
})

const refused: [content: unknown, message: RegExp][] = [
  [[], /^t\.json takes an object of options, not \[\]/],
  [{}, /^t\.json needs 'targets'/],
  [{ targets: [] }, /has 'targets' \[\]: give a list of at least 1/],
  [{ targets: [maths, rest], token: 3 }, /has no option 'token'; did you mean 'tokens'\?/],
  [{ targets: [maths, rest] }, /has shares and no 'tokens'/],
  [{ tokens: 0, targets: [maths, rest] }, /has 'tokens' 0: give a number above 0/],
  [{ tokens: 9, repeatMax: 0.5, targets: [maths, rest] }, /has 'repeatMax' 0\.5: give a number from 1/],
  [{ tokens: 9, targets: [maths] }, /the shares come to 0\.25, not 1; a last target with "where": \{\}/],
  [{ tokens: 9, targets: [maths, { ...rest, name: 'maths' }] }, /two targets named 'maths'/],
  [{ tokens: 9, targets: [maths, { ...rest, note: 'x' }] }, /target 2 has no option 'note'/],
  [{ tokens: 9, targets: [maths, { ...rest, tokens: 3 }] }, /target 'rest' takes tokens or a share, one of both/],
  [{ tokens: 9, targets: [maths, { name: 'b', where: {} }] }, /target 'b' takes tokens or a share/],
  [{ tokens: 9, targets: [maths, { name: 'b', where: {}, tokens: 3 }] }, /target 'b' has tokens, and 'maths' has not/],
  [{ tokens: 9, targets: [{ name: 'b', where: {}, tokens: 3 }] }, /has 'tokens' 9, and each target has its own/],
  [{ targets: [{ name: 'b', where: { domain: 'math' }, tokens: 3 }] }, /'domain' is "math"/],
  [{ targets: [{ name: 'b', where: { domain: [] }, tokens: 3 }] }, /'domain' is \[\]/],
  [{ targets: [{ name: 'b', where: { score: {} }, tokens: 3 }] }, /'score' is \{\}/],
  [{ targets: [{ name: 'b', where: { score: { above: 3 } }, tokens: 3 }] }, /'score' is \{"above":3\}/],
  [{ targets: [{ name: 'b', where: { score: { from: '3' } }, tokens: 3 }] }, /'score' is \{"from":"3"\}/],
]
for (const [content, message] of refused)
  test(`refused: ${JSON.stringify(content)}`, () => {
    assert.throws(() => parse(content), { code: 'bad-option', message })
  })

test('what is no JSON is refused, and so are more targets than are looked at', () => {
  assert.throws(() => parseTargets('{"targets": [', 't.json'), { code: 'bad-option', message: /^t\.json is no JSON: / })
  const many = Array.from({ length: 257 }, (_, i) => ({ name: `${i}`, where: {}, tokens: 1 }))
  assert.throws(() => parse({ targets: many }), { code: 'limit', message: /257 targets, and 256 are the most/ })
})
