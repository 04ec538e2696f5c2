import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leaveFed, type Stretches } from '../../../src/feed/plan/rest.ts'

type Stretch = readonly [shard: number, start: number, tokens: number]

const stretchesOf = (list: readonly Stretch[]): Stretches => ({
  shardOf: Int32Array.from(list, ([shard]) => shard),
  startOf: Int32Array.from(list, ([, start]) => start),
  lengths: Int32Array.from(list, ([, , tokens]) => tokens),
})

/** Samples as lists of pieces. */
function listOf(samples: readonly (readonly Stretch[])[]) {
  const pieces = samples.flat()
  const offsets = Int32Array.from({ length: samples.length + 1 }, (_, i) => samples.slice(0, i).flat().length)
  const { shardOf: shard, startOf: start, lengths: length } = stretchesOf(pieces)
  return { offsets, shard, start, length }
}

/** Documents of two shards, the second of which is empty. */
const documents: readonly Stretch[] = [
  [0, 0, 40],
  [0, 40, 0],
  [0, 40, 8],
  [1, 0, 20],
]
const samples: readonly (readonly Stretch[])[] = [
  [[0, 16, 16]],
  [
    [1, 16, 4],
    [0, 40, 8],
  ],
  [[0, 0, 16]],
  [[0, 32, 8]],
  [[1, 0, 16]],
]
const cases: [what: string, fed: number, left: Stretch[]][] = [
  [
    'nothing was fed: documents are whole again',
    0,
    [
      [0, 0, 40],
      [0, 40, 8],
      [1, 0, 20],
    ],
  ],
  [
    'a piece from the middle: what is on both sides is apart',
    1,
    [
      [0, 0, 16],
      [0, 32, 8],
      [0, 40, 8],
      [1, 0, 20],
    ],
  ],
  [
    'a document whole, and the end of another',
    2,
    [
      [0, 0, 16],
      [0, 32, 8],
      [1, 0, 16],
    ],
  ],
  ['all but one sample', 4, [[1, 0, 16]]],
  ['all', 5, []],
]
for (const [what, fed, left] of cases)
  test(`what ${fed} samples leave: ${what}`, () => {
    assert.deepEqual(leaveFed(stretchesOf(documents), listOf(samples), fed), stretchesOf(left))
  })

test('what was left once is left again: stretches are never longer than what they were of', () => {
  const once = leaveFed(stretchesOf(documents), listOf(samples), 1)
  const cut = listOf([
    [
      [0, 32, 8],
      [0, 40, 8],
    ],
    [
      [0, 0, 16],
      [1, 0, 20],
    ],
  ])
  assert.deepEqual(leaveFed(once, cut, 0), once)
  assert.deepEqual(
    leaveFed(once, cut, 1),
    stretchesOf([
      [0, 0, 16],
      [1, 0, 20],
    ]),
  )
})

test('the end of a document in one shard is not joined with what another shard has behind as many tokens', () => {
  const two: readonly Stretch[] = [
    [0, 0, 48],
    [1, 0, 60],
  ]
  const cut = listOf([[[1, 0, 48]], [[0, 0, 48]], [[1, 48, 12]]])
  assert.deepEqual(
    leaveFed(stretchesOf(two), cut, 1),
    stretchesOf([
      [0, 0, 48],
      [1, 48, 12],
    ]),
  )
})
