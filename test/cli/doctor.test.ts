import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { RunReader } from '../../src/record/run-reader.ts'
import { follow, hashOutput, makeDir, writeCorpus } from '../run/fixture.ts'
import { runMain } from './terminal.ts'

// Every kind of change to a run, what doctor says of it, and what the same start then does: they must not part.

/** How a pipeline's text is changed. */
type Change = (text: string) => string
const swap =
  (from: string, to: string): Change =>
  text => {
    assert.equal(text.split(from).length, 2, `'${from}' stands once in the pipeline`)
    return text.replace(from, to)
  }

let corpus: string
let home: string
/** A run that ended; one that stopped when all that was there was read; and that with nothing of it decided. */
const bases = ['ended', 'stopped', 'measured'] as const
type Base = (typeof bases)[number]

const textOf = () => `import * as h from 'headrace'
export default h.pipeline('test')
  .from(h.jsonl(${JSON.stringify(join(corpus, 'in', '*.jsonl'))}))
  .annotate(h.normalize(), h.gopherQuality({ wordsMin: 20 }), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 256, batch: 4 })
`

before(async () => {
  const { dir } = await writeCorpus({ seed: 21, files: 3, documentsPerFile: 40 })
  corpus = dir
  home = await makeDir('doctor')
  await mkdir(join(corpus, 'in'))
  for (const file of await readdir(corpus))
    if (file.endsWith('.jsonl')) await rename(join(corpus, file), join(corpus, 'in', file))
  const pipeline = join(home, 'pipeline.ts')
  await writeFile(pipeline, textOf())
  const args = ['run', pipeline, '--workers', '1', '--json']
  assert.equal((await runMain([...args, '--dir', join(home, 'ended')])).status, 0)
  const stopped = join(home, 'stopped')
  const { status, err } = await follow([...args, '--dir', stopped], () => untilDecided(join(stopped, 'test'), 3))
  assert.equal(status, 130, err)
  await cp(stopped, join(home, 'measured'), { recursive: true })
  for (const part of ['log/decide', 'log/shard', 'state', 'shards', 'feed'])
    await rm(join(home, 'measured', 'test', part), { recursive: true, force: true })
  await cp(join(corpus, 'in'), join(corpus, 'kept'), { recursive: true })
})
after(async () => {
  for (const dir of [corpus, home]) await rm(dir, { recursive: true, force: true })
})

async function untilDecided(dir: string, slots: number): Promise<void> {
  for (let decided = 0; decided < slots; ) {
    await new Promise(resolve => setTimeout(resolve, 20))
    const run = await RunReader.open(dir).catch(() => null)
    decided = (await run?.log.position('decide', 0).catch(() => null))?.slot ?? 0
    await run?.[Symbol.asyncDispose]()
  }
}

interface Case {
  readonly base: Base
  /** Changes the pipeline. */
  readonly change?: Change
  /** Changes the input, or the folder of the run. */
  readonly prepare?: (dir: string) => Promise<unknown>
  readonly args?: readonly string[]
  /** What doctor says, and how the run ends. */
  readonly word: RegExp
  readonly exit: number
  /** What it says of --upgrade, and how the run with it ends: default nothing. */
  readonly upgrade?: RegExp
  readonly upgradeExit?: number
}

const input = (name: string) => join(corpus, 'in', name)
const addInput = () => writeFile(input('part-9.jsonl'), '{"text":"new"}\n')
const editInput = () => appendFile(input('part-0.jsonl'), '{"text":"more"}\n')
const runFile = (edit: Change) => async (dir: string) =>
  writeFile(join(dir, 'run.json'), edit(await readFile(join(dir, 'run.json'), 'utf8')))
const lock = (pid: number) => (dir: string) =>
  writeFile(join(dir, 'lock'), JSON.stringify({ pid, started: '', host: hostname(), id: 'x' }))
const gone = spawnSync(process.execPath, ['--version']).pid
const guarded = swap(
  '256, batch: 4 })',
  "256, batch: 4 })\n  .guard({ by: 'all', above: 0, rowsMin: 1, windowSlots: 1 })",
)
const wider = swap(
  '256, batch: 4 })',
  "256, batch: 4 })\n  .guard({ by: 'all', above: 1, rowsMin: 1, windowSlots: 1 })",
)
const holdIt = async (dir: string) => {
  const file = join(dir, '..', 'guarded.ts')
  await writeFile(file, guarded(textOf()))
  assert.equal((await runMain(['run', file, '--dir', join(dir, '..'), '--workers', '1'])).status, 3)
}
const release = (dir: string) => runMain(['release', '--dir', join(dir, '..'), '--who', 'ann', '--why', 'a mirror'])
const tablesOf = (base: Base, dir: string) =>
  cp(join(home, base, 'test', 'state'), join(dir, 'state'), { recursive: true })
