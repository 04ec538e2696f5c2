import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/diff/outcome.ts'
import { Tally } from '../../src/diff/tally.ts'
import { setLimits } from '../simulate/small-limits.ts'

const place = { slot: 0, row: 0, ids: null, index: -1, file: 'f', line: 1, domain: 'd', language: '', bytes: 10 }
const kept: Outcome = { ...place, fate: 'kept', reason: '', tokens: 2, grounds: null, groundsIndex: -1, partner: -1 }
const dropped = (reason: string): Outcome => ({ ...kept, fate: 'dropped', reason, tokens: null })

test('moves beyond the limit share one of each kind, and nothing is lost of the counts', () => {
  setLimits({ diffCellsMax: 2 })
  const tally = new Tally(['reason'], 0)
  const reasons = ['one', '__proto__', 'three', 'four']
  for (const reason of reasons) tally.add({ a: dropped(reason), b: kept, isSameText: false }, 'added')
  tally.add({ a: null, b: kept, isSameText: false }, 'only-in-one')
  tally.add({ a: null, b: dropped('five'), isSameText: false }, 'only-in-one')
  const cells = tally.cells.map(({ kind, from, to, amounts }) => [kind, from?.reason, to?.reason, amounts.documents])
  assert.deepEqual(cells, [
    ['added', 'other', '', 2],
    ['added', 'one', '', 1],
    ['added', '__proto__', '', 1],
    ['only-in-one', undefined, '', 1],
    ['only-in-one', undefined, 'other', 1],
  ])
  assert.deepEqual([...tally.sums[0].dropped.keys()], reasons)
  assert.deepEqual([tally.sums[0].documents, tally.sums[1].kept, tally.sums[1].tokens], [4, 5, 10])
})
