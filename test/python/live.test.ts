import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findTrainers } from '../../src/inspect/trainers.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithoutPackages } from './python.ts'

// `pipelines/live/demo.py` with a few steps: text arrives, the trainer is killed twice and goes on with other ranks.
const live = join(import.meta.dirname, '..', '..', 'pipelines', 'live')
const skip = skipWithoutPackages('torch', 'pyarrow')

test('a trainer that is killed and goes on 2, 1 and 4 ranks takes the tokens of one that is left alone', {
  skip,
}, async () => {
  const out = join(makeFolder('live'), 'demo')
  const told = runPython([join(live, 'demo.py'), '--steps', '12', '--seconds', '8', '--out', out])
  assert.match(told, /2 ranks: steps 0 to \d+, killed with SIGKILL/)
  assert.match(told, /1 rank: steps \d+ to \d+, killed with SIGKILL/)
  assert.match(told, /4 ranks: steps \d+ to 11, to the end/)
  assert.match(told, /the same tokens in all 12 steps; losses differ by 0\.0\d+ at most/)
  const { trainers } = await findTrainers(join(out, 'runs', 'live', 'feed'))
  for (const trainer of trainers)
    assert.deepEqual([trainer.consumed, trainer.checkpoint?.step, trainer.lossSteps, trainer.fault], [11, 12, 12, null])
  assert.deepEqual(
    trainers
      .map(({ losses }) => losses.map(({ domain, targets }) => [domain, targets]))
      .map(all => JSON.stringify(all)),
    Array(2).fill(JSON.stringify(trainers[0].losses.map(({ domain, targets }) => [domain, targets]))),
  )
  const picture = readFileSync(join(out, 'loss.svg'), 'utf8')
  assert.match(picture, /<polyline points="[\d., -]{40,}"/)
  assert.ok(picture.includes('4 ranks') && picture.endsWith('</svg>\n'))
})

test('other tokens, and a step that is missing, are found by it', { skip }, () => {
  const compare = (disturbed: string) =>
    runPython([
      '-c',
      `import sys; sys.path.insert(0, ${JSON.stringify(live)}); import demo; demo.compare(${disturbed}, {0: (2, "a"), 1: (1, "b")}, 2)`,
    ])
  assert.match(compare('{0: (2, "a"), 1: (1, "b")}'), /the same tokens in all 2 steps/)
  assert.throws(() => compare('{0: (2, "a"), 1: (1, "c")}'), /step 1 was trained on other tokens/)
  assert.throws(() => compare('{0: (2, "a")}'), /steps are missing: 1 and 2 of 2/)
})
