import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { holdout } from '../../src/decide/holdout.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { lockDirectory } from '../../src/disk/lock.ts'
import { readControls } from '../../src/feed/publish.ts'
import { readFeed } from '../../src/feed/read.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { explainDocument, readLeftOut } from '../../src/unite/explain.ts'
import { readUnion } from '../../src/unite/union.ts'
import { joinRun, planUnion, type UniteOrder, unite } from '../../src/unite/unite.ts'
import { snapshot } from '../feed/corpus.ts'
import { readSamples, readSteps } from '../promote/oracle.ts'
import { python, skipWithout } from '../python/python.ts'
import { Random } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { makeUnitedRun, type UnitedOptions } from './made.ts'
import { expectUnion } from './oracle.ts'
import { checkCase, drawCase } from './property.ts'

/** Many where time is nobody's: a case costs a second. */
const casesMax = process.env.CI ? 12 : 1

test('over runs, maps, joins and kills: nothing twice, nothing lost, and each document that is left out is named', async () => {
  let seed = Date.now() % 2 ** 31
  for (let cases = 0; cases < casesMax; seed++) {
    const done = await checkCase(await drawCase(seed)).catch(error => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
    })
    if (done.steps > 0 && done.leftOut > 0 && done.joins > 0) cases++
  }
})

const rules = { threshold: 0.1, clusterWidth: 1 }
const feed = { length: 16, batch: 1, blockTokens: 200 }
const openRun = (dir: string) => RunReader.open(dir)
const plain = { openRun }

/** Runs over documents of the same clusters, in a folder of their own. */
async function makeRuns(...options: readonly UnitedOptions[]) {
  const folder = makeFolder('united')
  const random = new Random(5)
  const runs = []
  for (const [number, one] of options.entries())
    runs.push(await makeUnitedRun(folder, number, { random, slots: 6, rules }, one))
  const wishes = runs.map(({ dir }) => ({ dir, map: {} }))
  const order: UniteOrder = { runs: wishes.slice(0, 2), duplicates: 'drop', feed, name: 'made' }
  return { folder, home: join(folder, 'home'), runs, wishes, order }
}

test('killed before each lasting effect in turn, the same command comes to the same bytes', async () => {
  const { folder, home, wishes, order } = await makeRuns({}, {}, {})
  const work = async (dir: string, onEffect: (effect: string) => void) => {
    await unite(dir, order, { openRun, stepsMax: 3, onEffect })
    const { steps } = (await readUnion(dir))!.head
    await joinRun(dir, wishes[2], undefined, { openRun, stepsMax: steps + 2, onEffect })
    await planUnion(dir, { onEffect })
  }
  const effects: string[] = []
  await work(home, effect => effects.push(effect))
  const whole = await snapshot(join(home, 'feed'))
  assert.ok(effects.some(effect => effect.includes('control.json')) && effects.length > 40)
  // All of them where time is nobody's.
  for (let fatal = 0; fatal < effects.length; fatal += process.env.CI ? 1 : 7) {
    const dir = join(folder, `killed-${fatal}`)
    let count = 0
    const isKill = (error: Error) => error.message === 'killed'
    const dying = work(dir, () => {
      if (count++ === fatal) throw new Error('killed')
    })
    await assert.rejects(dying, isKill, effects[fatal])
    await work(dir, () => {})
    const found = await snapshot(join(dir, 'feed'))
    assert.deepEqual(Object.keys(found).sort(), Object.keys(whole).sort(), effects[fatal])
    for (const [name, bytes] of Object.entries(whole)) assert.ok(found[name] === bytes, `${name}, ${effects[fatal]}`)
  }
})

test('trainers need no run; who is to decide a further one is told which is gone', async () => {
  const { home, runs, wishes, order } = await makeRuns({}, {}, {})
  await unite(home, order, plain)
  const samples = await readSamples(join(home, 'feed'))
  for (const { dir } of runs.slice(0, 2)) renameSync(dir, `${dir}-moved`)
  assert.deepEqual(await readSamples(join(home, 'feed')), samples)
  await planUnion(home, {})
  await assert.rejects(joinRun(home, wishes[2], undefined, plain), {
    code: 'not-found',
    message: /made of a run that is no longer in .*run-0: .*put it back/,
  })
  renameSync(runs[2].dir, runs[0].dir)
  renameSync(`${runs[1].dir}-moved`, runs[1].dir)
  await assert.rejects(joinRun(home, { ...wishes[0], map: {} }, undefined, plain), {
    code: 'corrupt',
    message: /another run than the one/,
  })
})

