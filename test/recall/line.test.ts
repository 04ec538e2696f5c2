import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { numbers } from '../../src/batch/batch.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { findLine } from '../../src/recall/line.ts'
import { openScorer, type Scorer } from '../../src/recall/scorer.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { findDecided } from '../../src/value/stored-columns.ts'
import { runWhole } from '../run/replay/whole-run.ts'
import { makeFolder } from '../temporary.ts'
import { pipelineOf, planOf, writeDocuments, writeMathSeed } from './made-recall.ts'

// Where a share of what a run has dropped begins, held against all scores sorted.

const dir = join(makeFolder('line'), 'run')
let scorer: Scorer
let scores: number[] = []
before(async () => {
  const glob = writeDocuments(100)
  scorer = openScorer(await writeMathSeed())
  await runWhole(dir, planOf(pipelineOf(glob)))
  await using run = await RunReader.open(dir)
  const dropped = new Set<string>()
  for await (const { slot, row, fate } of readFates(run)) if (fate === 'dropped') dropped.add(`${slot} ${row}`)
  for await (const { slot, scored } of run.slots()) {
    const columns = await scorer.annotator.annotate({ rows: scored.rows, columns: { text: scored.columns.text } })
    const own = numbers({ rows: scored.rows, columns }, scorer.column)
    for (const [i, row] of numbers(scored, 'row').entries()) if (dropped.has(`${slot} ${row}`)) scores.push(own[i])
  }
  const orderOf = (score: number) => (Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score)
  scores = scores.sort((a, b) => orderOf(b) - orderOf(a))
})

async function lineOf(percent: number, rowsMax?: number) {
  await using run = await RunReader.open(dir)
  const { to } = await findDecided(run)
  return await findLine(run, scorer, { percent, to }, { slots: 0, scored: 0 }, rowsMax)
}

for (const percent of [0.001, 1, 10, 50, 80])
  test(`the best ${percent} % of all begin at the score of the last of them`, async () => {
    const { line, dropped, scored, unscored } = await lineOf(percent)
    assert.deepEqual([dropped, scored, unscored], [scores.length, scores.length, scores.filter(Number.isNaN).length])
    assert.ok(unscored > 0)
    assert.equal(line, scores[Math.max(1, Math.floor((scores.length * percent) / 100)) - 1])
  })

test('what cannot be scored is the worst, and no line', async () => {
  const worst = scores.findLast(score => !Number.isNaN(score))
  assert.equal((await lineOf(99.999)).line, worst)
})

test('beyond a bound a sample is drawn by ids, the same each time', async () => {
  const one = await lineOf(20, 60)
  const again = await lineOf(20, 60)
  assert.deepEqual(one, again)
  assert.ok(one.scored < one.dropped && one.scored > 20 && one.scored < 120, `${one.scored} of ${one.dropped}`)
  const rank = scores.filter(score => score >= one.line).length / scores.length
  assert.ok(rank > 0.03 && rank < 0.5, `the line of a sample has ${rank} of all`)
})
