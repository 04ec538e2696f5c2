import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BandRecall, compareRows } from '../../src/page/band-recall.ts'
import { describeRecall, drawRecall, intervalOf } from '../../src/page/recall-picture.ts'
import type { SignatureRows } from '../../src/page/signature-rows.ts'
import { estimateSimilarity } from '../../src/text/likeness/minhash.ts'
import { randomFrom } from '../random.ts'

// What pairs are met by bands, held against a count of its own over signatures that are made up.

const [bands, rowsOfBand] = [14, 8]
const places = bands * rowsOfBand
const count = 240
const random = randomFrom(53)

/** Families of six: one signature, and others with more and more places that are another. `isBroken`: no two rows share a band. */
function makeRows(isBroken: boolean): SignatureRows {
  const signatures = new Uint8Array(count * places)
  for (let row = 0; row < count; row++)
    for (let place = 0; place < places; place++) {
      const isOld = row % 6 > 0 && random() > (row % 6) * 0.07
      const old = signatures[(row - (row % 6)) * places + place]
      signatures[row * places + place] = isOld ? old : Math.floor(random() * 256)
    }
  // A band's bytes are those of its places, as these are eight.
  const buckets = isBroken
    ? Uint8Array.from({ length: count * places }, (_, i) => (i % 8 < 2 ? (i / places) >> (8 * (i % 8)) : 1))
    : signatures.slice()
  const keys = Float64Array.from({ length: count }, () => random())
  return { count, of: count, places, bands, signatures, buckets, keys, domains: new Uint32Array(count) }
}

/** The same count, the long way. `isMet`: whether a pair is compared. */
function countPairs({ signatures, buckets }: SignatureRows, isMet: (a: number, b: number) => boolean) {
  const bins = new Map<string, [pairs: number, sharing: number]>()
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) {
      const found = estimateSimilarity(signatures, a * places, signatures, b * places, places)
      if (!isMet(a, b) || found < 0.3) continue
      const from = (Math.min(19, Math.floor(found * 20)) / 20).toFixed(2)
      const bandAt = (row: number, band: number) =>
        buckets.subarray((row * bands + band) * 8, (row * bands + band + 1) * 8)
      const isSharing = Array.from({ length: bands }, (_, band) =>
        Buffer.compare(bandAt(a, band), bandAt(b, band)),
      ).includes(0)
      const [pairs, sharing] = bins.get(from) ?? [0, 0]
      bins.set(from, [pairs + 1, sharing + Number(isSharing)])
    }
  return Object.fromEntries([...bins].sort())
}

const binsOf = ({ bins }: ReturnType<typeof compareRows>) =>
  Object.fromEntries(bins.filter(bin => bin.count > 0).map(bin => [bin.from.toFixed(2), [bin.count, bin.sharing]]))

const all = Number.MAX_SAFE_INTEGER
const whole = makeRows(false)
const broken = makeRows(true)

test('every pair is counted once, in the bin of its similarity, and as sharing a band where it does', () => {
  const recall = compareRows(whole, 0.8, all)
  assert.deepEqual(
    binsOf(recall),
    countPairs(whole, () => true),
  )
  assert.deepEqual([recall.bands, recall.rows, recall.chosen, recall.compared], [bands, rowsOfBand, count, count])
  const { count: pairs, sharing } = recall.alike
  assert.ok(pairs > 40 && sharing > 0.85 * pairs && Object.keys(binsOf(recall)).length > 8, JSON.stringify(recall))
})

test('of chosen documents each is compared with all: those of the lowest keys, as many as there is time for', () => {
  const recall = compareRows(whole, 0.8, 50 * count * places + 1)
  const chosen = new Set(
    Array.from(whole.keys, (_, row) => row)
      .sort((a, b) => whole.keys[a] - whole.keys[b])
      .slice(0, 50),
  )
  assert.equal(recall.chosen, 50)
  assert.deepEqual(
    binsOf(recall),
    countPairs(whole, (a, b) => chosen.has(a) || chosen.has(b)),
  )
  assert.equal(compareRows(whole, 0.8, 1).chosen, 1)
})

