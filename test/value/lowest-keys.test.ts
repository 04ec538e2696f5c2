import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LowestKeys } from '../../src/value/lowest-keys.ts'
import { drawFrom } from '../random.ts'

const draw = drawFrom(Math.floor(Math.random() * 2 ** 31))

/** Few keys and many, so that some are equal where the choice ends. */
test('the lowest are chosen, in whatever order they come, equal keys by their items', () => {
  for (let round = 0; round < 300; round++) {
    const [most, keys] = [1 + draw(20), 1 + draw(60)]
    const all = Array.from({ length: draw(200) }, () => [draw(keys), draw(5)] as const)
    const lowest = new LowestKeys<number>(most, (a, b) => a - b)
    for (const [key, item] of all) lowest.add(key, () => item)
    const expected = all.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, most)
    assert.deepEqual(
      lowest.items(),
      expected.map(([, item]) => item),
    )
  }
})

test('of equal keys the first ones are chosen where nothing else tells them apart, and what is above is not made', () => {
  const lowest = new LowestKeys<string>(2)
  for (const name of ['a', 'b', 'c', 'd']) lowest.add(1, () => name)
  assert.deepEqual(lowest.items(), ['a', 'b'])
  lowest.add(2, () => assert.fail('made'))
  lowest.add(0, () => 'e')
  assert.deepEqual(lowest.items(), ['e', 'a'])
})
