import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before } from 'node:test'
import { broker, newRun, testOnBroker } from '../../log/kafka/broker.ts'
import { makeFolder } from '../../temporary.ts'
import { hashOutput, runHeadrace, smallSlots, writeCorpus, writePipeline } from '../fixture.ts'

// Replays of the real command, of runs and onto logs on a real broker and in folders: the bytes of a run of the changed pipeline.
let base: string
let changed: string
let expected: Record<string, string>
const log = `kafka://${broker}`

const bodyOf = (wordsMin: number) => (glob: string) =>
  `h.pipeline('test')
  .from(h.jsonl(${glob}))
  .annotate(h.normalize(), h.gopherQuality(), h.gate({ gopherWords: { below: ${wordsMin} } }), h.maskPii(), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 256, batch: 4 })`

const command = async (args: readonly string[]) => {
  const { status, err } = await runHeadrace(args, undefined, smallSlots)
  assert.equal(status, 0, err)
}
const begin = () => {
  const dir = makeFolder('replay')
  const name = newRun()
  return { dir: join(dir, name), args: ['--dir', dir, '--run', name, '--workers', '1', '--json'] }
}

before(async () => {
  if (!broker) return
  const corpus = await writeCorpus({ seed: 6, files: 4, documentsPerFile: 60 })
  base = await writePipeline(corpus.dir, bodyOf(300))
  changed = join(corpus.dir, 'changed.ts')
  await cp(await writePipeline(corpus.dir, bodyOf(150)), changed)
  await writePipeline(corpus.dir, bodyOf(300))
  const { dir, args } = begin()
  await command(['run', changed, ...args])
  expected = await hashOutput(dir)
})

const bases: Readonly<Record<string, readonly string[]>> = {
  'in its folder': [],
  'on Kafka, in 3 partitions': ['--log', log, '--partitions', '3'],
  'on Kafka, spread': ['--log', log, '--partitions', '3', '--spread'],
}
const logs: Readonly<Record<string, readonly string[]>> = { 'its folder': [], Kafka: ['--log', log] }

for (const [where, options] of Object.entries(bases))
  for (const [what, more] of Object.entries(logs))
    testOnBroker(
      `of a run with its log ${where}, onto ${what}, killed and gone on with: the bytes of a run`,
      async () => {
        const run = begin()
        await command(['run', base, ...run.args, ...options])
        const { dir, args } = begin()
        const replay = ['replay', run.dir, changed, ...args, ...more]
        for (let kills = 0; kills < 3; kills++)
          await runHeadrace(replay, child => setTimeout(() => child.kill('SIGKILL'), 700 + 200 * kills), smallSlots)
        await command(replay)
        assert.deepEqual(await hashOutput(dir), expected)
        await command(['verify', '--dir', join(dir, '..'), '--run', basename(dir)])
      },
    )
