import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mix32 } from '../../../src/text/hash.ts'
import { addSpan, HashSet64, Ngrams, ngramWordsMax } from '../../../src/text/likeness/ngrams.ts'
import { drawFrom } from '../../random.ts'

/** Words separated by one space, with their byte ranges. */
function lay(words: string[]): { bytes: Uint8Array; starts: Int32Array; ends: Int32Array } {
  const bytes = new TextEncoder().encode(words.join(' '))
  const lengths = words.map(word => Buffer.byteLength(word))
  const starts = new Int32Array(words.length)
  for (let i = 1; i < words.length; i++) starts[i] = starts[i - 1] + lengths[i - 1] + 1
  return { bytes, starts, ends: starts.map((start, i) => start + lengths[i]) }
}

const length = (text: string) => [...text].length

/** Gopher's top n-gram over strings, the first of equals. */
function topOf(words: string[], n: number): number {
  const counts = new Map<string, number>()
  for (let i = 0; i + n <= words.length; i++) {
    const ngram = words.slice(i, i + n).join(' ')
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1)
  }
  let best = ['', 0] as [string, number]
  for (const entry of counts) if (entry[1] > best[1]) best = entry
  return length(best[0]) * best[1]
}

/** Gopher's duplicate n-grams over strings. */
function duplicatesOf(words: string[], n: number): number {
  const seen = new Set<string>()
  let sum = 0
  for (let i = 0; i + n <= words.length; ) {
    const ngram = words.slice(i, i + n).join('')
    if (seen.has(ngram)) {
      sum += length(ngram)
      i += n
    } else {
      seen.add(ngram)
      i++
    }
  }
  return sum
}

test('counts as strings would, whatever the order of n and the size of the text before', t => {
  const seed = 20240607
  t.diagnostic(`seed ${seed}`)
  const random = drawFrom(seed)
  const vocabularies = [
    ['a', 'b', 'ab', 'ba', 'aab'],
    ['é', 'ü', 'éü', '€', '\u{1f600}', 'x'.repeat(70), 'x'.repeat(71)],
    Array.from({ length: 60 }, (_, i) => `w${i}`),
  ]
  const ngrams = new Ngrams()
  for (let round = 0; round < 150; round++) {
    const vocabulary = vocabularies[round % 3]
    // Longer and shorter than the text before, and as long as the buffers, whose sizes are powers of two.
    const count = [random(3000), random(60), 512, random(60), 1024][round % 5]
    const words = Array.from({ length: count }, () => vocabulary[random(vocabulary.length)])
    const { bytes, starts, ends } = lay(words)
    ngrams.load(bytes, starts, ends, 0, words.length)
    // The last pass over a text and the first over the next one have the same n, so that what one left would be found.
    for (const n of [2, 5, 6, 10, 1, -1, -2, -3, -4, -1, 2])
      assert.equal(
        n > 0 ? ngrams.duplicateCharacters(n) : ngrams.topCharacters(-n),
        n > 0 ? duplicatesOf(words, n) : topOf(words, -n),
        `round ${round}, n ${n}`,
      )
  }
})

test('counts as strings would where so many n-grams differ that places are read ahead', () => {
  const random = drawFrom(7)
  const words = Array.from({ length: 12_000 }, () => `${random(300)}`)
  words.push(...words.slice(0, 2000))
  const { bytes, starts, ends } = lay(words)
  const ngrams = new Ngrams()
  ngrams.load(bytes, starts, ends, 0, words.length)
  for (const n of [2, 3]) assert.equal(ngrams.topCharacters(n), topOf(words, n), `top ${n}`)
  for (const n of [2, 3, 10]) assert.equal(ngrams.duplicateCharacters(n), duplicatesOf(words, n), `duplicates of ${n}`)
})

test('takes a range of the words', () => {
  const { bytes, starts, ends } = lay(['a', 'a', 'b', 'c', 'b', 'c', 'a'])
  const ngrams = new Ngrams()
  ngrams.load(bytes, starts, ends, 2, 6)
  assert.equal(ngrams.topCharacters(2), 6)
  assert.equal(ngrams.duplicateCharacters(2), 2)
})

test('takes linear time for one word many times and stops at the limit of words', () => {
  const count = ngramWordsMax + 1000
  const starts = Int32Array.from({ length: count }, (_, i) => i)
  const ngrams = new Ngrams()
  ngrams.load(
    new Uint8Array(count).fill(0x61),
    starts,
    starts.map(start => start + 1),
    0,
    count,
  )
  assert.equal(ngrams.topCharacters(2), 3 * (ngramWordsMax - 1))
  assert.equal(ngrams.duplicateCharacters(5), 5 * Math.ceil((ngramWordsMax - 5) / 5))
})

test('takes linear time for a word of 16 MB', () => {
  const bytes = new Uint8Array(16 << 20).fill(0x61)
  const ngrams = new Ngrams()
  ngrams.load(bytes, Int32Array.of(0, 0), Int32Array.of(bytes.length, bytes.length), 0, 2)
  assert.equal(ngrams.duplicateCharacters(1), bytes.length)
})

test('a hash set grows, is emptied and tells keys apart by both halves', () => {
  const set = new HashSet64()
  for (let round = 0; round < 3; round++) {
    set.clear()
    for (let i = 0; i < 5000; i++) assert.equal(set.add(mix32(i), i % 7), true)
    for (let i = 0; i < 5000; i++) assert.equal(set.add(mix32(i), i % 7), false)
    assert.equal(set.add(mix32(1), 0), true)
  }
})

test('a hash set whose keys were made to meet stays linear and tells them apart', () => {
  const crafted: ((i: number) => [number, number])[] = [i => [i, i], i => [i, 0], i => [0, i << 16]]
  for (const keyOf of crafted) {
    const set = new HashSet64()
    set.clear()
    const begin = process.cpuUsage().user
    for (const isNew of [true, false]) for (let i = 0; i < 60_000; i++) assert.equal(set.add(...keyOf(i)), isNew)
    assert.ok(process.cpuUsage().user - begin < 1e6)
  }
})

test('equal spans are one', () => {
  const bytes = new TextEncoder().encode('abab')
  const set = new HashSet64()
  set.clear()
  assert.deepEqual(
    [addSpan(set, bytes, 0, 2), addSpan(set, bytes, 2, 4), addSpan(set, bytes, 1, 3), addSpan(set, bytes, 1, 1)],
    [true, false, true, true],
  )
})