test('a run that is still going gives what it has sealed, and later what it has sealed since', async () => {
  const { folder, home, runs, wishes, order } = await makeRuns({}, { slots: 4, run: { id: 'same' } }, {})
  const { going } = await unite(home, order, plain)
  assert.deepEqual(going, [runs[1].dir])
  const { lines } = readSteps(join(home, 'feed'))
  // The run goes on: its documents and the shards until now are as they were.
  const other = makeFolder('goes-on')
  const random = new Random(5)
  await makeUnitedRun(other, 0, { random, slots: 6, rules })
  const whole = await makeUnitedRun(other, 1, { random, slots: 6, rules }, { run: { id: 'same' } })
  assert.deepEqual(whole.manifest.slice(0, runs[1].manifest.length), runs[1].manifest)
  renameSync(runs[1].dir, join(folder, 'before'))
  renameSync(whole.dir, runs[1].dir)
  const { union } = await joinRun(home, wishes[1], undefined, plain)
  assert.deepEqual(
    union.runs.map(({ shards }) => shards),
    [
      [0, runs[0].manifest.length],
      [0, runs[1].manifest.length],
      [runs[1].manifest.length, whole.manifest.length],
    ],
  )
  assert.deepEqual(readSteps(join(home, 'feed')).lines.slice(0, lines.length), lines)
  const again = await joinRun(home, wishes[1], undefined, plain)
  assert.deepEqual([again.selections, again.union.runs.length], [null, 3])
  const all = [...whole.shards.values()].flat()
  const sealed = [new Set(runs[0].kept), new Set(all)]
  const { leftOut } = expectUnion([runs[0], whole], sealed, ['exact', 'near'])
  assert.equal(
    union.runs.reduce((sum, run) => sum + run.leftOut.documents, 0),
    leftOut.length,
  )
})

test('each document that is left out is explained: by its id, by what it repeats, and all of them', async () => {
  const { home, runs, order } = await makeRuns({}, {})
  const { union } = await unite(home, order, plain)
  const sealed = runs.map(({ kept }) => new Set(kept))
  const { leftOut } = expectUnion(runs, sealed, ['exact', 'near'])
  const [{ doc, of }] = leftOut
  const all = await Array.fromAsync(readLeftOut(union))
  assert.deepEqual(
    all.map(({ run, id, ofId }) => [run, id, ofId]),
    leftOut.map(one => [one.run, String(one.doc.address), String(one.of.doc.address)]),
  )
  const story = await explainDocument(union, String(doc.address))
  assert.ok(
    story.leftOut.some(
      ({ run, slot, row, ofId }) =>
        run === 1 && slot === doc.slot && row === doc.row && ofId === String(of.doc.address),
    ),
  )
  const original = await explainDocument(union, String(of.doc.address))
  assert.ok(
    original.fed.some(
      ({ run, slot, row, domain }) =>
        run === 0 && slot === of.doc.slot && row === of.doc.row && domain === of.doc.domain,
    ),
  )
  assert.ok(original.repeatedBy.some(({ slot, row }) => slot === doc.slot && row === doc.row))
  assert.deepEqual(await explainDocument(union, 'none'), { fed: [], leftOut: [], repeatedBy: [], repeats: 0 })
})

test('runs that looked for exact copies alone are decided by these', async () => {
  const deciders = [exactDuplicates()]
  const { home, runs, order } = await makeRuns({ deciders }, { deciders })
  const { union } = await unite(home, order, plain)
  const { leftOut } = expectUnion(
    runs,
    runs.map(({ kept }) => new Set(kept)),
    ['exact'],
  )
  assert.ok(leftOut.length > 0)
  assert.equal(union.runs[1].leftOut.documents, leftOut.length)
  assert.deepEqual(
    union.joins[0].join.deciders.map(({ name }) => name),
    ['exact-duplicates'],
  )
})

test('a feed of a home is made once: other runs, duplicates or options take another folder', async () => {
  const { home, wishes, order } = await makeRuns({}, {}, {})
  await unite(home, order, plain)
  const before = await snapshot(home)
  const others: [Partial<UniteOrder>, RegExp][] = [
    [{ runs: [wishes[1], wishes[0]] }, /it was made of \.\.\/run-0, \.\.\/run-1, in this order/],
    [{ runs: wishes }, /--add joins a further run/],
    [{ runs: [wishes[0], { ...wishes[1], map: { web: 'x' } }] }, /other domains or none mapped/],
    [{ duplicates: 'keep' }, /duplicates were to be drop, not keep/],
    [{ feed: { ...feed, batch: 2 } }, /begun with other options/],
    [{ name: 'another' }, /or another name/],
  ]
  for (const [change, message] of others)
    await assert.rejects(unite(home, { ...order, ...change }, plain), { code: 'bad-option', message })
  assert.deepEqual(await snapshot(home), before)
  await using lock = await lockDirectory(home)
  lock.check()
  await assert.rejects(unite(home, order, plain), { code: 'locked' })
})

