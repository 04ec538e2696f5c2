import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { before } from 'node:test'
import { KafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { topics } from '../../src/record/layout.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readBySlot } from '../../src/record/slots.ts'
import { broker, newRun, options, testOnBroker } from '../log/kafka/broker.ts'
import { makeFolder } from '../temporary.ts'
import { hashOutput, runHeadrace, smallSlots, writeCorpus, writePipeline } from './fixture.ts'

// Runs that store the kept or none of their texts, with their logs on a real broker: the bytes of one that stores all in its folder.
const modes = ['all', 'kept', 'none'] as const
type Mode = (typeof modes)[number]
const tokenizers = ['gpt2', 'cl100k_base'] as const
let corpus: string
let pipelines: Record<string, string>
let expected: Record<string, Record<string, string>>
const partitions = 3
const log = ['--log', `kafka://${broker}`, '--partitions', String(partitions)]

const command = async (args: readonly string[]) => {
  const { status, err } = await runHeadrace(args, undefined, smallSlots)
  assert.equal(status, 0, err)
}
const begin = () => {
  const name = newRun()
  const dir = makeFolder('run')
  return { dir: join(dir, name), args: ['--dir', dir, '--run', name, '--workers', '1', '--json'] }
}

before(async () => {
  if (!broker) return
  const written = await writeCorpus({ seed: 6, files: 4, documentsPerFile: 60 })
  corpus = join(written.dir, 'input')
  await mkdir(corpus)
  for (const name of (await readdir(written.dir)).filter(name => name.includes('.jsonl')))
    await rename(join(written.dir, name), join(corpus, name))
  const body = (await readFile(await writePipeline(corpus), 'utf8')).trimEnd()
  pipelines = {}
  expected = {}
  for (const tokenizer of tokenizers) {
    for (const mode of modes) {
      const module = join(written.dir, `${mode}-${tokenizer}.ts`)
      const text = body.replace("tokenize('gpt2')", `tokenize('${tokenizer}')`)
      await writeFile(module, `${text}\n  .store({ text: '${mode}' })\n`)
      pipelines[`${mode} ${tokenizer}`] = module
    }
    const { dir, args } = begin()
    await command(['run', pipelines[`all ${tokenizer}`], ...args])
    expected[tokenizer] = await hashOutput(dir)
  }
})

/** What processes a run has: each what it is given besides. */
const processes: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'one process': [[]],
  'two that share it': [['--spread'], ['--spread']],
  'two, of which one annotates': [
    ['--spread', '--stages', 'load,decide,shard'],
    ['--spread', '--stages', 'annotate'],
  ],
}

/** How many slots have texts in the topic of these, and how many rows have theirs for good. */
async function standOf(dir: string) {
  await using kafka = await KafkaLog.open(options(), { run: basename(dir), inputs: {}, spread: [] })
  const left = await Array.fromAsync(readBySlot(kafka, topics.texts, partitions))
  await using run = await RunReader.open(dir)
  const stand = { left: left.length, kept: 0, measured: 0 }
  for await (const { slot, scored } of run.slots()) {
    const kept = (await run.kept(slot))!
    if (kept.columns.text) stand.kept += kept.rows
    if (scored.columns.text) stand.measured += scored.rows
  }
  return stand
}

async function check(dir: string, mode: Mode, tokenizer: string): Promise<void> {
  assert.deepEqual(await hashOutput(dir), expected[tokenizer])
  await command(['verify', '--dir', dirname(dir), '--run', basename(dir)])
  const { left, kept, measured } = await standOf(dir)
  assert.deepEqual(
    [left, kept > 50, measured],
    [0, mode === 'kept', 0],
    'slots with texts, kept rows with texts, others',
  )
}

for (const mode of ['kept', 'none'] as const)
  for (const [how, members] of Object.entries(processes))
    testOnBroker(`${mode}, ${how}, killed and gone on with: the bytes of a run, and no text is left over`, async () => {
      const { dir, args } = begin()
      const commands = members.map(more => ['run', pipelines[`${mode} gpt2`], ...args, ...log, ...more])
      const kill = (one: readonly string[], ms: number) =>
        runHeadrace(one, child => setTimeout(() => child.kill('SIGKILL'), ms), smallSlots)
      for (let kills = 0; kills < 3; kills++) await Promise.all(commands.map(one => kill(one, 900 + 400 * kills)))
      await Promise.all(commands.map(command))
      await check(dir, mode, 'gpt2')
    })

for (const mode of ['kept', 'none'] as const)
  testOnBroker(`${mode}: a replay of one, by one process and by two: the bytes of a run`, async () => {
    const of = begin()
    await command(['run', pipelines[`${mode} gpt2`], ...of.args, ...log, '--spread'])
    for (const members of [[[]], [['--spread'], ['--spread']]]) {
      const { dir, args } = begin()
      const replay = ['replay', of.dir, pipelines[`${mode} cl100k_base`], ...args, ...log]
      await Promise.all(members.map(more => command([...replay, ...more])))
      await check(dir, mode, 'cl100k_base')
    }
  })

/** Which texts a run with another tokenizer needs of the source, with the input not there where it is decided and sharded. */
const away: readonly [Mode, status: number, says: RegExp][] = [
  [
    'none',
    65,
    /3 more, of 4 that this run has met, can't be found.*; deciding and sharding read texts from it, so start/,
  ],
  ['kept', 0, /the first document whose text is stored nowhere will stop this process: .*can't be found/],
]
for (const [mode, status, says] of away)
  testOnBroker(`${mode}: that the input is not where texts may be read from it is said before any work`, async () => {
    const [of, { dir, args }] = [begin(), begin()]
    await command(['run', pipelines[`${mode} gpt2`], ...of.args])
    await rename(corpus, `${corpus}-away`)
    try {
      const replay = ['replay', of.dir, pipelines[`${mode} cl100k_base`], ...args, ...log, '--spread']
      const found = await runHeadrace(replay, undefined, smallSlots)
      assert.equal(found.status, status, found.err)
      assert.match(found.err, says)
    } finally {
      await rename(`${corpus}-away`, corpus)
    }
    if (status === 0) return check(dir, mode, 'cl100k_base')
    await using run = await RunReader.open(dir)
    assert.equal((await run.log.position('load', 0)).slot, 0)
  })
