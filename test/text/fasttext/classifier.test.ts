import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { FastTextClassifier } from '../../../src/text/fasttext/classifier.ts'
import { readFastTextModel, readLabels } from '../../../src/text/fasttext/model.ts'
import { bytesInMemory } from '../../../src/text/fasttext/reader.ts'
import { buildLabelTree } from '../../../src/text/fasttext/tree.ts'
import { WordTable } from '../../../src/text/fasttext/word-table.ts'
import { drawFrom, randomFrom } from '../../random.ts'

const path = 'fasttext.wasm.js/dist/models/language-identification/assets/lid.176.ftz'
const file = readFileSync(createRequire(import.meta.url).resolve(path))
const parse = (bytes: Uint8Array) => readFastTextModel(bytesInMemory(bytes))
const model = parse(file)
const classifier = new FastTextClassifier(model)

function predict(text: string | Uint8Array, by = classifier) {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return by.predict(bytes, 0, bytes.length)
}

// Answers of fasttext-predict 0.9.2.4 with the same file, k = 1.
const awkward: [name: string, text: string, label: string, score: number, words: number][] = [
  ['nothing', '', 'en', 0.12450417876243591, 0],
  ['separators alone', ' \t\n\v\f\r\0 ', 'en', 0.12450417876243591, 0],
  ['emoji', '\u{1F600} \u{1F44D}\u{1F3FD}', 'it', 0.33229923248291016, 2],
  ['NUL between words', 'das\0ist\0ein\0Haus', 'de', 1.0000393390655518, 4],
  ['no-break space, which is a word', '\u00a0', 'zh', 0.09622371196746826, 1],
  ['one word of 1 MB', 'ab'.repeat(500_000), 'en', 0.2055978626012802, 1],
  ['one word of 3-byte characters', '\u8a9e\u8a00'.repeat(100_000), 'zh', 0.9807324409484863, 1],
  ['Thai without a space', '\u0e20\u0e32\u0e29\u0e32'.repeat(5_000), 'th', 1.0000780820846558, 1],
  ['4-byte characters', '\u{20000}\u{1F600}'.repeat(20_000), 'en', 0.12450417876243591, 1],
  ['combining marks', 'e\u0301'.repeat(70_000), 'ru', 0.896725594997406, 1],
  ['an end mark stops', 'hello </s> bonjour tout le monde', 'en', 0.24247202277183533, 2],
  ['an end mark first', '</s> bonjour', 'en', 0.12450417876243591, 1],
  ['a label', '__label__de hello my friends', 'en', 0.30290549993515015, 4],
  ['a label of no language', '__label__xyz hello my friends', 'en', 0.30290549993515015, 4],
  ['words about the bound', `${'z'.repeat(64)} ${'z'.repeat(65)} `.repeat(3), 'ceb', 0.26790401339530945, 6],
  ['more words than are kept', manyWords(60_000), 'fr', 0.3117625117301941, 60_000],
  ['noncharacters', '\ufffe\uffff abc', 'en', 0.12450417876243591, 2],
]

function manyWords(count: number): string {
  return Array.from({ length: count }, (_, i) => `w${i.toString(16)}`).join(' ')
}

for (const [name, text, label, score, words] of awkward)
  test(`as fastText: ${name}`, () => {
    assert.deepEqual(predict(text), { label, score, words })
  })

test('a prediction does not depend on what came before', () => {
  const seed = 176
  console.log(`seed ${seed}`)
  const next = randomFrom(seed)
  const letters = [...'abcdefghijklmnop \u00e9\u0436\u4e2d']
  const texts = Array.from({ length: 300 }, () =>
    Array.from({ length: 1 + Math.floor(next() * 400) }, () => letters[Math.floor(next() * letters.length)]).join(''),
  )
  const forward = texts.map(text => predict(text))
  predict(manyWords(70_000))
  const backward = texts.toReversed().map(text => predict(text))
  assert.deepEqual(backward.toReversed(), forward)
  const fresh = new FastTextClassifier(model)
  assert.deepEqual(
    texts.map(text => predict(text, fresh)),
    forward,
  )
})

