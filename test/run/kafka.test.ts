import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before } from 'node:test'
import { broker, testOnBroker } from '../log/kafka/broker.ts'
import { makeFolder } from '../temporary.ts'
import { type Corpus, hashOutput, runHeadrace, writeCorpus, writePipeline } from './fixture.ts'

// Whole runs of the real command with their log on a real broker: the same bytes as with the log in the folder.
let corpus: Corpus
let pipeline: string
let expected: Record<string, string>
const log = `kafka://${broker}`

before(async () => {
  if (!broker) return
  corpus = await writeCorpus({ seed: 4, files: 6, documentsPerFile: 300 })
  pipeline = await writePipeline(corpus.dir)
  const dir = makeFolder('embedded')
  const { status, err } = await runHeadrace(['run', pipeline, '--dir', dir, '--json'])
  assert.equal(status, 0, err)
  expected = await hashOutput(join(dir, 'test'))
})

/** A folder whose run has a name of its own, as topics are named by it. */
async function begin() {
  const dir = makeFolder('kafka')
  const name = basename(dir).replace('headrace-', '')
  const args = ['--dir', dir, '--run', name]
  return { dir: join(dir, name), args, run: ['run', pipeline, ...args, '--log', log, '--json'] }
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

for (const partitions of ['1', '4'])
  testOnBroker(`on ${partitions} partitions: the bytes of the embedded log, each record with one fate`, async () => {
    const { dir, args, run } = await begin()
    const { status, out, err } = await runHeadrace([...run, '--partitions', partitions])
    assert.equal(status, 0, err)
    assert.deepEqual(await hashOutput(dir), expected)
    const [{ documents, kept, dropped, dead }] = lines(out)
    assert.equal(documents, corpus.documents)
    assert.equal(kept + dead + Object.values<number>(dropped).reduce((a, b) => a + b, 0), documents)
    // What reads a run afterwards finds its log by itself.
    const fates = await runHeadrace(['fates', ...args])
    assert.equal(new Set(lines(fates.out).map(fate => `${fate.file}:${fate.line}`)).size, corpus.documents, fates.err)
    const { log: place, logConfig } = JSON.parse(await readFile(join(dir, 'run.json'), 'utf8'))
    assert.deepEqual([place, logConfig], [log, null])
  })

testOnBroker('killed again and again, and with its tables lost, it goes on to the same bytes', async () => {
  const { dir, run } = await begin()
  for (let kills = 0; kills < 5; kills++)
    await runHeadrace(run, child => setTimeout(() => child.kill('SIGKILL'), 700 + 150 * kills))
  const { status, err } = await runHeadrace(run)
  assert.equal(status, 0, err)
  assert.deepEqual(await hashOutput(dir), expected)
})

testOnBroker('topics shows what would be created, creates it, and refuses one that is otherwise', async () => {
  const { args } = await begin()
  const command = (...more: string[]) => runHeadrace(['topics', '--log', log, ...args.slice(2), ...more])
  assert.match((await command('--plan')).out, /\.decide\.kept +2? *1 .*to be created/)
  assert.match((await command()).out, /topics created/)
  assert.match((await command('--plan')).out, /0 topics to be created/)
  const refused = await command('--partitions', '3', '--plan')
  assert.equal(refused.status, 64, refused.out)
  assert.match(refused.out, /annotate\.scored: partitions is 1 and should be 3/)
})

testOnBroker('brokers that do not answer are refused with what to do, before a run is begun', async () => {
  const dir = makeFolder('nobody')
  const { status, err } = await runHeadrace(['run', pipeline, '--dir', dir, '--log', 'kafka://127.0.0.1:1', '--json'])
  assert.equal(status, 74, err)
  assert.match(err, /127\.0\.0\.1:1/)
})
