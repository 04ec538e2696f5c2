import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { openFeed } from '../../src/feed/publish.ts'
import { writeCorpus } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithout, skipWithoutPackages, sources, trainOn } from './python.ts'

// The examples of `python/examples/`, as somebody would run them: each learns, and one that was stopped and goes on, on other ranks, says what
// one says that was left alone. `train.py` is with what it shows, in `torch.test.ts`. Programs begin one after another: four ranks at a time.
const dir = makeFolder('examples')
const path = join(dir, 'feed')
const example = (name: string) => join(sources, 'examples', name)
const vocabulary = 64
const hasFeed = skipWithout('numpy', 'pyarrow')

before(async () => {
  if (hasFeed) return
  const corpus = await writeCorpus(dir, { domains: ['en', 'zh', 'code'], shards: 9, seed: 3, vocabulary })
  const options = { length: 16, batch: 12, blockTokens: 900, packing: 'best-fit' } as const
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', endOfText: 9 }
  await using feed = await openFeed(path, options, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
})

/** Steps from 0 on, with a loss that falls. */
function checkLearning(lines: readonly string[], steps: number): void {
  assert.deepEqual(
    lines.map(line => Number(line.split(' ')[1])),
    Array.from({ length: steps }, (_, step) => step),
  )
  const losses = lines.map(line => Number(line.split(' ')[3]))
  assert.ok(losses[steps - 1] < losses[0], losses.join(' '))
}

/** Lines of the same steps and digests, with losses that may differ in their last digit: sums of other ranks are of another order. */
function checkSame(lines: readonly string[], others: readonly string[]): void {
  const isLoss = / loss (\S+)/
  const bare = (all: readonly string[]) => all.map(line => line.replace(isLoss, ''))
  assert.deepEqual(bare(lines), bare(others))
  for (const [i, line] of lines.entries()) {
    const [one, other] = [line, others[i]].map(text => Number(isLoss.exec(text)?.[1]))
    assert.ok(Math.abs(one - other) < 2e-4, `${line}; ${others[i]}`)
  }
}

test('hugging_face.py learns, and goes on on 4 ranks', {
  skip: skipWithoutPackages('torch', 'transformers', 'accelerate'),
}, () => {
  const train = (ranks: number, out: string, steps: number, micro: number) => {
    const given = [
      '--steps',
      String(steps),
      '--micro',
      String(micro),
      '--every',
      '3',
      '--vocabulary',
      String(vocabulary),
    ]
    return trainOn(ranks, [example('hugging_face.py'), path, join(dir, out), ...given])
  }
  const alone = train(1, 'alone-hf', 6, 3)
  checkLearning(alone, 6)
  // What was left of the first after three steps.
  cpSync(join(dir, 'alone-hf', 'checkpoint-3'), join(dir, 'moved-hf', 'checkpoint-3'), { recursive: true })
  checkSame(train(4, 'moved-hf', 6, 1), alone.slice(3))
})

test('mesh.py learns on 2 × 2 ranks, and goes on on 4 × 1', { skip: skipWithoutPackages('torch') }, () => {
  const train = (ranks: number, tp: number, out: string, steps: number) => {
    const launched = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(ranks)]
    const given = ['--steps', String(steps), '--tp', String(tp)]
    return trainOn(1, [...launched, example('mesh.py'), path, join(dir, out), ...given])
  }
  const alone = train(1, 1, 'alone-mesh', 6)
  checkLearning(alone, 6)
  checkSame([...train(4, 2, 'moved-mesh', 3), ...train(4, 1, 'moved-mesh', 6)], alone)
})

test('numpy_loop.py learns, the same on 1 and on 4 ranks', { skip: hasFeed }, () => {
  const train = (world: number) =>
    trainOn(1, [example('numpy_loop.py'), path, '--steps', '9', '--world', String(world)])
  checkLearning(train(1), 9)
  checkSame(train(4), train(1))
})

test('jax_loop.py learns, and goes on', { skip: hasFeed || skipWithoutPackages('jax') }, () => {
  const train = (out: string, steps: number) =>
    trainOn(1, [example('jax_loop.py'), path, join(dir, out), '--steps', String(steps)])
  const alone = train('alone-jax', 6)
  checkLearning(alone, 6)
  checkSame([...train('moved-jax', 3), ...train('moved-jax', 6)], alone)
})

test('DataLoader, StatefulDataLoader and Lightning keep the place of a Loader', {
  skip: skipWithoutPackages('torch', 'torchdata', 'lightning'),
}, () => {
  runPython([join(import.meta.dirname, 'test_frameworks.py'), path])
})
