import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digest128 } from '../../../src/text/hash.ts'
import type { Punctuation } from '../../../src/text/likeness/letters.ts'
import { cutShingles, ShingleBuffer } from '../../../src/text/likeness/shingles.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The hashes of the words, as shingles of one word, low and high half. */
function hashWords(text: string | Uint8Array, punctuation: Punctuation = 'keep', width = 1): [number, number][] {
  const bytes = typeof text === 'string' ? encode(text) : text
  const buffer = new ShingleBuffer()
  const count = cutShingles(bytes, 0, bytes.length, { width, punctuation }, buffer)
  return Array.from({ length: count }, (_, i) => [buffer.low[i], buffer.high[i]])
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
  ['“好。”', '"好."', 'keep'],
  ['はい、そう', 'は い , そ う', 'keep'],
  ['用Node写', '用 node 写', 'keep'],
  ['a,b.c (d)', 'a b c d', 'ignore'],
  ['你好，世界。', '你好世界', 'ignore'],
  ['¿Qué? «oui» …', 'qué oui', 'ignore'],
  // Scripts without spaces: a cluster, a base and its marks, is a word.
  ['ที่นี่', 'ที่ นี่', 'keep'],
  ['เป็นภาษา', 'เ ป็ น ภ า ษ า', 'keep'],
  ['น้ำดี', 'น้ำ ดี', 'keep'],
  ['ຂ້ອຍກິນ', 'ຂ້ ອ ຍ ກິ ນ', 'keep'],
  ['ភាសា\u200bខ្មែរ', 'ភា សា ខ្ មែ រ', 'keep'],
  ['မြန်မာစာ', 'မြ န် မာ စာ', 'keep'],
  ['བོད་ཡིག', 'བོ ད ཡི ག', 'keep'],
  ['བོད\u0f0cཡིག', 'བོད་ཡིག', 'keep'],
  ['ꦗꦮꦶ', 'ꦗ ꦮꦶ', 'keep'],
  ['ᨲ᩠ᩅᩫ', 'ᨲ᩠ ᩅᩫ', 'keep'],
  ['ᮘᮞ ᭄ᬩᬮᬶ', 'ᮘᮞ ᭄ ᬩ ᬮᬶ', 'keep'],
  ['ꩫꩬ ꧢꧣ', 'ꩫ ꩬ ꧢ ꧣ', 'keep'],
  ['𑜀𑜡𑜒𑜤', '𑜀𑜡 𑜒𑜤', 'keep'],
  ['ใช้Node.js', 'ใ ช้ node.js', 'keep'],
  ['x็y', 'x ็ y', 'keep'],
  ['កា។ខ', 'កា ខ', 'ignore'],
  ['ሰላም፡ለዓለም', 'ሰላም ለዓለም', 'keep'],
  ['ꀀꀁ', 'ꀀ ꀁ', 'keep'],
  // What shows nothing is passed over.
  ['mi\u00adll\u200ber \u2060sa\ufeffck', 'miller sack', 'keep'],
  ['می\u200cخواهم', 'میخواهم', 'keep'],
  ['❤\ufe0f 葛\u{e0100}城', '❤ 葛城', 'keep'],
  ['a\u034fb\u061cc\u180ed\u2066e\u3164f\u{e0041}g\u{1d173}', 'abcdefg', 'keep'],
  ['กา\u200bก\u2060า', 'กากา', 'keep'],
  ['a \u200b\u00ad b', 'a b', 'keep'],
  ['\u200ba', 'a', 'keep'],
  // Width.
  ['ＨＥＬＬＯ，ｗｏｒｌｄ！～', 'hello,world!~', 'keep'],
  ['你好，世界。（好）', '你好,世界.(好)', 'keep'],
  ['你好，世界。', '你好 世界', 'ignore'],
  ['ｶﾞｲﾄﾞ ﾊﾟﾝ', 'ガイドパン', 'keep'],
  ['が', 'か\u3099', 'keep'],
  ['ﾞ', '\u3099', 'keep'],
  ['｢ｱ･ﾔ｣､｡', '「ア・ヤ」、。', 'keep'],
  ['ﾡﾢ', 'ㄱㄲ', 'keep'],
  ['￡￦￥￣￨', '£₩¥¯│', 'keep'],
  ['﹐﹑︒︓﹕', ',,.::', 'keep'],
  ['a\u3000b', 'a b', 'keep'],
]
const different: readonly [string, string, Punctuation][] = [
  ['a,b', 'a b', 'keep'],
  ['a b', 'b a', 'keep'],
  ['cafe', 'café', 'keep'],
  ['ที่', 'ที', 'keep'],
  ['กา', 'กำ', 'keep'],
  ['か', 'が', 'keep'],
  ['ﾊﾞ', 'ﾊﾟ', 'keep'],
  ['アﾞ', 'ア', 'keep'],
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
  assert.deepEqual(hashWords('b c d e f', 'keep', 5)[0], second)
  assert.deepEqual(hashWords('y z b c d e f w', 'keep', 5)[2], second)
  const [low, high] = hashWords('c b d e f', 'keep', 5)[0]
  assert.ok(low !== second[0] && high !== second[1])
})

