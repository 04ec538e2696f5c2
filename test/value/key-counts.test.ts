import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { KeyCounts } from '../../src/value/key-counts.ts'
import { drawFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'

function readAll(counts: KeyCounts): [number, number][] {
  const all: [number, number][] = []
  for (const { keys, counts: own, length } of counts.read())
    for (let i = 0; i < length; i++) all.push([keys[i], own[i]])
  return all
}
// Other tests fit, too, and at the same time.
process.env.TMPDIR = makeFolder('key-counts')
const folders = () => readdirSync(tmpdir()).filter(name => name.startsWith('headrace-fit-'))

const cases: [name: string, held: number, keys: number, range: number][] = [
  ['all in memory', 2 ** 16, 5000, 1000],
  ['all in memory, each often', 2 ** 16, 5000, 10],
  ['many runs, keys in each of them', 64, 5000, 10],
  ['many runs, few keys twice', 64, 5000, 2 ** 31],
  ['runs that are just full', 100, 5000, 300],
  ['more keys than a batch', 2 ** 15, 150_000, 2 ** 31],
  ['none', 64, 0, 1],
]
for (const [name, held, count, range] of cases)
  test(`keys are counted: ${name}`, () => {
    const draw = drawFrom(held + count)
    const expected = new Map<number, number>()
    {
      using counts = new KeyCounts(held)
      for (let i = 0; i < count; i++) {
        // Up to 2^48 - 1.
        const key = draw(4) ? draw(range) : 2 ** 48 - 1 - draw(range)
        counts.add(key)
        expected.set(key, (expected.get(key) ?? 0) + 1)
      }
      const sorted = [...expected].sort(([a], [b]) => a - b)
      assert.deepEqual(readAll(counts), sorted)
      assert.deepEqual(readAll(counts), sorted)
      assert.equal(folders().length, count > held ? 1 : 0)
    }
    assert.deepEqual(folders(), [])
  })
