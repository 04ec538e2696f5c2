import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawByScore } from '../../../src/annotate/ranks/draw.ts'
import { numbers, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'

async function draw(
  ids: readonly string[],
  scores: readonly number[],
  options: Partial<Parameters<typeof drawByScore>[0]> = {},
) {
  const annotator = drawByScore({ column: 'score', ...options })
  const columns = { id: utf8From(ids), score: { kind: 'f64' as const, values: Float64Array.from(scores) } }
  const batch = { rows: ids.length, columns: await annotator.annotate({ rows: ids.length, columns }) }
  checkFields(batch, annotator.writes, annotator.name)
  return [...numbers(batch, 'scoreDraw')]
}

test('of two kinds of documents the highest draws have one as often as exp(score / temperature) says', async () => {
  const count = 100_000
  const ids = Array.from({ length: 2 * count }, (_, i) => `document-${i}`)
  for (const [difference, temperature, odds] of [
    [Math.log(3), 1, 3],
    [2 * Math.log(3), 2, 3],
    [Math.log(3), 1000, 1],
  ]) {
    const draws = await draw(
      ids,
      ids.map((_, i) => (i < count ? difference : 0)),
      { temperature },
    )
    const order = ids.map((_, i) => i).sort((a, b) => draws[b] - draws[a])
    // So few that the pool is hardly another without them: the standard deviation of the share is 0.01.
    const chosen = order.slice(0, 2000)
    const share = chosen.filter(i => i < count).length / chosen.length
    assert.ok(Math.abs(share - odds / (1 + odds)) < 0.04, `${share} with odds of ${odds}`)
  }
})

test('a draw is of the id and the seed, and no score is no draw', async () => {
  const [a, b, none] = await draw(['a', 'b', 'c'], [1, 1, Number.NaN])
  assert.deepEqual(await draw(['b', 'a'], [1, 1]), [b, a])
  assert.ok(a !== b && Number.isNaN(none))
  assert.notEqual((await draw(['a'], [1], { seed: 1 }))[0], a)
})

test('wrong options are refused before any work', () => {
  assert.throws(() => drawByScore({ column: 'score', temperature: 0 }), {
    code: 'bad-option',
    message: /'temperature'/,
  })
  assert.throws(() => drawByScore({ column: '' }), { code: 'bad-option', message: /'column'/ })
})
