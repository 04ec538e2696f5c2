import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before } from 'node:test'
import { runMain } from '../cli/terminal.ts'
import { broker, newRun, testOnBroker } from '../log/kafka/broker.ts'
import { hashFiles } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { writeDocuments, writePipeline } from './made.ts'

// Reports of runs whose log is on a real broker: the bytes of those with the log in the folder. A page names neither.

const dir = makeFolder('report-kafka')
const [plain, kept] = ['plain', 'kept']
const pipelines = new Map<string, string>()

before(() => {
  if (!broker) return
  for (const name of [plain, kept]) {
    const file = writePipeline(dir, name, writeDocuments(dir, 1500), ', h.exactDuplicates(), h.nearDuplicates()')
    pipelines.set(name, file)
    if (name === kept)
      writeFileSync(file, readFileSync(file, 'utf8').replace('.tokenize(', ".store({ text: 'kept' }).tokenize("))
  }
})

/** Runs a pipeline under a name and returns the hashes of its page and pictures, and the page. */
async function report(runs: string, name: string, pipeline: string, ...more: string[]) {
  const place = ['--dir', runs, '--run', name]
  const run = await runMain(['run', pipelines.get(pipeline)!, ...place, '--workers', '1', ...more])
  assert.equal(run.status, 0, run.err)
  const out = join(runs, 'out')
  const written = await runMain(['report', ...place, '--html', join(out, 'page.html'), '--svg', out])
  assert.deepEqual([written.status, written.err], [0, ''])
  return { files: await hashFiles(out), page: readFileSync(join(out, 'page.html'), 'utf8') }
}

const cases: [pipeline: string, partitions: string, more: string[]][] = [
  [plain, '1', []],
  [plain, '4', []],
  [kept, '3', []],
  // Its dead records are in as many partitions.
  [plain, '3', ['--spread']],
]
for (const [pipeline, partitions, more] of cases) {
  const what = `${[pipeline, ...more].join(' ')}, on ${partitions} partitions`
  testOnBroker(`${what}: page and pictures are those of the embedded log`, async () => {
    const name = newRun()
    const embedded = await report(join(dir, `embedded-${name}`), name, pipeline)
    const log = ['--log', `kafka://${broker}`, '--partitions', partitions, ...more]
    const onKafka = await report(join(dir, `kafka-${name}`), name, pipeline, ...log)
    assert.deepEqual(onKafka.files, embedded.files)
    assert.match(onKafka.page, /finished.*>6 slots</)
    assert.ok(Object.keys(onKafka.files).length > 5 && !onKafka.page.includes('kafka:'))
  })
}
