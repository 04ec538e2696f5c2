import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { openFeed } from '../../src/feed/publish.ts'
import { findTrainers } from '../../src/inspect/trainers.ts'
import { writeCorpus } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithout } from './python.ts'

// What `Reports` of the Python package writes, read by what `headrace feed --trainers` shows.
const dir = makeFolder('reports')
const path = join(dir, 'feed')
const script = join(import.meta.dirname, 'test_reports.py')
const skip = skipWithout('numpy', 'pyarrow')

before(async () => {
  if (skip) return
  const corpus = await writeCorpus(dir, { domains: ['en', 'code'], shards: 9, seed: 4 })
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', endOfText: 9 }
  await using feed = await openFeed(path, { length: 16, batch: 4, blockTokens: 900 }, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
})

const find = async (name: string) => (await findTrainers(path)).trainers.find(({ trainer }) => trainer === name)!

test('a trainer that was killed has lost no report, and what it does again counts once', { skip }, async () => {
  assert.throws(() => runPython([script, path]), { actual: 'SIGKILL' })
  const killed = await find('run-7')
  assert.deepEqual([killed.consumed, killed.checkpoint?.step, killed.checkpoint?.oldest, killed.fault], [8, 4, 1, null])
  runPython([script, path, '--go-on'])
  const { consumed, behind, lossSteps, losses, damagedLines, fault } = await find('run-7')
  const { steps } = (await findTrainers(path)).head
  assert.deepEqual([consumed, behind, lossSteps, damagedLines, fault], [5, steps - 6, 6, 0, null])
  // Steps 0 to 3 with a loss of 1, and 4 and 5, that were done again, of 3.
  assert.deepEqual(losses, [
    { domain: 'en', loss: (4 * 1 + 2 * 3) / 6, targets: 60 },
    { domain: 'code', loss: null, targets: 12 },
  ])
})

test('a trainer of another history, of a feed that was put back, and of another feed is told', { skip }, async () => {
  assert.match((await find('threads')).fault ?? '', /^it reports step \d+ of another history/)
  const head = readFileSync(join(path, 'head.json'), 'utf8')
  const file = join(path, 'trainers', 'run-7', '00000001.jsonl')
  const lines = readFileSync(file, 'utf8')
  try {
    writeFileSync(join(path, 'head.json'), head.replace(/"steps": \d+/, '"steps": 3'))
    assert.match((await find('run-7')).fault ?? '', /^it reports step 5, and the feed has 3 steps: was it restored/)
    writeFileSync(join(path, 'head.json'), head)
    writeFileSync(file, lines.replace(/"feed":"[^"]*"/, `"feed":"${'0'.repeat(64)}"`))
    assert.match((await find('run-7')).fault ?? '', /^it read feed 000000000000, and this is another/)
  } finally {
    writeFileSync(join(path, 'head.json'), head)
    writeFileSync(file, lines)
  }
})
