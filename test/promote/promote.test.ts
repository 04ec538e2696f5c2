import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { readControls } from '../../src/feed/publish.ts'
import { readFeed } from '../../src/feed/read.ts'
import type { PromoteOptions } from '../../src/promote/plan.ts'
import { planPromotion, promote } from '../../src/promote/promote.ts'
import { snapshot } from '../feed/corpus.ts'
import { python, skipWithout } from '../python/python.ts'
import { type MadeOptions, makeRun, publish } from './made-runs.ts'
import { readSamples } from './oracle.ts'
import { docs, loose, makePair, options, recompute } from './pair.ts'
import { checkCase, drawCase, promoteAll } from './property.ts'

/** Many where time is nobody's: a case costs a quarter of a second. */
const casesMax = process.env.CI ? 30 : 1

test('over thresholds, steps and kills: nothing twice, nothing lost, and what was published stays', async () => {
  let seed = Date.now() % 2 ** 31
  for (let cases = 0; cases < casesMax; seed++) {
    const one = await drawCase(seed)
    const done = await checkCase(one).catch(error => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
    })
    if (done && done.steps > 0) cases++
  }
})

test('where a block was cut ahead, one of the promotion takes its place for good', async () => {
  assert.ok(await checkCase(await drawCase(1)))
})

test('a block that the end of a run closed is let go and made again, though a promotion follows', async () => {
  assert.ok(await checkCase(await drawCase(668238501)))
})

test('a promotion that feeds what was covered is caught', async () => {
  const one = await drawCase(1031)
  await assert.rejects(checkCase(one, promoteAll), /is fed twice in epoch 0/)
})

test('a plan writes nothing and says what the promotion then does', async () => {
  const { a, b, feed } = await makePair()
  const before = await snapshot(a.dir)
  const planned = await planPromotion(a.dir, b.dir)
  assert.deepEqual(await snapshot(a.dir), before)
  const done = await promote(a.dir, b.dir)
  assert.deepEqual(done.entry, planned.entry)
  assert.deepEqual(await readControls(feed), [planned.entry])
  assert.ok(done.steps > planned.steps && planned.entry.promote.rows.fed > 0)
})

test('it is undone by another promote, and nothing is fed twice on the way', async () => {
  const { a, b, feed } = await makePair({}, {}, { ...options, batch: 5 })
  const there = await promote(a.dir, b.dir, { backfill: { web: 'more web' } })
  const back = await promote(a.dir, a.dir)
  const again = await promote(a.dir, b.dir, { backfill: { web: 'still more web', 'zh/水': 'more zh' } })
  assert.deepEqual(back.entry.promote.to, there.entry.promote.from)
  assert.ok(there.entry.promote.rows.backfilled > 0 && again.entry.promote.rows.backfilled > 0)
  const tokens = (await readSamples(feed)).flatMap(sample => sample.tokens)
  assert.equal(new Set(tokens).size, tokens.length)
  const judged = await recompute(a.dir)
  assert.deepEqual(
    judged,
    [0, 1, 2].map(() => ({ problems: [], unknown: null })),
  )
})

test('the same command again goes on with what it recorded; a start of the run does, too', async () => {
  const { a, b, feed } = await makePair()
  const done = await promote(a.dir, b.dir)
  const whole = await snapshot(feed)
  const { steps, entry, selection } = await promote(a.dir, b.dir)
  assert.deepEqual([steps, entry, selection], [done.steps, done.entry, null])
  await publish(a, options, false)
  await publish(a, options, true)
  assert.deepEqual(await snapshot(feed), whole)
})

test('trainers need the other run no more, and who recomputes the promotion is told that it is gone', async () => {
  const { a, b, feed } = await makePair()
  await promote(a.dir, b.dir)
  const samples = await readSamples(feed)
  renameSync(b.dir, `${b.dir}-moved`)
  assert.deepEqual(await readSamples(feed), samples)
  await publish(a, options, false)
  const [judged] = await recompute(a.dir)
  assert.match(judged.unknown!, /promoted to a run that is no longer in .*b: .*put it back/)
  const c = await makeRun(join(a.dir, '..', 'c'), docs, loose)
  await assert.rejects(promote(a.dir, c.dir), { code: 'not-found' })
  await makeRun(b.dir, docs, loose)
  await assert.rejects(promote(a.dir, c.dir), { code: 'corrupt', message: /another run than the one/ })
})

test('a changed count, row or shard is seen', async () => {
  const { a, b, feed } = await makePair()
  const { entry } = await promote(a.dir, b.dir)
  assert.deepEqual(await recompute(a.dir), [{ problems: [], unknown: null }])
  for (const change of [
    { rows: { ...entry.promote.rows, fed: entry.promote.rows.fed + 1 } },
    { to: { ...entry.promote.to, fingerprint: 'other' } },
    { from: { ...entry.promote.from, id: 'other' } },
    { selection: `promoted/${'0'.repeat(64)}.jsonl` },
  ])
    assert.equal((await recompute(a.dir, change))[0].problems.length, 1, JSON.stringify(change))
  writeFileSync(join(feed, entry.promote.selection), '')
  await assert.rejects(publish(a, options, false), { code: 'corrupt', message: /is damaged: restore it/ })
  rmSync(join(feed, entry.promote.selection))
  await assert.rejects(publish(a, options, false), { code: 'corrupt', message: /is missing: restore it/ })
})

test('a run at work is refused', async () => {
  const { a, b } = await makePair()
  await using lock = await lockDirectory(a.dir)
  lock.check()
  await assert.rejects(promote(a.dir, b.dir), {
    code: 'locked',
    message: /in use by process .*: wait for it, or stop it/,
  })
})

