import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeatureReader, featureBuckets, scaleCounts } from '../../../src/text/linear/features.ts'

const encode = (text: string) => new TextEncoder().encode(text)

function read(reader: FeatureReader, text: string) {
  const bytes = encode(text)
  const length = reader.read(bytes, 0, bytes.length)
  return { buckets: [...reader.buckets.subarray(0, length)], counts: [...reader.counts.subarray(0, length)], length }
}

test('each word and each pair has a bucket, with how often it stands', () => {
  const reader = new FeatureReader()
  assert.deepEqual(read(reader, 'the cat the cat the').counts, [3, 2, 2, 2])
  assert.equal(reader.words, 5)
  assert.deepEqual(read(reader, 'one').counts, [1])
  assert.deepEqual(read(reader, '... !').counts, [])
  const first = read(reader, 'Norm al').buckets
  assert.deepEqual(read(reader, 'norm, (AL)').buckets, first, 'case and punctuation do not count')
  assert.ok(first.every(bucket => bucket < featureBuckets))
  assert.equal(new Set(read(reader, '水山水').buckets).size, 4, 'a character is a word where nothing stands between')
})

test('what a text has does not depend on the one before it, however long that was', () => {
  const long = Array.from({ length: 5000 }, (_, i) => `word${i % 1700}`).join(' ')
  const fresh = read(new FeatureReader(), long)
  const reader = new FeatureReader()
  read(reader, 'word1 word2 word3')
  assert.deepEqual(read(reader, long), fresh)
  assert.deepEqual(read(reader, 'word1'), read(new FeatureReader(), 'word1'))
})

test('values are 1 + ln of counts, scaled to length 1', () => {
  const values = new Float32Array(3)
  scaleCounts([1, 3, 1000], 3, values)
  const raw = [1, 1 + Math.log(3), 1 + Math.log(1000)]
  const norm = Math.hypot(...raw)
  for (const [i, value] of values.entries()) assert.ok(Math.abs(value - raw[i] / norm) < 1e-7)
  scaleCounts([], 0, values)
})
