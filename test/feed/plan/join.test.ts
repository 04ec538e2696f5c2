import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleave } from '../../../src/feed/plan/join.ts'
import type { PlannedShard } from '../../../src/feed/plan/promotion.ts'
import { Random } from '../../random.ts'

function shard(row: string, number: number, tokens: number, domain = 'web'): PlannedShard {
  const whole = { path: `${row}/${number}.arrow`, sha256: '', bytes: 1, rows: 1, tokens }
  return { domain, number: null, shard: whole, tokens, firstSlot: 0, lastSlot: 0 }
}
const names = (shards: readonly PlannedShard[]) => shards.map(({ shard: { path } }) => path.replace('.arrow', ''))

test('rows of shards go on at one pace, whatever they come to', () => {
  const seed = Date.now() % 2 ** 31
  const random = new Random(seed)
  const rows = Array.from({ length: random.between(2, 6) }, (_, i) => {
    return Array.from({ length: random.between(1, 40) }, (_, number) =>
      shard(`run-${i}`, number, random.between(1, 90)),
    )
  })
  const all = interleave(rows.flat())
  const totals = rows.map(row => row.reduce((sum, { tokens }) => sum + tokens, 0))
  const largest = Math.max(...rows.flatMap((row, i) => row.map(({ tokens }) => tokens / totals[i])))
  const given = rows.map(() => 0)
  for (const { shard: one, tokens } of all) {
    given[Number(one.path.slice(4).split('/')[0])] += tokens
    const shares = given.map((tokensOfOne, i) => tokensOfOne / totals[i])
    // Each row stands within a shard of the place that all have come to.
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 2 * largest + 1e-9, `seed ${seed}: ${shares}`)
  }
  for (const [i, row] of rows.entries())
    assert.deepEqual(names(all.filter(one => one.shard.path.startsWith(`run-${i}/`))), names(row), `seed ${seed}`)
})

test('a row of one shard stands in the middle, and of equals the first is first', () => {
  const four = [0, 1, 2, 3].map(number => shard('a', number, 10))
  assert.deepEqual(names(interleave([...four, shard('b', 0, 999)])), ['a/0', 'a/1', 'b/0', 'a/2', 'a/3'])
  assert.deepEqual(names(interleave([shard('b', 0, 5), shard('a', 0, 7)])), ['b/0', 'a/0'])
  // Shards of one folder that are fed in two domains are two rows.
  const mixed = [shard('a', 0, 4), shard('a', 1, 4, 'code'), shard('a', 2, 4)]
  assert.deepEqual(names(interleave(mixed)), ['a/0', 'a/1', 'a/2'])
  assert.deepEqual(interleave([]), [])
})