interface Refusal {
  readonly first?: MadeOptions
  readonly second?: MadeOptions
  readonly options?: PromoteOptions
  readonly code: string
  readonly message: RegExp
}
const feedOf = (change: Partial<FeedOptions>) => ({ run: { feed: { ...options, ...change } } })
const refusals: Record<string, Refusal> = {
  'a published step': {
    options: { step: 1 },
    code: 'bad-option',
    message: /step 1 can't be changed: .* published \d+ steps/,
  },
  'a step that is not reached': { options: { step: 999 }, code: 'bad-option', message: /step 999 is too late/ },
  'another batch': {
    second: feedOf({ batch: 4 }),
    code: 'bad-option',
    message: /steps of 1 samples, and .* was made for 4/,
  },
  'another length': {
    second: feedOf({ length: 32 }),
    code: 'bad-option',
    message: /samples of 16 tokens, and .* for 32/,
  },
  'another tokenizer': {
    second: { run: { tokenizer: { encoding: 'other' } } },
    code: 'bad-option',
    message: /tokens of \{"encoding":"made"\}, and .* has those of \{"encoding":"other"\}/,
  },
  'no tokenizer': { second: { run: { tokenizer: null } }, code: 'bad-option', message: /has no tokenizer/ },
  'other lanes': {
    second: { run: { lanes: 2 } },
    code: 'bad-option',
    message: /not over the same slots: .*lanes 1 and 2/,
  },
  'other partitions': {
    second: { run: { partitions: 1, slotBytes: 9 } },
    code: 'bad-option',
    message: /slotBytes 512 and 9/,
  },
  'a changed file': {
    second: { splits: [{ name: 'a.jsonl', stamp: '2' }] },
    code: 'bad-option',
    message: /split 'a.jsonl' with the stamps 1 and 2/,
  },
  'another file': {
    second: { splits: [{ name: 'b.jsonl', stamp: '1' }] },
    code: 'bad-option',
    message: /split 0 'a.jsonl' and 'b.jsonl'/,
  },
  'one that has not ended': { second: { slots: 8 }, code: 'bad-option', message: /b has not ended: run it to its end/ },
  'an unknown domain': {
    options: { backfill: { nowhere: 'x' } },
    code: 'bad-option',
    message: /names the domain 'nowhere', and .* has __proto__, web, zh\/水/,
  },
  'a name that is taken': {
    options: { backfill: { web: 'zh/水' } },
    code: 'bad-option',
    message: /gives 'web' the name 'zh\/水', which is a domain/,
  },
  'a name given twice': {
    options: { backfill: { web: 'x', 'zh/水': 'x' } },
    code: 'bad-option',
    message: /gives 'zh\/水' the name 'x'.*given twice/,
  },
  'weights of a feed without a mixture': {
    options: { weights: { web: 2 } },
    code: 'bad-option',
    message: /with a mixture/,
  },
  'a feed that several may write': {
    first: { slots: 6, run: { spread: true } },
    code: 'bad-option',
    message: /spread run: any of its processes may write/,
  },
}
/** Refusals write nothing, so that those of the same runs have one pair. */
let plain: Awaited<ReturnType<typeof makePair>>
for (const [name, { first, second, options: asked, code, message }] of Object.entries(refusals))
  test(`${name} is refused, and nothing is written`, async () => {
    const { a, b } = asked ? (plain ??= await makePair()) : await makePair(first, second)
    const before = await snapshot(a.dir)
    await assert.rejects(promote(a.dir, b.dir, asked), { code, message })
    assert.deepEqual(await snapshot(a.dir), before)
  })

test('a run itself, no run, no feed and trimmed slots are refused', async () => {
  const { folder, a, b } = await makePair()
  await assert.rejects(promote(a.dir, a.dir), { code: 'bad-option', message: /made of that run already/ })
  await assert.rejects(promote(a.dir, join(folder, 'none')), { code: 'not-found' })
  await assert.rejects(promote(b.dir, a.dir), { code: 'not-found', message: /there is no feed/ })
  for (const { dir } of [a, b]) {
    writeFileSync(join(dir, 'trimmed.json'), JSON.stringify({ first: 3, check: '' }))
    await assert.rejects(promote(a.dir, b.dir), { code: 'corrupt' })
    rmSync(join(dir, 'trimmed.json'))
  }
  const old = await makePair({ slots: 6, isOld: true }, { isOld: true })
  writeFileSync(join(old.a.dir, 'trimmed.json'), JSON.stringify({ first: 3 }))
  await assert.rejects(promote(old.a.dir, old.b.dir), {
    code: 'trimmed',
    message: /slots before 3 of .*a were trimmed/,
  })
})

test('the Python client resumes at the step as one that reads through', {
  skip: skipWithout('pyarrow', 'numpy'),
}, async () => {
  const { a, b, feed } = await makePair()
  const { entry } = await promote(a.dir, b.dir)
  const dump = join(a.dir, 'dump.jsonl')
  const lines: string[] = []
  for await (const batch of readFeed(feed)) {
    const arrays = ['inputIds', 'targets', 'positionIds', 'cuSeqlens', 'cuSeqlensPadded'] as const
    const plain = Object.fromEntries(arrays.map(key => [key, [...batch[key]]]))
    lines.push(JSON.stringify({ rank: 0, world: 1, ...batch, ...plain }))
  }
  writeFileSync(dump, `${lines.join('\n')}\n`)
  const script = join(import.meta.dirname, '..', 'python', 'test_feed.py')
  const { status, stderr } = spawnSync(python, [script, '--resume', String(entry.step), feed, dump], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
})
