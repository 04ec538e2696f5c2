import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ranksOf } from '../../src/value/measures.ts'
import { RankBuckets } from '../../src/value/rank-buckets.ts'
import { randomFrom } from '../random.ts'

function bucketsOf(scores: Iterable<number>): RankBuckets {
  const buckets = new RankBuckets()
  for (const score of scores) buckets.add(score)
  return buckets
}

test('ranks are those of all scores, to the width of a bucket, whatever the order', () => {
  const random = randomFrom(5)
  const scores = Float32Array.from({ length: 5000 }, () => (random() - 0.4) * 10 ** Math.floor(random() * 6 - 3))
  const buckets = bucketsOf(scores)
  const ranks = ranksOf(scores)
  for (const [i, score] of scores.entries())
    assert.ok(Math.abs(buckets.rankOf(score) - (ranks[i] + 0.5) / 5000) < 0.002, `${score}`)
  const reversed = bucketsOf([...scores].reverse())
  assert.deepEqual(
    [...scores].map(score => reversed.rankOf(score)),
    [...scores].map(score => buckets.rankOf(score)),
  )
})

test('order holds from the lowest number to the highest; zeros are one', () => {
  const scores = [-Infinity, -3e38, -2, -1.9, -1e-40, 0, 1e-40, 1.9, 2, 3e38, Infinity]
  const buckets = bucketsOf(scores)
  const ranks = scores.map(score => buckets.rankOf(score))
  assert.deepEqual(
    [...ranks].sort((a, b) => a - b),
    ranks,
  )
  assert.equal(buckets.rankOf(-0), buckets.rankOf(0))
  assert.ok(buckets.rankOf(1.9) < buckets.rankOf(2) && buckets.rankOf(-2) < buckets.rankOf(-1.9))
})
