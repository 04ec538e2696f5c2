import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { HeadraceError } from '../../../src/errors.ts'
import { createEncoding, type Encoding, encodingNames, loadEncoding, rankFileOf } from '../../../src/text/tokens/bpe.ts'
import { hashPiece } from '../../../src/text/tokens/vocabulary.ts'
import { drawFrom } from '../../random.ts'

type Case = readonly [text: string, o200k: readonly number[], cl100k: readonly number[], gpt2: readonly number[]]
const cases = JSON.parse(readFileSync(new URL('../../golden/tokens/cases.json', import.meta.url), 'utf8')) as Case[]

const seed = Date.now() % 1e9
console.log(`seed ${seed}`)
const draw = drawFrom(seed)

function encodeBytes(encoding: Encoding, bytes: Uint8Array): number[] {
  const out = new Int32Array(bytes.length)
  return [...out.subarray(0, encoding.encode(bytes, 0, bytes.length, out, 0))]
}

function readRanks(file: string): Uint8Array {
  return readFileSync(createRequire(import.meta.url).resolve(`gpt-tokenizer/data/${file}`))
}

for (const [i, name] of encodingNames.entries())
  test(`${name} gives tiktoken's ids`, () => {
    const encoding = loadEncoding(name)
    for (const row of cases) {
      const bytes = Buffer.from(row[0])
      assert.deepEqual(encodeBytes(encoding, bytes), row[i + 1], JSON.stringify(row[0]))
      assert.equal(encoding.countTokens(bytes, 0, bytes.length), (row[i + 1] as readonly number[]).length)
    }
  })

test('the order of texts does not matter, nor what the cache holds', () => {
  const encoding = createEncoding('o200k_base', readRanks('o200k_base.tiktoken'))
  for (const row of cases.toReversed())
    assert.deepEqual(encodeBytes(encoding, Buffer.from(row[0])), row[1], JSON.stringify(row[0]))
})

test('random text comes back', () => {
  const scripts = [0x20, 0x61, 0x41, 0x30, 0xe0, 0x300, 0x400, 0x600, 0x900, 0x2000, 0x4e00, 0xac00, 0x1f600, 0x10ff00]
  for (let round = 0; round < 2000; round++) {
    const points = Array.from({ length: draw(60) }, () => scripts[draw(scripts.length)] + draw(26))
    const bytes = Buffer.from(String.fromCodePoint(...points))
    for (const name of encodingNames) {
      const encoding = loadEncoding(name)
      const ids = encodeBytes(encoding, bytes)
      assert.deepEqual(Buffer.from(encoding.decode(ids)), bytes)
      assert.ok(!ids.includes(encoding.endOfText))
    }
  }
})

test('bytes that are not UTF-8 come back too', () => {
  const encoding = loadEncoding('o200k_base')
  for (let round = 0; round < 1000; round++) {
    const bytes = Uint8Array.from({ length: draw(300) }, () => draw(256))
    assert.deepEqual(Uint8Array.from(encoding.decode(encodeBytes(encoding, bytes))), bytes)
  }
})

/** Merging by its definition: join the leftmost pair of lowest rank until there is none. */
function mergeByDefinition(ranks: ReadonlyMap<string, number>, text: string): number[] {
  const parts = [...text]
  for (;;) {
    let best = Number.POSITIVE_INFINITY
    let place = -1
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(parts[i] + parts[i + 1]) ?? Number.POSITIVE_INFINITY
      if (rank < best) {
        best = rank
        place = i
      }
    }
    if (place < 0) return parts.map(part => ranks.get(part)!)
    parts.splice(place, 2, parts[place] + parts[place + 1])
  }
}

function readRankMap(): Map<string, number> {
  const ranks = new Map<string, number>()
  for (const line of Buffer.from(readRanks('o200k_base.tiktoken')).toString('latin1').trimEnd().split('\n')) {
    const [token, rank] = line.split(' ')
    ranks.set(Buffer.from(token, 'base64').toString('latin1'), Number(rank))
  }
  return ranks
}

test('pieces short and long merge by the definition', () => {
  const ranks = readRankMap()
  const encoding = loadEncoding('o200k_base')
  const alphabets = ['ab', 'etaoinshrdlu', 'abcdefghijklmnopqrstuvwxyz', 'a', '=', ' ']
  for (const length of [2, 3, 15, 16, 17, 48, 49, 127, 128, 129, 130, 255, 256, 257, 272, 700]) {
    for (const alphabet of alphabets) {
      const text = Array.from({ length }, () => alphabet[draw(alphabet.length)]).join('')
      const expected = ranks.has(text) ? [ranks.get(text)!] : mergeByDefinition(ranks, text)
      assert.deepEqual(encodeBytes(encoding, Buffer.from(text)), expected, text)
    }
  }
})

test('pieces of one hash are told apart', () => {
  const ranks = readRankMap()
  const encoding = loadEncoding('o200k_base')
  // The first two are no tokens and meet in the cache; the third is a token and the fourth is none.
  const texts = ['kqbbhc', 'vcpzrn', 'lingen', 'paslhq']
  const [first, second, third, fourth] = texts.map(text => hashPiece(Buffer.from(text), 0, text.length))
  assert.equal(first, second)
  assert.equal(third, fourth)
  for (const text of texts)
    assert.deepEqual(encodeBytes(encoding, Buffer.from(text)), mergeByDefinition(ranks, text), text)
})

test('half a megabyte without a gap takes no quadratic time', () => {
  for (const unit of ['a', ' ', '中', '=', 'qzjx']) {
    const bytes = Buffer.alloc(2 ** 19, unit)
    const started = performance.now()
    assert.deepEqual(
      Buffer.from(loadEncoding('o200k_base').decode(encodeBytes(loadEncoding('o200k_base'), bytes))),
      bytes,
    )
    assert.ok(performance.now() - started < 5000, unit)
  }
})

test('encode writes between the given places alone', () => {
  const encoding = loadEncoding('cl100k_base')
  const out = new Int32Array(20).fill(-1)
  const bytes = Buffer.from('xx hello worldyy')
  assert.equal(encoding.encode(bytes, 2, 14, out, 3), 5)
  assert.deepEqual([...out], [-1, -1, -1, 24748, 1917, ...new Array(15).fill(-1)])
  assert.equal(encoding.encode(bytes, 4, 4, out, 20), 20)
  assert.throws(() => encoding.encode(bytes, 0, 16, out, 5), RangeError)
})

test('ids beyond the vocabulary are refused, end of text is not', () => {
  const encoding = loadEncoding('gpt2')
  assert.equal(Buffer.from(encoding.decode([15496, 50256])).toString(), 'Hello<|endoftext|>')
  for (const id of [-1, 50257, 1.5, Number.NaN]) assert.throws(() => encoding.decode([id]), RangeError)
})

test('a rank file with one other byte is corrupt, and an unknown name a bad option', () => {
  const file = Uint8Array.from(readRanks('r50k_base.tiktoken'))
  assert.equal(createEncoding('gpt2', file).sha256, rankFileOf('gpt2').sha256)
  file[1000] ^= 1
  assert.throws(
    () => createEncoding('gpt2', file),
    (error: unknown) => error instanceof HeadraceError && error.code === 'corrupt',
  )
  assert.throws(
    () => loadEncoding('toString' as 'gpt2'),
    (error: unknown) => error instanceof HeadraceError && error.code === 'bad-option',
  )
})