test('pairs whose bands are broken are shown as missed, however alike they are', () => {
  const recall = { ...compareRows(broken, 0.8, all), isByDomain: false, since: 0 }
  assert.deepEqual(
    binsOf(recall),
    countPairs(broken, () => true),
  )
  assert.ok(recall.alike.count > 40 && recall.alike.sharing === 0)
  const [plot, sum] = drawRecall(recall, 720)
  const heights = Array.from(plot.body.text.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g), ([, y]) => Number(y))
  assert.deepEqual(heights, Array(Object.keys(binsOf(recall)).length).fill(240))
  assert.match(
    sum.body.text,
    new RegExp(`at 0.8 and above 0 of ${recall.alike.count} pairs share a band: 0.0% \\(0.0% to `),
  )
})

test('documents of other domains are no pair where near duplicates are looked for within one', () => {
  const domains = Uint32Array.from({ length: count }, (_, row) => row % 2)
  const recall = compareRows({ ...whole, domains }, 0.8, all)
  assert.deepEqual(
    binsOf(recall),
    countPairs(whole, (a, b) => (a - b) % 2 === 0),
  )
})

test('points lie where pairs are, the curve and the threshold are those of the run', () => {
  const recall = { ...compareRows(whole, 0.8, all), isByDomain: false, since: 0 }
  const [plot, sum] = drawRecall(recall, 720)
  const { text } = plot.body
  assert.equal(text.match(/<circle/g)!.length, Object.keys(binsOf(recall)).length)
  const markAt = (at: number) => `<line x1="${at}" y1="22" x2="${at}" y2="240" class="now"/>`
  assert.ok(text.includes(markAt(516.9)))
  // A threshold below all that is shown is marked at the edge.
  assert.ok(drawRecall({ ...recall, similarity: 0.1 }, 720)[0].body.text.includes(markAt(44)))
  // 1 - (1 - 0.65^8)^14 is 0.365, halfway between 0.3 and 1.
  assert.ok(text.includes('L375 160.5L'))
  assert.match(sum.body.text, /1 − \(1 − s\^8\)\^14, for 14 bands of 8 places/)
  assert.ok(!/NaN|undefined|Infinity/.test(text + sum.body.text))
})

const intervals: [sharing: number, count: number, low: number, high: number][] = [
  [0, 10, 0, 0.278],
  [5, 10, 0.237, 0.763],
  [10, 10, 0.722, 1],
  [1, 1, 0.207, 1],
  [240, 249, 0.933, 0.981],
]
for (const [sharing, count, low, high] of intervals)
  test(`${sharing} of ${count}: the share is from ${low} to ${high}`, () => {
    assert.deepEqual(
      intervalOf({ count, sharing }).map(share => Number(share.toFixed(3))),
      [low, high],
    )
  })

const described: [
  chosen: number,
  compared: number,
  of: number,
  rest: Pick<BandRecall, 'isByDomain' | 'since'>,
  says: string,
][] = [
  [300, 300, 300, { isByDomain: false, since: 0 }, 'all pairs of 300 documents'],
  [300, 300, 300, { isByDomain: true, since: 12 }, 'all pairs of 300 documents, of one domain, since slot 12'],
  [
    200,
    9000,
    9000,
    { isByDomain: false, since: 0 },
    'pairs of 200 documents, chosen by a hash of addresses, with all 9,000',
  ],
  [
    1,
    9000,
    12_000,
    { isByDomain: false, since: 0 },
    'pairs of 1 document with 9,000 of 12,000, both chosen by hashes of addresses',
  ],
]
for (const [chosen, compared, of, rest, says] of described)
  test(says, () => {
    assert.equal(describeRecall({ ...compareRows(whole, 0.8, 1), ...rest, chosen, compared, of }), says)
  })
