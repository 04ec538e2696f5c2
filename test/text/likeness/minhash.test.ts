import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mix32, mix32b } from '../../../src/text/hash.ts'
import type { Shingles } from '../../../src/text/likeness/distinct.ts'
import {
  ComparedSignatures,
  estimateSimilarity,
  hashBands,
  packSignature,
  sketchShingles,
} from '../../../src/text/likeness/minhash.ts'

const size = 112
const seed = 20_261
const random = makeRandom(seed)

function makeRandom(state: number): () => number {
  return () => mix32((state = (state + 0x9e3779b9) | 0))
}

/** Two sets of `union` shingles together, of which `shared` are in both and the others in either by turns. */
function makePair(union: number, shared: number): [Shingles, Shingles] {
  const all = makeShingles(union)
  const side = (odd: number): Shingles => {
    const isIn = (_: number, i: number) => i < shared || i % 2 === odd
    return { low: all.low.filter(isIn), high: all.high.filter(isIn) }
  }
  return [side(0), side(1)]
}

function makeShingles(count: number): Shingles {
  return { low: Uint32Array.from({ length: count }, random), high: Uint32Array.from({ length: count }, random) }
}

/** Few shingles, their numbers written out. */
const shinglesOf = (...numbers: number[]): Shingles => ({
  low: Uint32Array.from(numbers, mix32),
  high: Uint32Array.from(numbers, mix32b),
})

type Sketch = (shingles: Shingles, count: number, places: Int32Array) => void

interface Estimates {
  readonly similarity: number
  readonly mean: number
  readonly variance: number
  readonly trials: number
}

/** The share of equal places of many random pairs. */
function measure(sketch: Sketch, union: number, shared: number, trials: number): Estimates {
  const a = new Int32Array(size)
  const b = new Int32Array(size)
  let sum = 0
  let squares = 0
  const similarity = shared / union
  for (let trial = 0; trial < trials; trial++) {
    const [x, y] = makePair(union, shared)
    sketch(x, x.low.length, a)
    sketch(y, y.low.length, b)
    const share = a.filter((value, i) => value === b[i]).length / size
    sum += share
    squares += (share - similarity) ** 2
  }
  return { similarity, mean: sum / trials, variance: squares / trials, trials }
}

/** Whether the estimates are those of `size` independent permutations, or better: no bias, no more variance. */
function isSound({ similarity, mean, variance, trials }: Estimates): boolean {
  const ideal = (similarity * (1 - similarity)) / size
  const bias = Math.abs(mean - similarity)
  return bias < 4.5 * Math.sqrt(ideal / trials) && variance < ideal * (1 + 5 * Math.sqrt(2 / trials))
}

const cases: readonly [union: number, shared: number][] = [
  [4, 2],
  [10, 9],
  [40, 20],
  [100, 80],
  [120, 60],
  [300, 90],
  [300, 270],
  [2000, 1600],
]

test(`places are equal as often as the sets are similar, without bias (seed ${seed})`, () => {
  for (const [union, shared] of cases) {
    const estimates = measure(sketchShingles, union, shared, 600)
    assert.ok(isSound(estimates), `${shared} of ${union} shared: ${JSON.stringify(estimates)}`)
  }
})

test('the check of bias and variance finds broken sketches', () => {
  const place = (shingle: number) => ((mix32(shingle) >>> 16) * size) >>> 16
  const broken: Record<string, Sketch> = {
    'empty places stay empty': ({ low }, count, places) => {
      places.fill(0x7fffffff)
      for (const shingle of low.subarray(0, count))
        places[place(shingle)] = Math.min(places[place(shingle)], mix32b(shingle) >>> 1)
    },
    'empty places copy their neighbour': ({ low }, count, places) => {
      places.fill(-1)
      for (const shingle of low.subarray(0, count)) {
        const value = mix32b(shingle) >>> 1
        if (places[place(shingle)] < 0 || places[place(shingle)] > value) places[place(shingle)] = value
      }
      for (let i = 0; i < 2 * size; i++) if (places[i % size] < 0) places[i % size] = places[(i + size - 1) % size]
    },
    'permutations that keep the order': ({ low }, count, places) => {
      for (let i = 0; i < size; i++)
        places[i] = low.subarray(0, count).reduce((min, shingle) => Math.min(min, (shingle ^ i) >>> 1), 0x7fffffff)
    },
  }
  for (const [name, sketch] of Object.entries(broken))
    assert.ok(!cases.every(([union, shared]) => isSound(measure(sketch, union, shared, 200))), name)
})