test('the word table keeps new words, forgets old ones and never mixes them up', () => {
  const table = new WordTable()
  const count = 200_000
  const wordOf = (id: number) => new TextEncoder().encode(`${id}`.padStart(1 + (id % 9), 'x'))
  // One hash for every three words, so that bytes have to decide.
  const hashOf = (id: number) => Math.imul(Math.floor(id / 3) + 1, 0x9e3779b1)
  const add = (id: number) => {
    const word = wordOf(id)
    const from = table.reserve(word.length, 12)
    for (let i = 0; i < 12; i++) table.places[from + i] = id
    table.add(hashOf(id), word, 0, word.length, from + 12)
  }
  const find = (id: number): number => {
    const word = wordOf(id)
    const slot = table.find(hashOf(id), word, 0, word.length)
    if (slot < 0) return -1
    const places = table.places.subarray(table.placesStart(slot), table.placesEnd(slot))
    return places.length === 12 && places.every(place => place === places[0]) ? places[0] : -2
  }
  let recent = 0
  for (let id = 0; id < count; id++) {
    add(id)
    if (find(id) === id) recent++
    const old = id - 100 - (id % 30_000)
    if (old >= 0) assert.ok([-1, old].includes(find(old)), `word ${old} after ${id}`)
  }
  assert.ok(recent > count * 0.95, `${recent} of ${count} were kept`)
  assert.equal(table.reserve(65, 12), -1)
})

test('invalid UTF-8 of any shape is read in linear time', () => {
  for (const byte of [0x80, 0xbf, 0xc2, 0xff, 0x01]) {
    const { words, score } = predict(new Uint8Array(1_000_000).fill(byte))
    assert.equal(words, 1)
    assert.ok(score > 0 && score < 1.001)
  }
})

test('the place in a buffer does not matter', () => {
  const text = new TextEncoder().encode('Wo Licht ist, ist auch Schatten')
  const bytes = new TextEncoder().encode('xxWo Licht ist, ist auch Schattenxx')
  assert.deepEqual(classifier.predict(bytes, 2, bytes.length - 2), predict(text))
})

test('a damaged model is refused as corrupt', () => {
  for (const length of [0, 3, 63, 100, 5_000, 400_000, 930_000, file.length - 1])
    assert.throws(() => parse(file.subarray(0, length)), { code: 'corrupt' }, `${length} bytes`)
  assert.throws(() => parse(Buffer.concat([file, Buffer.of(0)])), { code: 'corrupt' })
  // Magic, version, the longest n-gram, loss, kind, buckets, entries, pruned buckets.
  for (const at of [0, 4, 8 + 10 * 4, 8 + 6 * 4, 8 + 7 * 4, 8 + 8 * 4 + 3, 64, 64 + 20 + 7]) {
    const damaged = Buffer.from(file)
    damaged[at] ^= 0x55
    for (const read of [parse, (bytes: Uint8Array) => readLabels(bytesInMemory(bytes))])
      assert.throws(() => read(damaged), { code: 'corrupt' }, `byte ${at}`)
  }
})

test('damage anywhere is refused as corrupt, or the model works', () => {
  const random = drawFrom(12)
  const folder = join(import.meta.dirname, '../../golden/fasttext')
  const text = new TextEncoder().encode('abc </s')
  for (const name of readdirSync(folder).filter(name => /bin|ftz/.test(name)))
    for (let i = 0; i < 200; i++) {
      const damaged = readFileSync(join(folder, name))
      // Heads and dictionaries are at the beginning.
      const at = random(random(2) ? 200 : damaged.length)
      damaged[at] = random(256)
      try {
        const labels = readLabels(bytesInMemory(damaged))
        new FastTextClassifier(parse(damaged)).weigh(text, 0, text.length, new Float32Array(labels.length))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'corrupt', `${name}, byte ${at} is ${damaged[at]}: ${error}`)
      }
    }
})

test('the label tree joins the rarest first', () => {
  // Labels 0 to 3, then the inner nodes: 4 joins 3 and 2, 5 joins that and 1, 6 is the root.
  const { left, right } = buildLabelTree(Float64Array.of(40, 20, 10, 5))
  assert.deepEqual([...left].slice(4), [3, 4, 5])
  assert.deepEqual([...right].slice(4), [2, 1, 0])
  // Of a label and a node of equal counts, the node: 3 joins 2 and 1, and is the left child of the root.
  assert.deepEqual([...buildLabelTree(Float64Array.of(2, 1, 1)).left].slice(3), [2, 3])
})