/** Titles of five words without a word in common, whose shingles are equal in the low or in the high 32 bits. */
const meeting: readonly [string, string, 'low' | 'high'][] = [
  ['velvet thunder thunder paper falcon', 'marble bridge saddle meadow market', 'low'],
  ['bridge stone hollow lamp market', 'garden winter candle ivory dagger', 'low'],
  ['forest harbour marble garden mill', 'candle horse barley kettle window', 'high'],
  ['market saddle kernel horse dagger', 'meadow marble field island kettle', 'high'],
]

test('shingles that meet in 32 bits differ in the other 32', () => {
  for (const [a, b, half] of meeting) {
    const [[lowA, highA]] = hashWords(a, 'keep', 5)
    const [[lowB, highB]] = hashWords(b, 'keep', 5)
    assert.deepEqual([lowA === lowB, highA === highB], [half === 'low', half === 'high'], a)
  }
})

test('400,000 different shingles have about as many hashes that collide as chance gives', () => {
  const text = encode(Array.from({ length: 400_004 }, (_, i) => i.toString(36)).join(' '))
  const buffer = new ShingleBuffer()
  const count = cutShingles(text, 0, text.length, { width: 5, punctuation: 'keep' }, buffer)
  const [low, high] = [buffer.low.subarray(0, count), buffer.high.subarray(0, count)]
  const halvesOfBoth = low.map((half, i) => (half << 16) | (high[i] & 0xffff))
  for (const [name, values] of Object.entries({ low, high, halvesOfBoth })) {
    const collisions = count - new Set(values).size
    assert.ok(collisions < 45, `${name}: ${collisions} collisions, 19 expected`)
  }
})

test('bytes of a neighbour do not count, and broken UTF-8 harms nothing', () => {
  const column = encode('héé 中中')
  const buffer = new ShingleBuffer()
  const options = { width: 1, punctuation: 'keep' } as const
  const alone = hashWords(Uint8Array.of(0x68, 0xc3))
  assert.equal(cutShingles(column, 0, 2, options, buffer), alone.length)
  assert.deepEqual(
    Array.from({ length: alone.length }, (_, i) => [buffer.low[i], buffer.high[i]]),
    alone,
  )
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
  const length = 4 * 1024 * 1024
  const buffer = new ShingleBuffer()
  for (const pattern of ['a', ' ', 'a ', '中', '\u0000', 'ก', 'ก\u0e33', '\u0e33', 'ｶﾞ', '\u200b']) {
    const unit = encode(pattern)
    const bytes = new Uint8Array(length - (length % unit.length))
    for (let i = 0; i < bytes.length; i++) bytes[i] = unit[i % unit.length]
    const begin = performance.now()
    cutShingles(bytes, 0, bytes.length, { width: 5, punctuation: 'keep' }, buffer)
    assert.ok(performance.now() - begin < 2000, pattern)
  }
  assert.ok(buffer.low.length <= length)
})

test('known hashes', () => {
  assert.deepEqual(hashWords('Hello, world'), [
    [1276095284, 2413685764],
    [1556309496, 1421597137],
  ])
  assert.deepEqual(hashWords('one two three four five', 'ignore', 5), [[1391209366, 1973185459]])
  const points = [...Array(0x20000 - 0x80).keys()].filter(i => i < 0xd780 || i >= 0xdf80)
  const hashes = hashWords(points.map(i => String.fromCodePoint(i + 0x80)).join(' '), 'ignore').flat()
  assert.equal(
    Buffer.from(digest128(new Uint8Array(Uint32Array.from(hashes).buffer))).toString('hex'),
    '547f53e1405e26c89979b252fa404ab1',
    'every code point, on any Node',
  )
})