test(`pairs share a band as often as 1 - (1 - s^8)^14 says (seed ${seed})`, () => {
  const places = new Int32Array(size)
  const bands = [new Uint32Array(28), new Uint32Array(28)]
  const trials = 800
  for (const union of [60, 150, 1000])
    for (const similarity of [0.5, 0.6, 0.7, 0.8, 0.9]) {
      let found = 0
      for (let trial = 0; trial < trials; trial++) {
        for (const [i, shingles] of makePair(union, union * similarity).entries()) {
          sketchShingles(shingles, shingles.low.length, places)
          hashBands(places, 8, bands[i], 0)
        }
        if (bands[0].some((word, i) => i % 2 === 0 && word === bands[1][i] && bands[0][i + 1] === bands[1][i + 1]))
          found++
      }
      const expected = 1 - (1 - similarity ** 8) ** 14
      const error = Math.sqrt((expected * (1 - expected)) / trials)
      assert.ok(
        Math.abs(found / trials - expected) < 4.5 * error + 0.005,
        `${union} shingles, similarity ${similarity}: ${found / trials}, not ${expected}`,
      )
    }
})

test('order and repeats of shingles do not matter', () => {
  const shingles = makeShingles(50)
  const repeat = (half: Uint32Array) => Uint32Array.from({ length: 500 }, (_, i) => half[(i * 7) % 50])
  const mixed = { low: repeat(shingles.low), high: repeat(shingles.high) }
  const [once, repeated] = [new Int32Array(size), new Int32Array(size)]
  sketchShingles(shingles, 50, once)
  sketchShingles(mixed, 500, repeated)
  assert.deepEqual(repeated, once)
})

test('four million copies of one shingle take no more than a few passes', () => {
  const places = new Int32Array(size)
  const copies = { low: new Uint32Array(4_000_000).fill(7), high: new Uint32Array(4_000_000).fill(8) }
  const begin = performance.now()
  sketchShingles(copies, 4_000_000, places)
  assert.ok(performance.now() - begin < 5000)
  const one = new Int32Array(size)
  sketchShingles({ low: Uint32Array.of(7), high: Uint32Array.of(8) }, 1, one)
  assert.deepEqual(places, one)
})

test('shingles that are equal in 32 bits of 64, either half, give signatures that are not alike', () => {
  const other = makeShingles(3)
  for (const count of [1, 2, 3]) {
    const shingles = makeShingles(count)
    for (const half of ['low', 'high'] as const) {
      const packed = new Uint8Array(2 * size)
      const places = new Int32Array(size)
      for (const [i, some] of [shingles, { ...shingles, [half]: other[half] }].entries()) {
        sketchShingles(some, count, places)
        packSignature(places, packed, i * size)
      }
      const similarity = estimateSimilarity(packed, 0, packed, size, size)
      assert.ok(similarity < 0.4, `${count} shingles, other ${half} halves: ${similarity}`)
    }
  }
})

test('signatures of any size are filled', () => {
  for (const length of [1, 2, 16, 256, 4096]) {
    const places = new Int32Array(length)
    sketchShingles(shinglesOf(1, 2, 3), 3, places)
    assert.ok(
      places.every(value => value !== 0x7fffffff),
      `${length} places`,
    )
  }
})

test('the estimate is corrected for chance agreement of 8 bits', () => {
  const [a, b] = [new Int32Array(size), new Int32Array(size)]
  const packed = new Uint8Array(2 * size)
  let sum = 0
  const trials = 400
  for (let trial = 0; trial < trials; trial++) {
    const [x, y] = makePair(400, 240)
    sketchShingles(x, x.low.length, a)
    sketchShingles(y, y.low.length, b)
    packSignature(a, packed, 0)
    packSignature(b, packed, size)
    assert.equal(estimateSimilarity(packed, 0, packed, 0, size), 1)
    sum += estimateSimilarity(packed, 0, packed, size, size)
  }
  const uncorrected = 0.6 + 0.4 / 256
  assert.ok(
    Math.abs(sum / trials - 0.6) < 4 * Math.sqrt(0.24 / size / trials),
    `mean ${sum / trials} (not ${uncorrected})`,
  )
  assert.equal(estimateSimilarity(new Uint8Array(size), 0, new Uint8Array(size).fill(1), 0, size), 0)
})

test('a known signature', () => {
  const places = new Int32Array(size)
  sketchShingles(shinglesOf(...Array(100).keys()), 100, places)
  const bands = new Uint32Array(28)
  hashBands(places, 8, bands, 0)
  assert.deepEqual([...places.subarray(0, 4)], [87701345, 999177673, 1052060692, 630205216])
  assert.deepEqual([...bands.subarray(0, 2)], [2605661094, 1562563933])
})

test('four places at a time, two signatures are as similar as one by one', () => {
  // Bytes whose bits carry far, so that one would mark its neighbour.
  const bytes = [0, 1, 0x7f, 0x80, 0x81, 0xff]
  let equal = 0
  for (const places of [1, 2, 3, 4, 5, 31, 112, 4096]) {
    const signatures = Uint8Array.from({ length: 20 * places }, () => bytes[(random() >>> 0) % bytes.length])
    const compared = new ComparedSignatures(signatures, places)
    for (let a = 0; a < 20; a++)
      for (let b = 0; b < 20; b++) {
        const estimate = compared.estimate(a, b)
        assert.equal(estimate, estimateSimilarity(signatures, a * places, signatures, b * places, places))
        if (a !== b && estimate > 0) equal++
      }
  }
  assert.ok(equal > 1000, `${equal} pairs with something in common`)
})
