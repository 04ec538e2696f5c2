import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { after, test } from 'node:test'
import { Children } from './children.ts'
import { repeatCommand } from './minimise.ts'
import { describeFailure } from './report.ts'
import type { Simulated } from './simulate.ts'

const children = new Children()
after(() => children[Symbol.asyncDispose]())

// A new seed each time would fail in the runs of others; `npm run simulate` is for those.
const seeds = Array.from({ length: 10 }, (_, i) => 5000 + i)

async function simulateAll(): Promise<Simulated[]> {
  const results: Simulated[] = []
  const rest = [...seeds.keys()]
  const work = async () => {
    for (let i = rest.shift(); i !== undefined; i = rest.shift()) results[i] = await children.simulate(seeds[i])
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work))
  return results
}
const results = await simulateAll()

test('whatever fails, the bytes are those of an undisturbed run, and of the oracle', () => {
  const failures = results.filter(result => result.failure).map(result => describeFailure(result, {}))
  assert.deepEqual(failures, [])
  const total = (of: (result: Simulated) => number) => results.reduce((sum, result) => sum + of(result), 0)
  assert.ok(total(result => result.restarts) > 10, 'the runs were not disturbed')
  assert.ok(total(result => result.steps) > 25, 'no steps were made')
})

test('a seed is the same run in any process', async () => {
  await using others = new Children()
  for (const [i, seed] of seeds.slice(0, 1).entries()) {
    assert.deepEqual(await others.simulate(seed), results[i])
    assert.deepEqual(await others.simulate(seed), results[i])
  }
  const traces = new Set(results.slice(0, 5).map(result => result.trace))
  assert.equal(traces.size, 5)
})

test('the command that repeats a failure names all that it needs', () => {
  assert.equal(
    repeatCommand(7, { faults: [0, 2], lines: 3 }),
    "npm run simulate -- --seeds 1 --first 7 --faults '0,2' --lines 3",
  )
  assert.equal(repeatCommand(7, { faults: [] }), "npm run simulate -- --seeds 1 --first 7 --faults ''")
})
