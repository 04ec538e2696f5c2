import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateRawSync, gunzipSync } from 'node:zlib'
import { createDensityMeter } from '../../src/text/density.ts'
import { drawFrom } from '../random.ts'

const measureDensity = createDensityMeter()
const measure = (bytes: Uint8Array, start = 0, end = bytes.length) => measureDensity(bytes, start, end)
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const near = (actual: number, wanted: number): void =>
  assert.ok(Math.abs(actual - wanted) < 1e-12, `${actual} is not ${wanted}`)

test('entropy and unique words of counted texts', () => {
  const words = (n: number, different: number) => Array.from({ length: n }, (_, i) => `w${i % different}`).join(' ')
  near(measure(encode(words(64, 64))).wordEntropy, Math.log(64))
  near(measure(encode(words(64, 4))).wordEntropy, Math.log(4))
  near(measure(encode(words(64, 4))).uniqueWordShare, 4 / 64)
  near(measure(encode(words(2000, 8))).uniqueWordShare, 8 / 256)
  near(measure(encode('中文'.repeat(32))).wordEntropy, Math.log(2))
  assert.ok(Number.isNaN(measure(encode(words(63, 63))).wordEntropy))
  assert.ok(Number.isNaN(measure(encode('')).compressionRatio))
  assert.ok(Number.isNaN(measure(encode('x'.repeat(1023))).compressionRatio))
})

test('the compression ratio of noise, one letter and two halves', () => {
  const random = drawFrom(1)
  const noise = Uint8Array.from({ length: 4096 }, () => random(256))
  assert.ok(Math.abs(measure(noise).compressionRatio - 1) < 0.02)
  assert.ok(measure(encode('x'.repeat(4096))).compressionRatio < 0.001)
  const half = noise.subarray(0, 2048)
  assert.ok(Math.abs(measure(Uint8Array.from([...half, ...half])).compressionRatio - 0.5) < 0.02)
})

test('windows stand at even distances, the last at the end', () => {
  const text = encode('x'.repeat(4096) + '0123456789abcdef'.repeat(2048))
  const noise = Uint8Array.from({ length: 4096 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24)
  assert.ok(measure(Uint8Array.from([...text, ...noise])).compressionRatio > measure(text).compressionRatio + 0.1)
})

test('the estimate follows zlib level 6 on real text of many languages and kinds', () => {
  const file = join(import.meta.dirname, '../../pipelines/sample/sample-0.jsonl.gz')
  const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n').slice(0, 300)
  const pairs = lines
    .map(line => encode(JSON.parse(line).text).subarray(0, 4096))
    .filter(bytes => bytes.length > 2000)
    .map(bytes => [measure(bytes).compressionRatio, deflateRawSync(bytes).length / bytes.length])
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [a, b] = [mean(pairs.map(pair => pair[0])), mean(pairs.map(pair => pair[1]))]
  const covariance = mean(pairs.map(([x, y]) => (x - a) * (y - b)))
  const r = covariance / Math.sqrt(mean(pairs.map(([x]) => (x - a) ** 2)) * mean(pairs.map(([, y]) => (y - b) ** 2)))
  assert.ok(pairs.length > 50)
  assert.ok(r > 0.98, `r is ${r}`)
  assert.ok(Math.abs(a - b) < 0.04, `means are ${a} and ${b}`)
})

test('the same bytes at another place measure the same', () => {
  const text = encode('The quick brown fox jumps over the lazy dog, again and again; '.repeat(400))
  const shifted = new Uint8Array(text.length + 14).fill(0x41)
  shifted.set(text, 7)
  assert.deepEqual(measure(shifted, 7, 7 + text.length), measure(text))
})
