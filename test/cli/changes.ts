import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { runMain } from './terminal.ts'

/** Where the runs to be changed are: the folder of the input, and a folder of each run by its name. */
export interface World {
  readonly corpus: string
  readonly home: string
}

/** A run that ended; one that stopped when all that was there was read; and that with nothing of it decided. */
export type Base = 'ended' | 'stopped' | 'measured'

/** How a pipeline's text is changed. */
export type Change = (text: string) => string
export const swap =
  (from: string, to: string): Change =>
  text => {
    assert.equal(text.split(from).length, 2, `'${from}' stands once in the pipeline`)
    return text.replace(from, to)
  }

export const textOf = ({ corpus }: World) => `import * as h from 'headrace'
export default h.pipeline('test')
  .from(h.jsonl(${JSON.stringify(join(corpus, 'in', '*.jsonl'))}))
  .annotate(h.normalize(), h.gopherQuality({ wordsMin: 20 }), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 256, batch: 4 })
`

export interface Case {
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

export const runFile = (edit: Change) => async (dir: string) =>
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
const release = (dir: string) => runMain(['release', '--dir', join(dir, '..'), '--who', 'ann', '--why', 'a mirror'])
async function damageLog(dir: string): Promise<void> {
  const folder = join(dir, 'log', 'annotate')
  const [name] = (await readdir(folder)).filter(file => file.endsWith('.journal'))
  const bytes = await readFile(join(folder, name))
  bytes[8] ^= 4
  await writeFile(join(folder, name), bytes)
}

export const goesOn = /^headrace run would fill shards again from slot 0 and read on at slot 3\.$/
const returns = /^headrace run would find that the run has ended, and return at once\.$/
const other = /^headrace run would be refused: the run in .* was begun with another pipeline: /
const inPlace = /With --upgrade it would be refused, too: the run in .* can't be upgraded in place: /
/** Every kind of change, what doctor says of it, and how the same start ends. */
export function changesOf(world: World): Record<string, Case> {
  const { corpus, home } = world
  const input = (name: string) => join(corpus, 'in', name)
  const addInput = () => writeFile(input('part-9.jsonl'), '{"text":"new"}\n')
  const editInput = () => appendFile(input('part-0.jsonl'), '{"text":"more"}\n')
  const holdIt = async (dir: string) => {
    const file = join(dir, '..', 'guarded.ts')
    await writeFile(file, guarded(textOf(world)))
    assert.equal((await runMain(['run', file, '--dir', join(dir, '..'), '--workers', '1'])).status, 3)
  }
  return {
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
      args: ['--input', input('part-1.jsonl')],
      word: /^headrace run --input '.*part-1.jsonl' would be refused: .*input was \[\] and is \[".*add --upgrade/,
      exit: 64,
      upgrade: /With --upgrade the change would take effect at slot 3\.$/,
      upgradeExit: 0,
    },
    'input that is all gone': {
      base: 'ended',
      prepare: () => rm(join(corpus, 'in'), { recursive: true }),
      word: returns,
      exit: 0,
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
      change: swap('wordsMin: 20', "wordsMin: 20, stopWords: ['the']"),
      word: /annotate was /,
      exit: 64,
      upgrade: /With --upgrade the change would take effect at slot 3\.$/,
      upgradeExit: 0,
    },
    "an annotator's option, with slots to decide": {
      base: 'measured',
      change: swap('wordsMin: 20', "wordsMin: 20, stopWords: ['the']"),
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
      word: /would be refused: there is no pipeline file/,
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
      prepare: runFile(swap('{\n  "version": 1', '{\n  "version": 9')),
      word: /no run file of this version/,
      exit: 65,
    },
    'run.json, with a field of a newer version': {
      base: 'stopped',
      prepare: runFile(swap('{\n  "version": 1', '{\n  "version": 1, "later": {}')),
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
      word: /would decide the [34] slots that are measured/,
      exit: 0,
    },
    'a guard rail that held it, with a wider band': {
      base: 'measured',
      change: wider,
      prepare: holdIt,
      word: /would decide the [34] slots that are measured/,
      exit: 0,
    },
    'a guard rail that held it, taken away': {
      base: 'measured',
      prepare: holdIt,
      word: /would decide the [34] slots that are measured/,
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
      prepare: dir => cp(join(home, 'stopped', 'test', 'state'), join(dir, 'state'), { recursive: true }),
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
}
