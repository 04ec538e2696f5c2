import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash64 } from '../../src/text/hash.ts'
import { PhraseFinder, PhraseTrie, phraseListsMax, phraseWordsMax, type WordHashes } from '../../src/text/phrases.ts'
import { randomFrom } from '../random.ts'

/** Hashes of words that spaces part. */
function hashesOf(text: string): WordHashes & { count: number } {
  const words = text.split(' ').filter(Boolean)
  const [low, high] = [new Uint32Array(words.length), new Uint32Array(words.length)]
  for (const [i, word] of words.entries()) {
    const hash = new Uint32Array(2)
    hash64(Buffer.from(word), 0, Buffer.byteLength(word), 0, hash)
    low[i] = hash[0]
    high[i] = hash[1]
  }
  return { low, high, count: words.length }
}

function finderOf(lists: readonly (readonly string[])[]): PhraseFinder {
  const trie = new PhraseTrie()
  for (const [list, phrases] of lists.entries())
    for (const phrase of phrases) {
      const hashes = hashesOf(phrase)
      trie.add(hashes, hashes.count, list)
    }
  return new PhraseFinder(trie)
}

function find(finder: PhraseFinder, text: string, lists: number): { hits: number[]; covered: number[] } {
  const hashes = hashesOf(text)
  const [hits, covered] = [new Uint32Array(lists), new Uint32Array(lists)]
  finder.find(hashes, hashes.count, hits, covered)
  return { hits: [...hits], covered: [...covered] }
}

/** The same, each phrase looked for at each word. */
function findSlowly(lists: readonly (readonly string[])[], text: string): { hits: number[]; covered: number[] } {
  const words = text.split(' ').filter(Boolean)
  const found = lists.map(phrases => {
    const [ends, covered] = [new Set<number>(), new Set<number>()]
    for (const phrase of phrases.map(one => one.split(' ')))
      for (let at = 0; at + phrase.length <= words.length; at++)
        if (phrase.every((word, i) => words[at + i] === word)) {
          ends.add(at + phrase.length)
          for (let i = 0; i < phrase.length; i++) covered.add(at + i)
        }
    return { hits: ends.size, covered: covered.size }
  })
  return { hits: found.map(({ hits }) => hits), covered: found.map(({ covered }) => covered) }
}

const cases: [list: string[], text: string, hits: number, covered: number][] = [
  [['a'], '', 0, 0],
  [['a'], 'a b a', 2, 2],
  [['a b'], 'a b a b c b a', 2, 4],
  [['a b', 'b'], 'a b', 1, 2],
  [['b', 'a b c'], 'a b c', 2, 3],
  [['a b', 'b c'], 'a b c', 2, 3],
  [['a a'], 'a a a', 2, 3],
  [['a b c', 'b d'], 'a b d', 1, 2],
  [['a b a b c'], 'a b a b a b c', 1, 5],
  [['a'.repeat(3)], 'a a a', 0, 0],
  [
    [Array(phraseWordsMax).fill('a').join(' ')],
    Array(phraseWordsMax + 2)
      .fill('a')
      .join(' '),
    3,
    phraseWordsMax + 2,
  ],
]
for (const [list, text, hits, covered] of cases)
  test(`${list.map(one => one.slice(0, 20))} in '${text.slice(0, 20)}': ${hits} hits, ${covered} words`, () =>
    assert.deepEqual(find(finderOf([list]), text, 1), { hits: [hits], covered: [covered] }))

test('all phrases of all lists are found as if each were looked for at each word', () => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  const random = randomFrom(seed)
  const row = (length: number, letters: number) =>
    Array.from({ length }, () => String.fromCharCode(97 + Math.floor(random() * letters))).join(' ')
  for (let round = 0; round < 300; round++) {
    const letters = 2 + Math.floor(random() * 4)
    const lists = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      Array.from({ length: 1 + Math.floor(random() * 6) }, () => row(1 + Math.floor(random() * 6), letters)),
    )
    const finder = finderOf(lists)
    for (const length of [0, 1, 7, 80]) {
      const text = row(length, letters + 1)
      const what = `seed ${seed}, ${JSON.stringify(lists)} in ${text}`
      assert.deepEqual(find(finder, text, lists.length), findSlowly(lists, text), what)
    }
  }
})

test('the last list is told apart from the first, and words by both halves of their hashes', () => {
  const lists = Array.from({ length: phraseListsMax }, (_, i) => [`word${i}`])
  const { hits } = find(finderOf(lists), 'word0 word31 word31', phraseListsMax)
  assert.deepEqual([hits[0], hits[1], hits[31]], [1, 0, 2])
  const trie = new PhraseTrie()
  const of = (low: number, high: number) => ({ low: Uint32Array.of(low), high: Uint32Array.of(high) })
  // Both belong in the table's last slot.
  for (const high of [5, 7]) trie.add(of(2 ** 32 - 1, high), 1, 0)
  const finder = new PhraseFinder(trie)
  const count = (words: WordHashes) => {
    const hits = new Uint32Array(1)
    finder.find(words, 1, hits, new Uint32Array(1))
    return hits[0]
  }
  const found = [5, 7, 6].map(high => count(of(2 ** 32 - 1, high)))
  assert.deepEqual([...found, count(of(2 ** 31 - 1, 5))], [1, 1, 0, 0])
})

test('many words and phrases are entered, of which beginnings are there once', () => {
  const trie = new PhraseTrie()
  const phrases = Array.from({ length: 5000 }, (_, i) => `begin with ${i}`)
  for (const phrase of phrases) trie.add(hashesOf(phrase), 3, 0)
  assert.equal(trie.size, phrases.length + 2)
  const { hits } = find(new PhraseFinder(trie), phrases.join(' '), 1)
  assert.equal(hits[0], phrases.length)
})
