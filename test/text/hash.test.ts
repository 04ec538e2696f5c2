import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digest128, hash64, hash128, hashUnit, mix32, mix32b } from '../../src/text/hash.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (words: Uint32Array): string => [...words].map(word => word.toString(16).padStart(8, '0')).join('')

/** SMHasher's verification: the hash of the hashes of the keys of 0 to 255 bytes 0, 1, 2 ..., each with seed 256 - length. */
test('hash128 has the verification value of MurmurHash3_x86_128', () => {
  const key = Uint8Array.from({ length: 256 }, (_, i) => i)
  const hashes = new Uint32Array(256 * 4)
  for (let length = 0; length < 256; length++) hash128(key, 0, length, 256 - length, hashes, length * 4)
  const out = new Uint32Array(4)
  hash128(new Uint8Array(hashes.buffer), 0, hashes.byteLength, 0, out)
  assert.equal(out[0], 0xb3ece62a)
})

test('hash128 of known strings', () => {
  const out = new Uint32Array(4)
  const cases: [string, number, string][] = [
    ['', 0, '00000000000000000000000000000000'],
    ['I will not buy this record, it is scratched.', 0, 'a0a9683b25ac5e40d9af2895890dddf5'],
    ['The quick brown fox jumps over the lazy dog', 0, '2f1583c3ecee2c675d7bf66ce5e91d2c'],
  ]
  for (const [text, seed, expected] of cases) {
    hash128(encode(text), 0, encode(text).length, seed, out)
    assert.equal(hex(out), expected, text)
  }
})

test('a hash depends on its range and seed alone', () => {
  const out = new Uint32Array(6)
  const bytes = encode('xxsame bytesyy')
  hash64(bytes, 2, 12, 7, out, 0)
  hash64(encode('same bytes'), 0, 10, 7, out, 2)
  hash64(encode('same bytes'), 0, 10, 8, out, 4)
  assert.deepEqual(out.subarray(0, 2), out.subarray(2, 4))
  assert.notDeepEqual(out.subarray(2, 4), out.subarray(4, 6))
})

test('digest128 is the head of SHA-256', () => {
  assert.equal(Buffer.from(digest128(encode('abc'))).toString('hex'), 'ba7816bf8f01cfea414140de5dae2223')
  assert.equal(Buffer.from(digest128(encode(''))).toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb924')
})

test('the mixers are bijections on a sample and change half of the bits', () => {
  for (const mix of [mix32, mix32b]) {
    const seen = new Set<number>()
    let flipped = 0
    for (let i = 0; i < 20_000; i++) {
      const mixed = mix(i)
      seen.add(mixed)
      for (let bits = mixed ^ mix(i ^ (1 << (i % 32))); bits !== 0; bits &= bits - 1) flipped++
    }
    assert.equal(seen.size, 20_000)
    assert.ok(Math.abs(flipped / 20_000 - 16) < 0.1, `${flipped / 20_000} of 32 bits`)
  }
})

test('hashUnit is the same everywhere', () => {
  const units = [hashUnit(0, 'doc-1'), hashUnit(1, 'doc-1'), hashUnit(0, 'doc-1', 1), hashUnit(0, encode('doc-1'))]
  assert.deepEqual(units, [0.9290705122853298, 0.7889039612890144, 0.983376065750839, 0.9290705122853298])
})

test('hashUnit is uniform, and seeds and copies draw independently', () => {
  const draws: [number, number][] = [
    [0, 0],
    [0, 1],
    [1, 0],
  ]
  const total = 50_000
  const samples = draws.map(([seed, copy]) =>
    Array.from({ length: total }, (_, i) => hashUnit(seed, `https://example.org/${i}`, copy)),
  )
  for (const sample of samples) {
    const bins = new Array<number>(20).fill(0)
    for (const unit of sample) bins[Math.floor(unit * 20)]++
    const chiSquare = bins.reduce((sum, n) => sum + (n - total / 20) ** 2 / (total / 20), 0)
    assert.ok(chiSquare < 50, `chi-square ${chiSquare} of 19 degrees of freedom`)
  }
  for (const other of samples.slice(1)) {
    const both = other.filter((unit, i) => unit < 0.1 && samples[0][i] < 0.1).length
    assert.ok(Math.abs(both - total / 100) < 5 * Math.sqrt(total / 100), `${both} of ${total} in both tenths`)
  }
})
