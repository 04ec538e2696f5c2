import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import { KafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { bindingOf, bindNote } from '../../src/record/binding.ts'
import { topicShapes, topics } from '../../src/record/layout.ts'
import { addReferrer } from '../../src/record/referrers.ts'
import { removeRun } from '../../src/run/remove-run.ts'
import { broker, newRun, openLog, options, testOnBroker } from '../log/kafka/broker.ts'
import { hashFiles, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// One run that ended, copied under other names with another id each; what refers to what is written into their files.
const corpus = await writeCorpus({ seed: 3, files: 1, documentsPerFile: 40 })
const pipeline = await writePipeline(corpus.dir)
const whole = makeFolder('runs')
assert.equal((await runMain(['run', pipeline, '--dir', whole, '--workers', '1'])).status, 0)

type Edit = (dir: string) => Promise<unknown>

const editJson = async (path: string, edit: (value: Record<string, unknown>) => void) => {
  const value = JSON.parse(await readFile(path, 'utf8'))
  edit(value)
  await writeFile(path, JSON.stringify(value))
}
const withRunFile =
  (fields: object): Edit =>
  dir =>
    editJson(join(dir, 'run.json'), run => Object.assign(run, fields))
const idOf = (name: string) => `id-${name}`

/** A folder of runs: `a`, and `b` as `edit` makes it. */
async function makeRuns(edit: Edit = async () => {}): Promise<string> {
  const folder = makeFolder('runs')
  for (const name of ['a', 'b']) {
    await cp(join(whole, 'test'), join(folder, name), { recursive: true })
    await withRunFile({ id: idOf(name) })(join(folder, name))
  }
  await edit(join(folder, 'b'))
  return folder
}

const runOf = (name: string) => ({ run: `../${name}`, id: idOf(name), fingerprint: 'f' })
const rows = { covered: 1, swapped: 0, leftOut: 0, backfilled: 0, fed: 1 }
const selection = `promoted/${'0'.repeat(64)}.jsonl`
const promoting = { step: 1, promote: { from: runOf('b'), to: runOf('a'), backfill: {}, selection, rows } }
const references: [what: string, edit: Edit, note: RegExp][] = [
  ['a replay', withRunFile({ base: { dir: '../a', id: idOf('a') } }), /b needs the rows of a\n/],
  [
    'a feed that was promoted',
    dir => writeFile(join(dir, 'feed', 'control.json'), JSON.stringify([promoting])),
    /b needs the shards of a\n/,
  ],
  [
    'a feed that was forked',
    dir => editJson(join(dir, 'feed', 'head.json'), head => Object.assign(head, { shards: '../../a/shards' })),
    /b needs the shards of a\n/,
  ],
]
for (const [what, edit, note] of references)
  test(`${what} needs the other run, which is not removed before it`, async () => {
    const folder = await makeRuns(edit)
    const before = await hashFiles(folder)
    const { status, out } = await runMain(['runs', '--dir', folder])
    assert.equal(status, 0)
    assert.match(out, note)
    const [a, b] = parseLines((await runMain(['runs', '--dir', folder, '--json'])).out)
    assert.deepEqual([a.neededBy, b.neededBy], [['b'], []])
    const refused = await runMain(['remove', 'a', '--dir', folder])
    assert.equal(refused.status, 64)
    assert.match(refused.err, /a is needed by b, which read its rows or shards: remove those first/)
    assert.deepEqual(await hashFiles(folder), before)
    for (const name of ['b', 'a']) assert.equal((await runMain(['remove', name, '--dir', folder])).status, 0)
    assert.deepEqual(await readdir(folder), [])
  })

test('a run is not removed while a replay in another folder refers to it', async () => {
  const [folder, elsewhere] = await Promise.all([makeRuns(), makeRuns()])
  const [base, replay] = [join(folder, 'a'), join(elsewhere, 'b')]
  await withRunFile({ base: { dir: relative(replay, base), id: idOf('a') } })(replay)
  await addReferrer(base, replay)
  const refused = await runMain(['remove', 'a', '--dir', folder])
  assert.equal(refused.status, 64)
  assert.ok(refused.err.includes(`a is needed by ${replay}, which read`), refused.err)
  assert.equal((await runMain(['remove', 'b', '--dir', elsewhere])).status, 0)
  assert.equal((await runMain(['remove', 'a', '--dir', folder])).status, 0)
})

test('runs are listed with how far they are and what they take, and one that is removed is gone with what went', async () => {
  const folder = await makeRuns()
  const rows = parseLines((await runMain(['runs', '--dir', folder, '--json'])).out)
  assert.deepEqual(
    rows.map(({ name, state, documents, problem }) => [name, state, documents, problem]),
    ['a', 'b'].map(name => [name, 'ended', corpus.documents, null]),
  )
  const bytes = rows[0].bytes as Record<string, number>
  assert.ok(bytes.log > 1000 && bytes.shards > 1000 && bytes.feed > 100, JSON.stringify(bytes))
  const { out, err, status } = await runMain(['remove', 'a', '--dir', folder])
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^removed \S+\/a: [\d.]+ kB \(log [\d.]+ kB, shards [\d.]+ kB, feed /)
  assert.deepEqual(await readdir(folder), ['b'])
  assert.match((await runMain(['runs', '--dir', folder])).out, /^run .*\nb +ended +\d+ +\d+ .*\n\n1 run, /)
})

const refusals: [what: string, name: string, status: number, message: RegExp, edit?: Edit][] = [
  ['a name that leads out', '..', 64, /'\.\.' is no name of a run/],
  ['a path', 'a/feed', 64, /'a\/feed' is no name of a run/],
  ['an empty name', '', 64, /'' is no name of a run/],
  ['a name that is no run', 'c', 66, /holds no run 'c'/],
  ['a folder that is no run', 'd', 66, /holds no run 'd'/, dir => mkdir(join(dir, '..', 'd'))],
  ['a run whose file is damaged', 'b', 65, /run\.json is no run file/, dir => writeFile(join(dir, 'run.json'), '{')],
  ['one beside such', 'a', 65, /whether b of the same folder need/, dir => writeFile(join(dir, 'run.json'), '{')],
  ['a spread run', 'b', 73, /is spread, and processes .* then add --force/, withRunFile({ spread: true })],
]
for (const [what, name, status, message, edit] of refusals)
  test(`not removed: ${what}`, async () => {
    const folder = await makeRuns(edit)
    const before = await hashFiles(folder)
    const refused = await runMain(['remove', name, '--dir', folder])
    assert.equal(refused.status, status)
    assert.match(refused.err, message)
    assert.deepEqual(await hashFiles(folder), before)
  })

test('a run at work is shown so, and is not removed', async () => {
  const folder = await makeRuns()
  await using _lock = await lockDirectory(join(folder, 'a'))
  const [a] = parseLines((await runMain(['runs', '--dir', folder, '--json'])).out)
  assert.equal(a.state, 'running')
  const { status, err } = await runMain(['remove', 'a', '--dir', folder])
  assert.equal(status, 73)
  assert.match(err, new RegExp(`a is in use by process ${process.pid} on ${hostname()}`))
})

test('a removal that is stopped at any step leaves a run whole or none, and the same command ends it', async () => {
  for (const fatal of ['aside', 'folder']) {
    const folder = await makeRuns()
    const stopped = removeRun(folder, 'a', false, step => {
      if (step === fatal) throw new Error('stopped')
    })
    await assert.rejects(stopped, /stopped/)
    const rows = parseLines((await runMain(['runs', '--dir', folder, '--json'])).out)
    assert.deepEqual(
      rows.map(({ name, state }) => `${name} ${state}`),
      [fatal === 'aside' ? 'a ended' : 'a removing', 'b ended'],
    )
    const report = await runMain(['report', '--dir', folder, '--run', 'a'])
    assert.equal(report.status, fatal === 'aside' ? 0 : 66)
    assert.match((await runMain(['remove', 'a', '--dir', folder])).out, /^removed .*: [\d.]+ kB/)
    assert.deepEqual(await readdir(folder), ['b'])
  }
})

test('what a stopped removal has left goes with the next run of that name, and not before', async () => {
  const folder = await makeRuns()
  await rename(join(folder, 'b'), join(folder, '.removed-a-0123abcd'))
  assert.equal((await runMain(['remove', 'b', '--dir', folder])).status, 66)
  assert.equal((await runMain(['remove', 'a', '--dir', folder])).status, 0)
  assert.deepEqual(await readdir(folder), [])
})

/** A run with its topics on the broker, of which nothing but the loader's first position is there. */
async function makeOnBroker(folder: string, name: string, id: string, place = name): Promise<void> {
  const run = JSON.parse(await readFile(join(whole, 'test', 'run.json'), 'utf8'))
  await mkdir(join(folder, place))
  const file = { ...run, id, log: `kafka://${broker}` }
  await writeFile(join(folder, place, 'run.json'), JSON.stringify(file))
  await using log = await openLog({ run: name }, options(), topicShapes(run))
  if (place !== name) return
  await using owner = await log.own('annotate')
  const note = bindNote('{}', bindingOf(file))
  await owner.commit({ positions: [{ partition: 0, offset: 0n, slot: 0, note }], appends: [] })
}

testOnBroker('on a broker its topics go with a run, and not those of another one that has taken its name', async () => {
  const folder = makeFolder('runs')
  const [name, other] = [newRun(), newRun()]
  await makeOnBroker(folder, name, 'first')
  await makeOnBroker(folder, other, 'other')
  // What a removal of an earlier run of this name has left names the same topics.
  await makeOnBroker(folder, other, 'earlier', `.removed-${other}-0123abcd`)
  const removed = await runMain(['remove', name, '--dir', folder])
  assert.match(removed.out, new RegExp(`deleted \\d+ topics: ${name}\\.annotate\\.splits, `))
  assert.equal(removed.err, '')
  await rename(join(folder, other), join(folder, 'elsewhere'))
  const left = await runMain(['remove', other, '--dir', folder])
  assert.deepEqual([left.status, /deleted/.test(left.out)], [0, false])
  assert.match(left.err, /the topics of this name are those of another run: they stay/)
  await rename(join(folder, 'elsewhere'), join(folder, other))
  const last = await runMain(['remove', other, '--dir', folder])
  assert.deepEqual([last.status, last.err, /deleted/.test(last.out)], [0, '', true])
  await using kafka = await KafkaLog.open(options(), { run: name })
  assert.equal(await kafka.partitionsOf(topics.scored), 0)
})