async function damageLog(dir: string): Promise<void> {
  const folder = join(dir, 'log', 'annotate')
  const [name] = (await readdir(folder)).filter(file => file.endsWith('.journal'))
  const bytes = await readFile(join(folder, name))
  bytes[8] ^= 4
  await writeFile(join(folder, name), bytes)
}

const goesOn = /^headrace run would fill shards again from slot 0 and read on at slot 3\.$/
const returns = /^headrace run would find that the run has ended, and return at once\.$/
const other = /^headrace run would be refused: the run in .* was begun with another pipeline: /
const inPlace = /With --upgrade it would be refused, too: the run in .* can't be upgraded in place: /
const cases: Record<string, Case> = {
  'nothing, of a run that ended': { base: 'ended', word: returns, exit: 0 },
  'nothing, of a run that stopped': { base: 'stopped', word: goesOn, exit: 0 },
  'nothing, of a run with slots to decide': { base: 'measured', word: /would decide the 3 slots that are /, exit: 0 },
  'the length of the feed, ended': {
    base: 'ended',
    change: swap('256', '512'),
    word: /feed was .*256.* and is .*512.*; begin another with --run NAME, or undo it\./,
    exit: 64,
    upgrade: inPlace,
    upgradeExit: 64,
  },
  'the length of the feed, stopped': {
    base: 'stopped',
    change: swap('256', '512'),
    word: other,
    exit: 64,
    upgrade: /can't be upgraded in place: feed was/,
    upgradeExit: 64,
  },
  'the tokenizer': {
    base: 'stopped',
    change: swap("'gpt2'", "'cl100k_base'"),
    word: /tokenizer was .*gpt2.* and is .*cl100k_base/,
    exit: 64,
    upgrade: inPlace,
    upgradeExit: 64,
  },
  'the kind of source': {
    base: 'stopped',
    change: text => text.replace(/h\.jsonl\(.*\)\)/, `h.textFolder(${JSON.stringify(join(corpus, 'text'))}))`),
    prepare: async () => {
      await mkdir(join(corpus, 'text'), { recursive: true })
      await writeFile(join(corpus, 'text', 'a.txt'), 'a text')
    },
    word: /source was "jsonl" and is "text"/,
    exit: 64,
    upgrade: inPlace,
    upgradeExit: 64,
  },
  'a source that follows, of a run that ended': {
    base: 'ended',
    change: swap('*.jsonl")', '*.jsonl", { follow: true })'),
    word: /has ended and can't follow further files/,
    exit: 64,
  },
  'other input': {
    base: 'stopped',
    args: ['--input', '{}'],
    word: /^headrace run --input '.*part-1.jsonl' would be refused: .*input was \[\] and is \[".*add --upgrade/,
    exit: 64,
    upgrade: /With --upgrade the change would take effect at slot 3\.$/,
    upgradeExit: 0,
  },
  'input that is all gone': {
    base: 'ended',
    prepare: () => rm(join(corpus, 'in'), { recursive: true }),
    word: /would be refused: .*in\/\*\.jsonl/,
    exit: 66,
  },
  'a file that changed': { base: 'stopped', prepare: editInput, word: /part-0\.jsonl changed since/, exit: 65 },
  'a file that changed after the end': { base: 'ended', prepare: editInput, word: returns, exit: 0 },
  'a file that came': { base: 'stopped', prepare: addInput, word: goesOn, exit: 0 },
  'a file that came after the end': {
    base: 'ended',
    prepare: addInput,
    word: /return at once\. It would leave out a file of its input that came after the end/,
    exit: 0,
  },
  rules: {
    base: 'stopped',
    change: swap('h.rules()', 'h.rules({ gopherWords: { below: 50 } })'),
    word: /decide was .*add --upgrade/,
    exit: 64,
    upgrade: /With --upgrade the change would take effect at slot 3\.$/,
    upgradeExit: 0,
  },
  'rules, with slots to decide': {
    base: 'measured',
    change: swap('h.rules()', 'h.rules({ gopherWords: { below: 50 } })'),
    word: other,
    exit: 64,
    upgrade: /With --upgrade the change would take effect at slot 0\.$/,
    upgradeExit: 0,
  },
  'rules, of a run that ended': {
    base: 'ended',
    change: swap('h.rules()', 'h.rules({ gopherWords: { below: 50 } })'),
    word: other,
    exit: 64,
    upgrade: /can't be upgraded in place: it has ended/,
    upgradeExit: 64,
  },
  'rules, with input that changed': {
    base: 'stopped',
    change: swap('h.rules()', 'h.rules({ gopherWords: { below: 50 } })'),
    prepare: editInput,
    word: other,
    exit: 64,
    upgrade: /With --upgrade it would be refused, too: .*part-0\.jsonl changed since/,
    upgradeExit: 65,
  },
  "an annotator's option": {
    base: 'stopped',
    change: swap('wordsMin: 20', 'wordsMin: 30'),
    word: /annotate was /,
    exit: 64,
    upgrade: /With --upgrade the change would take effect at slot 3\.$/,
    upgradeExit: 0,
  },
  "an annotator's option, with slots to decide": {
    base: 'measured',
    change: swap('wordsMin: 20', 'wordsMin: 30'),
    word: /annotate was /,
    exit: 64,
    upgrade: /refused, too: .* has slots 0 to 2 measured by the old pipeline and not decided: run that with --drain/,
    upgradeExit: 64,
  },
  'the shapes of tables': {
    base: 'stopped',
    change: swap('h.nearDuplicates()', "h.nearDuplicates({ scope: 'domain' })"),
    word: other,
    exit: 64,
    upgrade: /can't be upgraded in place: the deciders' tables would change/,
    upgradeExit: 64,
  },
  'a pipeline with a mistake': {
    base: 'stopped',
    change: swap("'gpt2'", "'gpt9'"),
    word: /gpt9/,
    exit: 64,
  },
  'a pipeline that is gone': {
    base: 'stopped',
    prepare: dir => rm(join(dir, '..', 'pipeline.ts')),
    word: /would be refused: the pipeline of this run is gone/,
    exit: 66,
  },
  'run.json, damaged': {
    base: 'stopped',
    prepare: runFile(text => text.slice(0, 99)),
    word: /no run file of/,
    exit: 65,
  },
  'run.json, newer': {
    base: 'stopped',
    prepare: runFile(swap('"version": 1', '"version": 9')),
    word: /no run file of this version/,
    exit: 65,
  },
  'run.json, with a field of a newer version': {
    base: 'stopped',
    prepare: runFile(swap('"version": 1', '"version": 1, "later": {}')),
    word: goesOn,
    exit: 0,
  },
  'a guard rail that holds it': {
    base: 'measured',
    change: guarded,
    prepare: holdIt,
    word: /^headrace run would stop again at slot 0, with exit status 3, until it is released\.$/,
    exit: 3,
  },
  'a guard rail that held it, released': {
    base: 'measured',
    prepare: dir => holdIt(dir).then(() => release(dir)),
    word: /would decide the 4 slots that are measured/,
    exit: 0,
  },
  'a guard rail that held it, with a wider band': {
    base: 'measured',
    change: wider,
    prepare: holdIt,
    word: /would decide the 4 slots that are measured/,
    exit: 0,
  },
  'a guard rail that held it, taken away': {
    base: 'measured',
    prepare: holdIt,
    word: /would decide the 4 slots that are measured/,
    exit: 0,
  },
  'a hold that is damaged': {
    base: 'stopped',
    prepare: dir => writeFile(join(dir, 'hold.json'), '{'),
    word: /would be refused: .*hold\.json is no hold/,
    exit: 65,
  },
  'a release that is damaged': {
    base: 'stopped',
    prepare: async dir => {
      await mkdir(join(dir, 'inbox'))
      await writeFile(join(dir, 'inbox', 'a.release'), '{')
    },
    word: /would be refused: .*a\.release is no release/,
    exit: 65,
  },
  'a request that is damaged': {
    base: 'stopped',
    prepare: async dir => {
      await mkdir(join(dir, 'inbox'))
      await writeFile(join(dir, 'inbox', 'a.redrive'), '{}')
    },
    word: /would be refused: .*a\.redrive is no request/,
    exit: 65,
  },
  'a process that holds it': {
    base: 'stopped',
    prepare: lock(process.pid),
    word: /would be refused: .* is in use by process \d+ on .*: wait for it, or stop it\.$/,
    exit: 73,
  },
  'a process that is gone': { base: 'stopped', prepare: lock(gone), word: goesOn, exit: 0 },
  'tables ahead of the log': {
    base: 'measured',
    prepare: dir => tablesOf('stopped', dir),
    word: /would be refused: the state in .* holds slots before 3 and the log only those before 0/,
    exit: 65,
  },
  'tables that are gone': {
    base: 'stopped',
    prepare: dir => rm(join(dir, 'state'), { recursive: true }),
    word: /^headrace run would enter 3 slots into the tables again, fill shards again from slot 0 and read on at slot 3\.$/,
    exit: 0,
  },
  'a log that is damaged': {
    base: 'stopped',
    prepare: damageLog,
    word: /would be refused: .*log\/annotate\/.* is damaged at byte \d+/,
    exit: 65,
  },
  'a feed that is damaged': {
    base: 'ended',
    prepare: dir => writeFile(join(dir, 'feed', 'head.json'), '{'),
    word: /would be refused: .*feed\/head\.json is damaged/,
    exit: 65,
  },
}