test('a run joins at the next step that is not published, and at no other', async () => {
  const { home, runs, wishes, order } = await makeRuns({}, {}, {})
  await assert.rejects(joinRun(home, wishes[2], undefined, plain), {
    code: 'not-found',
    message: /name its runs with --run/,
  })
  assert.equal(existsSync(home), false)
  await unite(home, order, { openRun, stepsMax: 4 })
  const reject = (step: number, message: RegExp, wish = wishes[2]) =>
    assert.rejects(joinRun(home, wish, step, plain), { code: 'bad-option', message })
  await reject(3, /at step 3: 4 steps are published; name step 4/)
  await reject(9, /at step 9: it has 4 steps; plan it up to there first: headrace unite .* --steps 9/)
  await joinRun(home, wishes[2], 4, plain)
  await reject(5, /joined the feed in .* from step 4 on, and has sealed nothing since/)
  await reject(4, /is in the feed already, with its domains mapped by \{\}/, { ...wishes[2], map: { web: 'x' } })
  const { union, selections } = await joinRun(home, wishes[2], 4, plain)
  assert.deepEqual([selections, union.joins.map(({ step }) => step), union.head.ended], [null, [0, 4], true])
  const extra = await makeUnitedRun(makeFolder('extra'), 3, { random: new Random(8), slots: 3, rules })
  await reject(union.head.steps + 1, /it has ended with \d+ steps/, { dir: extra.dir, map: {} })
  assert.ok(runs[2].kept.length > 0)
})

interface Refusal {
  readonly options?: readonly UnitedOptions[]
  readonly change?: (order: UniteOrder) => Partial<UniteOrder>
  readonly spoil?: (dirs: readonly string[]) => void
  readonly code?: string
  readonly message: RegExp
}
const mapOf = (map: Readonly<Record<string, string>>) => (order: UniteOrder) => ({
  runs: order.runs.map((wish, i) => (i === 0 ? { ...wish, map } : wish)),
})
const refusals: Record<string, Refusal> = {
  'another tokenizer': {
    options: [{}, { run: { tokenizer: { encoding: 'other' } } }],
    message: /run-0 has tokens of .*"made".*, and .*run-1 has those of \{"encoding":"other"\}/,
  },
  'no tokenizer': { options: [{}, { run: { tokenizer: null } }], message: /run-1 has no tokenizer/ },
  'other signatures': {
    options: [{}, { shingle: 7 }],
    message: /run-0 was measured by signature\(\{.*"shingle":5\}\) and .*run-1 by signature\(\{.*"shingle":7\}\)/,
  },
  'no signature': {
    options: [{}, { run: { segments: [{ from: 0, annotate: 'a', decide: 'd', shard: 's', state: '' }] } }],
    message: /what .*run-1 has measured doesn't say which .*--duplicates keep/,
  },
  'no decider of duplicates': {
    options: [{ deciders: [holdout({ rate: 0.1 })] }, { deciders: [] }],
    message: /none of .*run-0, .*run-1 looked for duplicates by exact-duplicates or near-duplicates/,
  },
  'copies that are not to be': {
    change: () => ({ duplicates: 'refuse' }),
    message: /\d+ documents of .*run-1 repeat one that comes before: '\d+' is row \d+ of slot \d+ of \.\.\/run-0; /,
  },
  'one run twice': {
    change: ({ runs: [first] }) => ({ runs: [first, first] }),
    message: /--run names one run twice/,
  },
  'a domain that is not there': {
    change: mapOf({ nowhere: 'x' }),
    message: /feeds 'nowhere' of .*run-0 as 'x': it has __proto__, web, zh\/水/,
  },
  'what is held out under another name': { change: mapOf({ web: 'holdout' }), message: /stays held out/ },
  'a mixture of what is not there': {
    change: () => ({ feed: { ...feed, mixture: { web: 1, code: 2 } } }),
    message: /the mixture names 'code', and the runs have __proto__, web, zh\/水/,
  },
  freshness: { change: () => ({ feed: { ...feed, freshness: 4 } }), message: /freshness is 4: all that/ },
  'an option that there is not': {
    change: () => ({ feed: { ...feed, lengths: 4 } as never }),
    message: /a feed .*'lengths'/,
  },
  'slots that were trimmed': {
    options: [{ isOld: true, run: {} }, {}],
    spoil: ([dir]) => writeFileSync(join(dir, 'trimmed.json'), JSON.stringify({ first: 3 })),
    code: 'trimmed',
    message: /slots before 3 of .*run-0 were trimmed, .*--duplicates keep/,
  },
}
for (const [name, { options = [{}, {}], change, spoil, code = 'bad-option', message }] of Object.entries(refusals))
  test(`${name}: refused, and there is no feed`, async () => {
    const { home, runs, order } = await makeRuns(...options)
    spoil?.(runs.map(({ dir }) => dir))
    await assert.rejects(unite(home, { ...order, ...change?.(order) }, plain), { code, message })
    assert.equal(existsSync(join(home, 'feed')), false)
    assert.equal(existsSync(join(home, 'feed.tmp')), false)
  })

