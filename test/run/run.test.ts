import assert from 'node:assert/strict'
import { appendFile, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import { runMain } from '../cli/terminal.ts'
import { randomFrom } from '../random.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import * as fixture from './fixture.ts'
import { type Corpus, hashOutput, runUntilCommit, smallSlots, writeCorpus, writePipeline } from './fixture.ts'

// Whole runs of the real command over a made corpus of some 20 small slots: what a user gets, whatever happens on the way.
const seed = Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${seed}`)
let corpus: Corpus
let pipeline: string
/** The output of an undisturbed run with one worker. */
let expected: Record<string, string>
let figures: { documents: number; kept: number; dropped: Record<string, number>; dead: number }
let referenceDir: string

const small = { ...smallSlots, shardSlotsMax: 4 }
setLimits(small)
const runHeadrace = (args: readonly string[]) => fixture.runHeadrace(args, undefined, small)

before(async () => {
  corpus = await writeCorpus({ seed: 1, files: 6, documentsPerFile: 60 })
  pipeline = await writePipeline(corpus.dir)
  referenceDir = makeFolder('reference')
  const { status, out, err } = await runMain(['run', pipeline, '--dir', referenceDir, '--workers', '1', '--json'])
  assert.equal(status, 0, err)
  figures = JSON.parse(out.trim().split('\n').at(-1)!)
  expected = await hashOutput(join(referenceDir, 'test'))
})

test('every record is kept, dropped or dead, and the broken lines are the dead ones', () => {
  const dropped = Object.values(figures.dropped).reduce((a, b) => a + b, 0)
  assert.equal(figures.documents, corpus.documents)
  assert.equal(figures.kept + dropped + figures.dead, figures.documents)
  assert.equal(figures.dead, corpus.broken)
  assert.ok(
    figures.dropped['exact-duplicate'] > 10 && figures.dropped['near-duplicate'] > 10,
    JSON.stringify(figures.dropped),
  )
})

test('fates has one line for each record, and each duplicate names a kept document', async () => {
  const { out, status } = await runMain(['fates', '--dir', referenceDir])
  assert.equal(status, 0)
  const fates = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.equal(fates.length, corpus.documents)
  assert.equal(new Set(fates.map(fate => `${fate.file}:${fate.line}`)).size, corpus.documents)
  const kept = new Set(fates.filter(fate => fate.fate === 'kept').map(fate => fate.id))
  const duplicates = fates.filter(fate => fate.duplicateOf !== null)
  assert.ok(duplicates.length > 20)
  assert.deepEqual(
    duplicates.filter(fate => !kept.has(fate.duplicateOf)),
    [],
  )
})

test('two workers write the same bytes as one', async () => {
  const dir = makeFolder('two')
  assert.equal((await runMain(['run', pipeline, '--dir', dir, '--workers', '2', '--json'])).status, 0)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

test('killed behind commits at random and started again, the bytes are the same', async () => {
  const dir = makeFolder('killed')
  const random = randomFrom(seed)
  const args = ['run', pipeline, '--dir', dir, '--workers', '2', '--json']
  for (const [life, stage] of (['annotate', 'shard', 'decide', 'shard'] as const).entries()) {
    // A commit has one slot or more, so that a later life may have fewer, and ends.
    const commits = life === 0 ? 1 : 2 + Math.floor(random() * 2)
    const stop = { runDir: join(dir, 'test'), signal: 'SIGKILL', small, stage, commits } as const
    const { signal, status, err } = await runUntilCommit(args, stop)
    assert.ok(signal === 'SIGKILL' || (life > 0 && status === 0), err)
  }
  const { status, err } = await runMain(args)
  assert.equal(status, 0, err)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

test('a signal drains: the run stops with what it read finished, and goes on to the same bytes', async () => {
  const dir = makeFolder('drained')
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
  const drained = await runUntilCommit(args, { runDir: join(dir, 'test'), signal: 'SIGINT', small })
  assert.equal(drained.status, 130, drained.err)
  assert.match(drained.err, /finishing what was read/)
  const { documents } = JSON.parse(drained.out.trim().split('\n').at(-1)!)
  assert.ok(documents > 0 && documents < corpus.documents, `${documents} documents when drained`)
  assert.equal((await runMain(args)).status, 0)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

test('a run that has ended is left as it is, and says the same figures', async () => {
  const { status, out } = await runMain(['run', pipeline, '--dir', referenceDir, '--json'])
  assert.equal(status, 0)
  const again = JSON.parse(out.trim().split('\n').at(-1)!)
  assert.deepEqual(
    [again.documents, again.kept, again.dropped, again.dead],
    [figures.documents, figures.kept, figures.dropped, figures.dead],
  )
  assert.deepEqual(await hashOutput(join(referenceDir, 'test')), expected)
})

test('files that came after a run had ended are not read, and it says so', async () => {
  const added = join(corpus.dir, 'part-99.jsonl')
  await writeFile(added, '{"text":"late"}\n')
  const { status, out, err } = await runMain(['run', pipeline, '--dir', referenceDir, '--json'])
  await unlink(added)
  assert.equal(status, 0)
  assert.match(err, /had ended before a file of its input came; begin another with --run NAME/)
  assert.equal(JSON.parse(out.trim().split('\n').at(-1)!).documents, corpus.documents)
})

test('a second process on the same run is refused with who holds it', async () => {
  const dir = makeFolder('shared')
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
  await mkdir(join(dir, 'test'))
  {
    await using _held = await lockDirectory(join(dir, 'test'))
    const { status, err } = await runHeadrace(args)
    assert.equal(status, 73, err)
    assert.match(err, new RegExp(`in use by process ${process.pid} `))
  }
  assert.equal((await runMain(args)).status, 0)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

test('a file that changed under its name is refused, naming it', async () => {
  const other = await writeCorpus({ seed: 2, files: 6, documentsPerFile: 60 })
  const file = await writePipeline(other.dir)
  const dir = makeFolder('changed')
  const args = ['run', file, '--dir', dir, '--workers', '1', '--json']
  const first = await runUntilCommit(args, { runDir: join(dir, 'test'), signal: 'SIGINT', small })
  assert.equal(first.status, 130, first.err)
  await appendFile(join(other.dir, 'part-1.jsonl'), '{"text":"more"}\n')
  const { status, err } = await runMain(args)
  assert.equal(status, 65, err)
  assert.match(err, /part-1\.jsonl changed since this run began/)
})

test('another pipeline on the same run is refused, saying what changed', async () => {
  const text = await readFile(pipeline, 'utf8')
  const other = join(corpus.dir, 'other.ts')
  await writeFile(other, text.replace('h.maskPii(), ', ''))
  const { status, err } = await runMain(['run', other, '--dir', referenceDir, '--json'])
  assert.equal(status, 64)
  assert.match(err, /begun with another pipeline: annotate was/)
})

const usage: [args: string[], status: number, message: RegExp][] = [
  [['run'], 64, /takes PIPELINE, and got nothing/],
  [['run', 'nowhere.ts'], 66, /no pipeline file nowhere\.ts/],
  [['run', 'x.ts', '--speed', '9'], 64, /unknown option '--speed'.*it knows --input/],
  [['run', 'PIPELINE', '--workers', '0'], 64, /--workers is '0'; it takes a whole number of at least 1/],
  [['run', 'PIPELINE', '--input', 'nothing-*.jsonl'], 66, /nothing-\*\.jsonl/],
  [['rum'], 64, /no command 'rum'; the commands are try, /],
  [['report', '--dir', 'nowhere'], 66, /nowhere holds no run/],
]
for (const [args, status, message] of usage)
  test(`headrace ${args.join(' ')} says what is wrong`, async () => {
    const dir = makeFolder('usage')
    const given = args.map(arg => (arg === 'PIPELINE' ? pipeline : arg))
    const finished = await runMain(args[0] === 'run' && given.includes(pipeline) ? [...given, '--dir', dir] : given)
    assert.equal(finished.status, status, finished.err)
    assert.match(finished.err, message)
    assert.equal(finished.err.trim().split('\n').length, 1, 'one paragraph')
  })