/** A run that was changed, to be looked at and started. */
async function prepare({ base, change = text => text, prepare }: Case): Promise<string> {
  const dir = await makeDir('changed')
  await cp(join(home, base), dir, { recursive: true })
  const pipeline = join(dir, 'pipeline.ts')
  await writeFile(pipeline, change(textOf()))
  const module = pathToFileURL(pipeline).href
  await runFile(text => text.replace(/"module": ".*"/, `"module": ${JSON.stringify(module)}`))(join(dir, 'test'))
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
  const { status, out, err } = await runMain(['doctor', '--dir', dir, '--run', 'test', '--json', ...args])
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

const argsOf = ({ args = [] }: Case) => args.map(arg => (arg === '{}' ? input('part-1.jsonl') : arg))
const start = (dir: string, args: readonly string[]) =>
  runMain(['run', join(dir, 'pipeline.ts'), '--dir', dir, '--workers', '1', '--json', ...args])

for (const [name, one] of Object.entries(cases))
  test(`what doctor says is what run does: ${name}`, async () => {
    const dir = await prepare(one)
    try {
      const foretold = await askDoctor(dir, argsOf(one))
      assert.match(foretold.word, one.word)
      assert.equal(foretold.exit, one.exit)
      if (one.upgrade) assert.match(foretold.word, one.upgrade)
      else assert.equal(foretold.upgrade, null)
      const upgraded = `${dir}-upgraded`
      await cp(dir, upgraded, { recursive: true })
      const done = await start(dir, argsOf(one))
      // The two commands name the pipeline's file each in its own way where it is gone.
      if (name === 'a pipeline that is gone') assert.equal(done.status, foretold.exit)
      else compare(foretold, done)
      if (one.upgrade) await compareUpgrade(one, foretold, dir, upgraded)
    } finally {
      await rm(join(corpus, 'in'), { recursive: true, force: true })
      await cp(join(corpus, 'kept'), join(corpus, 'in'), { recursive: true, preserveTimestamps: true })
    }
  })

/** The same start with --upgrade, beside the one that was refused: it left the run as it was. */
async function compareUpgrade(one: Case, { upgrade }: Foretold, dir: string, upgraded: string): Promise<void> {
  const runOf = async (folder: string) => JSON.parse(await readFile(join(folder, 'test', 'run.json'), 'utf8'))
  assert.deepEqual(await runOf(dir), await runOf(upgraded))
  const done = await start(dir, [...argsOf(one), '--upgrade'])
  compare({ exit: one.upgradeExit!, refusal: upgrade!.refusal }, done)
  if (done.status === 0) assert.equal((await runOf(dir)).segments.at(-1).from, upgrade!.from)
}

test('what a run without its run.json would do no doctor says: it begins, and comes to the same bytes', async () => {
  const dir = await prepare({ base: 'stopped', word: /./, exit: 0 })
  await rm(join(dir, 'test', 'run.json'))
  const { status, err } = await runMain(['doctor', '--dir', dir, '--run', 'test'])
  assert.deepEqual([status, err.includes("holds no run 'test'")], [66, true])
  compare({ exit: 0, refusal: null }, await start(dir, []))
  assert.deepEqual(await hashOutput(join(dir, 'test')), await hashOutput(join(home, 'ended', 'test')))
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