test('what was decided otherwise is united where copies are kept', async () => {
  const { home, runs, order } = await makeRuns({ shingle: 3 }, { deciders: [] })
  const { union } = await unite(home, { ...order, duplicates: 'keep' }, plain)
  assert.deepEqual(
    union.runs.map(({ fed, copies }) => [fed.documents, copies]),
    runs.map(({ kept }) => [kept.length, null]),
  )
})

test('a run of which all is there already joins nothing', async () => {
  const { folder, home, order, runs } = await makeRuns({}, {})
  await unite(home, order, plain)
  const random = new Random(5)
  const twin = await makeUnitedRun(makeFolder('twin'), 0, { random, slots: 6, rules })
  assert.equal(twin.kept.length, runs[0].kept.length)
  const before = await readControls(join(home, 'feed'))
  await assert.rejects(joinRun(home, { dir: twin.dir, map: {} }, undefined, plain), {
    code: 'bad-option',
    message: /every document of .* repeats one that the feed has/,
  })
  assert.deepEqual(await readControls(join(home, 'feed')), before)
  assert.ok(folder)
})

test('a list that was changed, or is gone, is refused by who goes on from it', async () => {
  const { home, order } = await makeRuns({}, {})
  const { union } = await unite(home, order, { openRun, stepsMax: 2 })
  const [, { selection, copies }] = union.runs
  appendFileSync(join(union.dir, copies!), '{}\n')
  await assert.rejects(Array.fromAsync(readLeftOut(union)), { code: 'corrupt', message: /is damaged: restore it/ })
  rmSync(join(union.dir, copies!))
  await assert.rejects(Array.fromAsync(readLeftOut(union)), { code: 'corrupt', message: /is missing: restore it/ })
  const text = readFileSync(join(union.dir, selection), 'utf8')
  writeFileSync(join(union.dir, selection), text.slice(1))
  await assert.rejects(planUnion(home, {}), { code: 'corrupt', message: /is damaged: restore it/ })
  rmSync(join(union.dir, selection))
  await assert.rejects(planUnion(home, {}), { code: 'corrupt', message: /is missing: restore it/ })
  for (const spoilt of ['"slotOffset": -1', '"slotOffset": "x"']) {
    const path = join(union.dir, 'control.json')
    const controls = readFileSync(path, 'utf8')
    writeFileSync(path, controls.replace(/"slotOffset": \d+/, spoilt))
    await assert.rejects(readUnion(home), {
      code: 'corrupt',
      message: /has a 'join' that is not as Headrace writes it/,
    })
    writeFileSync(path, controls)
  }
})

test('the Python client reads it as a feed of one run', { skip: skipWithout('pyarrow', 'numpy') }, async () => {
  const { home, order } = await makeRuns({}, {})
  const { union } = await unite(home, { ...order, feed: { ...feed, batch: 2 } }, plain)
  const dump = join(home, 'dump.jsonl')
  const lines: string[] = []
  for await (const batch of readFeed(union.dir)) {
    const arrays = ['inputIds', 'targets', 'positionIds', 'cuSeqlens'] as const
    const lists = Object.fromEntries(arrays.map(key => [key, [...batch[key]]]))
    lines.push(JSON.stringify({ rank: 0, world: 1, ...batch, ...lists }))
  }
  writeFileSync(dump, `${lines.join('\n')}\n`)
  const script = join(import.meta.dirname, '..', 'python', 'test_feed.py')
  const { status, stderr } = spawnSync(python, [script, '--resume', '2', union.dir, dump], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('deciders of another similarity are those of the first run', async () => {
  const strict = [exactDuplicates(), nearDuplicates({ bands: 2, rows: 2, similarity: 0.95 })]
  const { home, order } = await makeRuns({ deciders: strict }, {})
  const { union } = await unite(home, order, plain)
  assert.deepEqual(
    union.joins[0].join.deciders.map(({ options }) => options.similarity),
    [undefined, 0.95],
  )
})
