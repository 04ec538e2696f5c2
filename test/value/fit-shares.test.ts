import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitShares, type Supply } from '../../src/value/fit-shares.ts'
import { drawFrom } from '../random.ts'

const supply = ([has, wanted]: readonly [number, number]): Supply => ({ has, wanted })

const cases: [of: [has: number, wanted: number][], tokens: number, repeatMax: number, shares: number[]][] = [
  // Enough of both.
  [
    [
      [100, 30],
      [100, 70],
    ],
    100,
    4,
    [0.3, 0.7],
  ],
  // The first gives 4 * 5 of 100 at most, and the second the rest.
  [
    [
      [5, 50],
      [100, 50],
    ],
    100,
    4,
    [0.2, 0.8],
  ],
  // What the first can't give goes to the others as 1 to 3.
  [
    [
      [5, 60],
      [100, 10],
      [100, 30],
    ],
    100,
    4,
    [0.2, 0.2, 0.6],
  ],
  // That fills the second, too, and all the rest goes to the third.
  [
    [
      [5, 60],
      [3, 10],
      [100, 30],
    ],
    100,
    4,
    [0.2, 0.12, 0.68],
  ],
  // All together can't give as much.
  [
    [
      [5, 50],
      [10, 50],
    ],
    100,
    4,
    [0.2, 0.4],
  ],
  [
    [
      [0, 50],
      [100, 50],
    ],
    100,
    4,
    [0, 1],
  ],
  [
    [
      [100, 0],
      [100, 50],
    ],
    100,
    4,
    [0, 1],
  ],
  [
    [
      [50, 50],
      [50, 50],
    ],
    100,
    1,
    [0.5, 0.5],
  ],
]
for (const [of, tokens, repeatMax, shares] of cases)
  test(`of has and wanted ${JSON.stringify(of)}, ${tokens} tokens in ${repeatMax} passes: ${shares}`, () => {
    const fitted = fitShares(of.map(supply), tokens, repeatMax)
    for (const [i, share] of fitted.entries()) assert.ok(Math.abs(share - shares[i]) < 1e-12, `${fitted}`)
  })

test('no share is above what its supply gives; those below are in proportion; all come to 1 where there is enough', () => {
  const draw = drawFrom(Math.floor(Math.random() * 2 ** 31))
  for (let round = 0; round < 500; round++) {
    const supplies = Array.from({ length: 1 + draw(8) }, () => supply([draw(50), 1 + draw(100)]))
    const [tokens, repeatMax] = [1 + draw(500), 1 + draw(5)]
    const shares = fitShares(supplies, tokens, repeatMax)
    const most = supplies.map(({ has }) => (repeatMax * has) / tokens)
    for (const [i, share] of shares.entries()) assert.ok(share >= 0 && share <= most[i] + 1e-12)
    const sum = (of: readonly number[]) => of.reduce((total, one) => total + one, 0)
    assert.ok(Math.abs(sum(shares) - Math.min(1, sum(most))) < 1e-9, `${shares} of ${most}`)
    const open = shares.flatMap((share, i) => (share < most[i] - 1e-9 ? [share / supplies[i].wanted] : []))
    for (const rate of open) assert.ok(Math.abs(rate - open[0]) < 1e-9)
    // What is cut off was below its proportion.
    for (const [i, share] of shares.entries())
      if (open.length > 0) assert.ok(share <= open[0] * supplies[i].wanted + 1e-9)
  }
})
