import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadraceError } from '../../../src/errors.ts'
import { cutWords, fitSeed, readSeed, scoreWords, weighBuckets, writeSeed } from '../../../src/text/likeness/seed.ts'
import { ShingleBuffer } from '../../../src/text/likeness/shingles.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const seedTexts = ['the group is abelian', 'the kernel of the homomorphism is a normal subgroup'].map(encode)
const backgroundTexts = ['the cat sat on the mat', 'the rain in Spain is mainly in the plain'].map(encode)
const seed = fitSeed(seedTexts, backgroundTexts, { name: 'algebra', buckets: 64 })

function score(text: string, weights = weighBuckets(seed)): number {
  const bytes = encode(text)
  const words = new ShingleBuffer()
  return scoreWords(weights, words.low, cutWords(bytes, 0, bytes.length, words))
}

test('every word and pair is counted once', () => {
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)
  assert.equal(total(seed.seedCounts), 4 + 3 + 9 + 8)
  assert.equal(total(seed.backgroundCounts), 6 + 5 + 9 + 8)
  assert.equal(seed.seedDocuments, 2)
  assert.equal(seed.backgroundDocuments, 2)
})

test('the score is the mean of ln p - ln q over n-grams, half a count added to each bucket', () => {
  const weights = weighBuckets(seed)
  for (const [i, weight] of weights.entries()) {
    const p = (seed.seedCounts[i] + 0.5) / (24 + 32)
    const q = (seed.backgroundCounts[i] + 0.5) / (28 + 32)
    assert.ok(Math.abs(weight - (Math.log(p) - Math.log(q))) < 1e-13)
  }
  const flat = Float64Array.from({ length: 64 }, () => 0.25)
  assert.equal(score('one two three', flat), 0.25)
  assert.ok(Number.isNaN(score('... !!!')))
})

test('what is like the seed scores higher; case and punctuation do not count', () => {
  assert.ok(score('The subgroup is normal.') > score('The cat is on the plain.'))
  assert.equal(score('THE, subgroup: (is) normal'), score('the subgroup is normal'))
})

// Pins the hashes: a change of them makes every seed file useless, so it must raise the format's number.
test('the buckets of words and pairs stay', () => {
  const filled = (text: string) =>
    fitSeed([encode(text)], backgroundTexts, { name: 'x' }).seedCounts.flatMap((count, bucket) =>
      count ? [bucket] : [],
    )
  assert.deepEqual(filled('abelian group'), [8637, 9052, 9686])
})

test('a written seed is read back, and one that is changed is not', () => {
  const text = writeSeed(seed)
  assert.deepEqual({ ...readSeed(text, 'a.json') }, { ...JSON.parse(text) })
  assert.deepEqual(readSeed(text, 'a.json').seedCounts, seed.seedCounts)
  assert.equal(writeSeed(readSeed(text, 'a.json')), text)
  const damaged = [
    text.replace('algebra', 'algebre'),
    text.replace('[0', '[1'),
    text.slice(0, -20),
    '',
    'null',
    '{}',
    '[]',
  ]
  damaged.push(text.replace('headrace-seed/2', 'headrace-seed/0'), JSON.stringify({ format: 'headrace-seed/2' }))
  for (const wrong of damaged)
    assert.throws(
      () => readSeed(wrong, 'a.json'),
      error => error instanceof HeadraceError && error.code === 'corrupt',
      wrong,
    )
})

test('options and texts that cannot work are refused', () => {
  const refused = (fit: () => unknown) =>
    assert.throws(fit, error => error instanceof HeadraceError && error.code === 'bad-option')
  refused(() => fitSeed(seedTexts, backgroundTexts, { name: 'a:b' }))
  refused(() => fitSeed(seedTexts, backgroundTexts, { name: '' }))
  refused(() => fitSeed(seedTexts, backgroundTexts, { name: 'x', buckets: 3 }))
  refused(() => fitSeed([], backgroundTexts, { name: 'x' }))
  refused(() => fitSeed(seedTexts, [encode('...')], { name: 'x' }))
})
