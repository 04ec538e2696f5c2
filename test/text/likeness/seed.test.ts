import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadraceError } from '../../../src/errors.ts'
import { fitSeed, scoreWords, weighBuckets } from '../../../src/text/likeness/seed.ts'
import { ShingleBuffer } from '../../../src/text/likeness/shingles.ts'
import { cutWords } from '../../../src/text/likeness/word-grams.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const times = (texts: readonly string[]) => texts.map(text => encode(`${text} `.repeat(20)))
const seedTexts = times(['the group is abelian', 'the kernel of the homomorphism is a normal subgroup'])
const backgroundTexts = times(['the cat sat on the mat', 'the rain in Spain is mainly in the plain'])
const seed = await fitSeed(seedTexts, backgroundTexts, { name: 'algebra', buckets: 64 })

function score(text: string, weights = weighBuckets(seed)): number {
  const bytes = encode(text)
  const words = new ShingleBuffer()
  return scoreWords(weights, words.low, cutWords(bytes, 0, bytes.length, words))
}
const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0)

test('every word and pair is counted once', () => {
  assert.equal(sum(seed.seed.counts), 80 + 79 + 180 + 179)
  assert.equal(sum(seed.background.counts), 120 + 119 + 180 + 179)
  assert.equal(seed.seed.documents, 2)
  assert.equal(seed.background.documents, 2)
})

test('weights are ln of the smoothed share in the seed to that in the background; the score has 100 n-grams of none', () => {
  const weights = weighBuckets(seed)
  for (const [i, weight] of weights.entries()) {
    const share = (seed.background.counts[i] + 0.5) / (598 + 32)
    const smoothed = (seed.seed.counts[i] + 0.5 * 518 * share) / (1.5 * 518)
    assert.ok(Math.abs(weight - Math.log(smoothed / share)) < 1e-6)
  }
  const flat = new Float32Array(64).fill(0.25)
  assert.equal(score('one two three', flat), (5 * 0.25) / 105)
  assert.ok(Number.isNaN(score('... !!!')))
})

test('what the seed lacks is ln(1/3) below the background at most, however rare it is', () => {
  assert.ok(weighBuckets(seed).every(weight => weight >= Math.fround(Math.log(1 / 3))))
})

test('what is like the seed scores higher; case and punctuation do not count', () => {
  assert.ok(score('The subgroup is normal.') > score('The cat is on the plain.'))
  assert.equal(score('THE, subgroup: (is) normal'), score('the subgroup is normal'))
})

// Pins the hashes: a change of them makes every seed file useless, so it must raise the format's number.
test('the buckets of words and pairs stay', async () => {
  const { seed } = await fitSeed([encode('abelian group '.repeat(50))], backgroundTexts, { name: 'x' })
  assert.deepEqual(
    [...seed.counts.entries()].filter(([, count]) => count > 0),
    [
      [103_500, 50],
      [579_281, 49],
      [864_221, 50],
      [875_862, 50],
    ],
  )
})

test('options and texts that cannot work are refused, saying what was there', async () => {
  const refusals: [
    seed: Uint8Array[],
    background: Uint8Array[],
    options: { name: string; buckets?: number },
    RegExp,
  ][] = [
    [seedTexts, backgroundTexts, { name: 'a:b' }, /seed name 'a:b'/],
    [seedTexts, backgroundTexts, { name: '' }, /seed name ''/],
    [seedTexts, backgroundTexts, { name: 'x', buckets: 3 }, /3 buckets; give a power of two from 16/],
    [seedTexts, backgroundTexts, { name: 'x', buckets: 10_000 }, /10000 buckets/],
    [seedTexts, backgroundTexts, { name: 'x', buckets: 2 ** 23 }, /8388608 buckets/],
    [[], backgroundTexts, { name: 'x' }, /0 words in 0 seed texts; check the path/],
    [[encode('three words only')], backgroundTexts, { name: 'x' }, /3 words in 1 seed texts.* give 100 words or more/],
    [seedTexts, [encode('...')], { name: 'x' }, /0 words in 1 background texts/],
  ]
  for (const [texts, background, options, message] of refusals)
    await assert.rejects(
      fitSeed(texts, background, options),
      error => error instanceof HeadraceError && error.code === 'bad-option' && message.test(error.message),
      String(message),
    )
})
