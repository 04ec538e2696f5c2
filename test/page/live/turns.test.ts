import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import { Turns } from '../../../src/page/live/turns.ts'

test('questions are answered one after the other, also behind one that failed, and too many are refused', async () => {
  const turns = new Turns()
  const begun: number[] = []
  const ends = Array.from({ length: limits.liveQuestionsMax }, () => Promise.withResolvers<number>())
  const answers = ends.map(({ promise }, i) =>
    turns.take(() => {
      begun.push(i)
      return promise
    }),
  )
  assert.throws(() => turns.take(async () => 0), { code: 'limit', message: /8 questions are being answered/ })
  ends[0].reject(new Error('oh'))
  await assert.rejects(answers[0], /oh/)
  ends[1].resolve(1)
  assert.equal(await answers[1], 1)
  await new Promise(setImmediate)
  // The third has begun, and no other.
  assert.deepEqual(begun, [0, 1, 2])
  for (const [i, { resolve }] of ends.entries()) resolve(i)
  assert.deepEqual(await Promise.all(answers.slice(2)), [2, 3, 4, 5, 6, 7])
  assert.equal(await turns.take(async () => 9), 9)
})
