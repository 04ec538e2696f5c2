import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { openFeed } from '../../src/feed/publish.ts'
import { writeCorpus } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithout, sources, trainOn } from './python.ts'

// What PyTorch users get of a feed: `headrace.torch`, and the example that trains.
const dir = makeFolder('torch')
const path = join(dir, 'feed')
const skip = skipWithout('numpy', 'pyarrow', 'torch', 'transformers')

before(async () => {
  if (skip) return
  const corpus = await writeCorpus(dir, { domains: ['en', 'zh', 'code'], shards: 9, seed: 3 })
  const layout = { packing: 'best-fit', align: 4, cutTargets: 'next' } as const
  const options = { length: 16, batch: 12, blockTokens: 900, ...layout }
  const shards = join(dir, 'shards')
  const origin = { run: 'test', shards, tokenizer: 't', fingerprint: 'f', endOfText: 9, segmentSteps: 5 }
  await using feed = await openFeed(path, options, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
})

test('Loader, StepDataset, micro and for_hf give what the feed has', { skip }, () => {
  runPython([join(import.meta.dirname, 'test_torch.py'), path, 'transformers'])
})

test('a training that goes on on 2 and on 4 ranks says what one that was left alone says', { skip }, () => {
  const [toEnd, example] = [join(import.meta.dirname, 'run_to_end.py'), join(sources, 'examples', 'train.py')]
  const train = (ranks: number, checkpoint: string, steps: number, micro = 1) => {
    const given = ['--steps', String(steps), '--every', '2', '--micro', String(micro)]
    return trainOn(ranks, [toEnd, example, path, join(dir, checkpoint), ...given])
  }
  const alone = train(1, 'alone', 9)
  const moved = [...train(1, 'moved', 3), ...train(2, 'moved', 6, 3), ...train(4, 'moved', 9)]
  assert.equal(alone.length, 9)
  assert.deepEqual(moved, alone)
  const losses = alone.map(line => Number(line.split(' ')[3]))
  assert.ok(losses[8] < losses[0], losses.join(' '))
})

test('what the wheel has is what is here, and its version is the package', () => {
  const project = readFileSync(join(sources, 'pyproject.toml'), 'utf8')
  const { version } = JSON.parse(readFileSync(join(sources, '..', 'package.json'), 'utf8'))
  assert.match(project, new RegExp(`^version = "${version.replaceAll('.', '\\.')}"$`, 'm'))
  assert.match(project, /^packages = \["headrace", "headrace\.cache", "headrace\.sources", "headrace\.torch"\]$/m)
})
