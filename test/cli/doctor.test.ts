import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RunReader } from '../../src/record/run-reader.ts'
import { follow, hashOutput, writeCorpus } from '../run/fixture.ts'
import { sweepOf } from '../sweep.ts'
import { makeFolder } from '../temporary.ts'
import { type Case, changesOf, textOf, type World } from './changes.ts'
import { foreignChangesOf } from './foreign-changes.ts'
import { runMain } from './terminal.ts'

// What doctor says of every kind of change to a run, and what the same start then does: they must not part.

const { dir: corpus } = await writeCorpus({ seed: 21, files: 3, documentsPerFile: 40 })
const home = makeFolder('doctor')
const world: World = { corpus, home }
after(async () => {
  for (const dir of [corpus, home]) await rm(dir, { recursive: true, force: true })
})
await makeRuns()
const cases = { ...changesOf(world), ...foreignChangesOf(world) }

async function makeRuns(): Promise<void> {
  await mkdir(join(corpus, 'in'))
  for (const file of await readdir(corpus))
    if (file.endsWith('.jsonl')) await rename(join(corpus, file), join(corpus, 'in', file))
  const pipeline = join(home, 'pipeline.ts')
  await writeFile(pipeline, textOf(world))
  const args = ['run', pipeline, '--workers', '1', '--json']
  assert.equal((await runMain([...args, '--dir', join(home, 'ended')])).status, 0)
  const stopped = join(home, 'stopped')
  const { status, err } = await follow([...args, '--dir', stopped], () => untilDecided(join(stopped, 'test'), 3))
  assert.equal(status, 130, err)
  await cp(stopped, join(home, 'measured'), { recursive: true })
  for (const part of ['log/decide', 'log/shard', 'state', 'shards', 'feed'])
    await rm(join(home, 'measured', 'test', part), { recursive: true, force: true })
  await cp(join(corpus, 'in'), join(corpus, 'kept'), { recursive: true })
}

async function untilDecided(dir: string, slots: number): Promise<void> {
  for (let decided = 0; decided < slots; ) {
    await new Promise(resolve => setTimeout(resolve, 20))
    const run = await RunReader.open(dir).catch(() => null)
    decided = (await run?.log.position('decide', 0).catch(() => null))?.slot ?? 0
    await run?.[Symbol.asyncDispose]()
  }
}

/** A run that was changed, to be looked at and started. */
async function prepare({ base, change = text => text, prepare }: Case): Promise<string> {
  const dir = makeFolder('changed')
  await cp(join(home, base), dir, { recursive: true })
  const pipeline = join(dir, 'pipeline.ts')
  await writeFile(pipeline, change(textOf(world)))
  await prepare?.(join(dir, 'test'))
  return dir
}

interface Foretold {
  readonly exit: number
  readonly word: string
  readonly refusal: string | null
  readonly upgrade: { readonly from: number | null; readonly refusal: string | null } | null
}

/** What doctor says: one that can't read the run has the run's own error. */
async function askDoctor(dir: string, args: readonly string[]): Promise<Foretold> {
  const named = join(dir, 'pipeline.ts')
  const { status, out, err } = await runMain(['doctor', named, '--dir', dir, '--run', 'test', '--json', ...args])
  if (status !== 0) {
    const word = err.replace(/^headrace doctor: /, '').trimEnd()
    return { exit: status, word, refusal: word, upgrade: null }
  }
  const { exit, next, refusal, upgrade } = JSON.parse(out)
  return { exit, word: next, refusal, upgrade }
}

/** Whether a start did what was foretold: its status, and the words of what ended it. */
function compare({ exit, refusal }: Pick<Foretold, 'exit' | 'refusal'>, done: { status: number; err: string }): void {
  assert.equal(done.status, exit, done.err)
  if (exit !== 0) assert.equal(done.err.slice(-refusal!.length - 1), `${refusal}\n`)
}

const start = (dir: string, args: readonly string[]) =>
  runMain(['run', join(dir, 'pipeline.ts'), '--dir', dir, '--workers', '1', '--json', ...args])

for (const [name, one] of sweepOf(Object.entries(cases)))
  test(`what doctor says is what run does: ${name}`, async () => {
    const dir = await prepare(one)
    const upgraded = `${dir}-upgraded`
    try {
      const foretold = await askDoctor(dir, one.args ?? [])
      assert.match(foretold.word, one.word)
      assert.equal(foretold.exit, one.exit)
      if (one.upgrade) assert.match(foretold.word, one.upgrade)
      else assert.equal(foretold.upgrade, null)
      await cp(dir, upgraded, { recursive: true })
      const done = await start(dir, one.args ?? [])
      compare(foretold, done)
      if (one.upgrade) await compareUpgrade(one, foretold, dir, upgraded)
    } finally {
      for (const folder of [dir, upgraded]) await rm(folder, { recursive: true, force: true })
      await rm(join(corpus, 'in'), { recursive: true, force: true })
      await cp(join(corpus, 'kept'), join(corpus, 'in'), { recursive: true, preserveTimestamps: true })
    }
  })

/** The same start with --upgrade, beside the one that was refused: it left the run as it was. */
async function compareUpgrade(one: Case, { upgrade }: Foretold, dir: string, upgraded: string): Promise<void> {
  const runOf = async (folder: string) => JSON.parse(await readFile(join(folder, 'test', 'run.json'), 'utf8'))
  assert.deepEqual(await runOf(dir), await runOf(upgraded))
  const done = await start(dir, [...(one.args ?? []), '--upgrade'])
  compare({ exit: one.upgradeExit!, refusal: upgrade!.refusal }, done)
  if (done.status === 0) assert.equal((await runOf(dir)).segments.at(-1).from, upgrade!.from)
}

test('a run without its run.json is none to doctor, and does not begin again on what it left', async () => {
  const dir = await prepare({ base: 'stopped', word: /./, exit: 0 })
  await cp(join(home, 'ended', 'test', 'shards'), join(dir, 'test', 'shards'), { recursive: true })
  const before = await hashOutput(join(dir, 'test'))
  await rm(join(dir, 'test', 'run.json'))
  const { status, err } = await runMain(['doctor', '--dir', dir, '--run', 'test'])
  assert.deepEqual([status, err.includes("holds no run 'test'")], [66, true])
  const done = await start(dir, [])
  assert.equal(done.status, 65)
  assert.match(done.err, /has no run\.json, and log, state, shards of a run: restore run\.json from a copy/)
  assert.deepEqual(await hashOutput(join(dir, 'test')), before)
})

test('a doctor that knows less than run is caught', async () => {
  const dir = await prepare(cases['the length of the feed, ended'])
  const done = await start(dir, [])
  const { refusal, exit } = await askDoctor(dir, [])
  compare({ refusal, exit }, done)
  // It looked at fingerprints alone, and advised an upgrade that is refused.
  assert.throws(() => compare({ refusal: null, exit: 0 }, done))
  assert.throws(() => compare({ refusal: `${refusal}; add --upgrade`, exit }, done))
})
