import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digest128 } from '../../../src/text/hash.ts'
import { cutShingles, type Punctuation, ShingleBuffer } from '../../../src/text/likeness/shingles.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The hashes of the words, as shingles of one word. */
function hashWords(text: string | Uint8Array, punctuation: Punctuation = 'keep', width = 1): number[] {
  const bytes = typeof text === 'string' ? encode(text) : text
  const buffer = new ShingleBuffer()
  const count = cutShingles(bytes, 0, bytes.length, { width, punctuation }, buffer)
  return [...buffer.values.subarray(0, count)]
}

const same: readonly [string, string, Punctuation][] = [
  ['one  two\n\tthree', 'one two three', 'keep'],
  ['  one two ', 'one two', 'keep'],
  ['one\u00a0two\u3000three\u2003four\u0085five', 'one two three four five', 'keep'],
  ['The QUICK Fox', 'the quick fox', 'keep'],
  ['ÄRGER Ünï ŁÓDŹ', 'ärger ünï łódź', 'keep'],
  ['ΑΘΗΝΑ Άλφα', 'αθηνα άλφα', 'keep'],
  ['МОСКВА Ёлка', 'москва ёлка', 'keep'],
  ['ԵՐԵՎԱՆ', 'երեվան', 'keep'],
  ['ẤN ỬNG', 'ấn ửng', 'keep'],
  ['ＡＢＣ１２', 'abc12', 'keep'],
  ['“yes” ‘no’ — x–y', '"yes" \'no\' - x-y', 'keep'],
  ['你好世界', '你 好 世 界', 'keep'],
  ['東京タワー', '東 京 タ ワ ー', 'keep'],
  ['대한민국', '대 한 민 국', 'keep'],
  ['𠀀𠀁', '𠀀 𠀁', 'keep'],
  ['“好。”', '" 好 。 "', 'keep'],
  ['はい、そう', 'は い 、 そ う', 'keep'],
  ['用Node写', '用 node 写', 'keep'],
  ['a,b.c (d)', 'a b c d', 'ignore'],
  ['你好，世界。', '你好世界', 'ignore'],
  ['¿Qué? «oui» …', 'qué oui', 'ignore'],
]
const different: readonly [string, string, Punctuation][] = [
  ['a,b', 'a b', 'keep'],
  ['a b', 'b a', 'keep'],
  ['cafe', 'café', 'keep'],
  ['你好，世界', '你好,世界', 'keep'],
  ['call 1234', 'call 1235', 'keep'],
  ['call 1234', 'call 1235', 'ignore'],
  ['ab c', 'a bc', 'ignore'],
  ['你好世界', '你好世間', 'keep'],
]

test('texts that have the same words', () => {
  for (const [a, b, punctuation] of same) assert.deepEqual(hashWords(a, punctuation), hashWords(b, punctuation), a)
})

test('texts that have other words', () => {
  for (const [a, b, punctuation] of different)
    assert.notDeepEqual(hashWords(a, punctuation), hashWords(b, punctuation), a)
})

test('the number of shingles is words - width + 1, and none below', () => {
  const cases: [string, number, number][] = [
    ['', 1, 0],
    [' \n ', 1, 0],
    ['a b c d', 5, 0],
    ['a b c d e', 5, 1],
    ['a b c d e f g', 5, 3],
    ['你好世界啊', 5, 1],
    ['a a a a a a', 5, 2],
  ]
  for (const [text, width, count] of cases) assert.equal(hashWords(text, 'keep', width).length, count, text)
})

test('a shingle depends on its own words alone, and on their order', () => {
  const [, second] = hashWords('x b c d e f', 'keep', 5)
  assert.equal(hashWords('b c d e f', 'keep', 5)[0], second)
  assert.equal(hashWords('y z b c d e f w', 'keep', 5)[2], second)
  assert.notEqual(hashWords('c b d e f', 'keep', 5)[0], second)
})

test('a million different shingles have about as many hashes that collide as chance gives', () => {
  const text = encode(Array.from({ length: 1_000_004 }, (_, i) => i.toString(36)).join(' '))
  const distinct = new Set(hashWords(text, 'keep', 5))
  assert.ok(1_000_000 - distinct.size < 180, `${1_000_000 - distinct.size} collisions, 116 expected`)
})

test('bytes of a neighbour do not count, and broken UTF-8 harms nothing', () => {
  const column = encode('héé 中中')
  const buffer = new ShingleBuffer()
  const options = { width: 1, punctuation: 'keep' } as const
  const alone = hashWords(Uint8Array.of(0x68, 0xc3))
  assert.equal(cutShingles(column, 0, 2, options, buffer), alone.length)
  assert.deepEqual([...buffer.values.subarray(0, alone.length)], alone)
  for (const bytes of [
    [0x80],
    [0xff, 0xfe],
    [0xe4, 0xb8],
    [0xf0, 0x9f, 0x98],
    [0xc3, 0x28],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
  ])
    hashWords(Uint8Array.from(bytes))
})

test('texts as long as a document may be take no more than their length', () => {
  const length = 16 * 1024 * 1024
  const buffer = new ShingleBuffer()
  for (const pattern of ['a', ' ', 'a ', '中', '\u0000']) {
    const unit = encode(pattern)
    const bytes = new Uint8Array(length - (length % unit.length))
    for (let i = 0; i < bytes.length; i++) bytes[i] = unit[i % unit.length]
    const begin = performance.now()
    cutShingles(bytes, 0, bytes.length, { width: 5, punctuation: 'keep' }, buffer)
    assert.ok(performance.now() - begin < 5000, pattern)
  }
  assert.ok(buffer.values.length <= length)
})

test('known hashes', () => {
  assert.deepEqual(hashWords('Hello, world'), [1276095284, 1556309496])
  assert.deepEqual(hashWords('one two three four five', 'ignore', 5), [1391209366])
  const all = Array.from({ length: 0xd800 - 0x80 }, (_, i) => String.fromCharCode(i + 0x80)).join(' ')
  const hashes = new Uint8Array(Uint32Array.from(hashWords(all, 'ignore')).buffer)
  assert.equal(
    Buffer.from(digest128(hashes)).toString('hex'),
    '495428df10158676cf07b5f0c076c0ef',
    'every code point, on any Node',
  )
})
