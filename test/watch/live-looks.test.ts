import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveLooks } from '../../src/watch/live-looks.ts'
import type { RunLook } from '../../src/watch/run-look.ts'
import { makeLook } from './looks.ts'

/** Looks as they are given, one a question, at a clock that a test moves. */
function watch(given: (RunLook | Error)[], isWatched = () => true) {
  const told: (string | null)[] = []
  const looks: LiveLooks = new LiveLooks({
    look: async () => {
      const next = given.shift()
      if (!next) throw new Error('asked too often')
      if (next instanceof Error) throw next
      return next
    },
    isWatched,
    onLook: () => told.push(looks.error),
  })
  return { looks, told }
}

const at = (second: number, documents: number) =>
  makeLook({ at: 1000 * second, stages: [{ stage: 'decide', slot: second, lag: 0 }], documents })

test('each look is told, one that fails with why, and what was known stays', async () => {
  const { looks, told } = watch([at(1, 10), new Error('the run was removed'), at(3, 30), at(4, 40)])
  assert.equal(looks.pace, null)
  for (let i = 0; i < 3; i++) await looks.look()
  assert.deepEqual(told, [null, 'the run was removed', null])
  assert.deepEqual([looks.pace!.look.documents, looks.pace!.documentsPerSecond], [30, 10])
  assert.equal(looks.history.all().points.length, 2)
  await looks[Symbol.asyncDispose]()
})

test('a look from before anything was there is no base of rates', async () => {
  const { looks } = watch([makeLook({ at: 0 }), at(1, 10), at(2, 30), at(3, 30)])
  for (let i = 0; i < 3; i++) await looks.look()
  assert.equal(looks.pace!.documentsPerSecond, 20)
  await looks[Symbol.asyncDispose]()
})

test('it looks each second while somebody watches, else each five, and once more at the end', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let isWatched = false
  const given = Array.from({ length: 9 }, (_, i) => at(i, i))
  const { looks, told } = watch(given, () => isWatched)
  const after = async (ms: number) => {
    t.mock.timers.tick(ms)
    // Looks at once, or waits for the look that the timer began.
    if (given.length < 9 - told.length) await looks.look()
    return told.length
  }
  looks.begin()
  await looks.look()
  assert.deepEqual([await after(4999), await after(1)], [1, 2])
  isWatched = true
  looks.hurry()
  assert.deepEqual([await after(1000), await after(999), await after(1)], [3, 3, 4])
  await looks[Symbol.asyncDispose]()
  assert.equal(told.length, 5)
  t.mock.timers.tick(60_000)
  assert.equal(given.length, 4)
})
