import assert from 'node:assert/strict'
import { cp, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before } from 'node:test'
import { decodeBatch, encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, numbers } from '../../src/batch/batch.ts'
import { takeRows } from '../../src/batch/rows.ts'
import { createNames } from '../../src/log/kafka/names.ts'
import { type Append, type Entry, readCommitted } from '../../src/log/log.ts'
import { topicShapes } from '../../src/record/layout.ts'
import { openKafka } from '../../src/record/open-log.ts'
import { type RunFile, readRunFile } from '../../src/record/run-file.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { positionsOf } from '../../src/record/slots.ts'
import { type Verification, verifyRun } from '../../src/verify/verify.ts'
import { parseLines, runMain } from '../cli/terminal.ts'
import { broker, newRun, testOnBroker } from '../log/kafka/broker.ts'
import { ManualProducer } from '../log/kafka/manual-producer.ts'
import { type Corpus, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'

// Verification of a run whose log is on a real broker, and of copies of its topics with something planted in them.
const partitions = 3
let corpus: Corpus
let whole: string

before(async () => {
  if (!broker) return
  corpus = await writeCorpus({ seed: 11, files: 6, documentsPerFile: 40 })
  const pipeline = await writePipeline(
    corpus.dir,
    glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize(), h.gopherQuality(), h.signature())
      .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2').feed({ length: 256, batch: 4 })`,
  )
  const dir = makeFolder('verify-kafka')
  whole = join(dir, newRun())
  const place = ['--dir', dir, '--run', basename(whole), '--log', `kafka://${broker}`]
  const args = ['run', pipeline, ...place, '--workers', '1', '--partitions', String(partitions)]
  const { status, err } = await runMain(args)
  assert.equal(status, 0, err)
  const rows = await runMain(['materialise', '--dir', dir, '--run', basename(whole)])
  assert.equal(rows.status, 0, rows.err)
})

/** Gives an entry as it is, changed, not at all, or several. `index` counts the entries of its topic, partition by partition. */
type Edit = (entry: Entry, index: number) => readonly Pick<Append, 'headers' | 'value'>[]
interface Change {
  readonly topics?: Readonly<Record<string, Edit>>
  readonly note?: { readonly stage: string; readonly edit: (note: { totals: { kept: number } }) => void }
}

/** A copy of the run, folder and topics, under a name of its own. */
async function copyRun({ topics = {}, note }: Change): Promise<string> {
  const dir = join(makeFolder('verify-kafka'), newRun())
  await cp(whole, dir, { recursive: true })
  const run = (await readRunFile(dir)) as RunFile
  await using from = await openKafka(whole, run)
  await using to = await openKafka(dir, run)
  const shapes = topicShapes(run)
  await to.ensureTopics(shapes)
  for (const stage of ['annotate', 'decide', 'shard']) {
    const appends: Append[] = []
    for (const shape of shapes.filter(({ topic }) => topic.startsWith(`${stage}.`))) {
      let index = 0
      for (let partition = 0; partition < shape.partitions; partition++)
        for await (const entry of readCommitted(from, shape.topic, partition))
          for (const copy of topics[shape.topic]?.(entry, index++) ?? [entry])
            appends.push({ topic: shape.topic, partition, headers: copy.headers, value: copy.value })
    }
    const positions = await positionsOf(from, stage, run.partitions)
    await using owner = await to.own(stage)
    await owner.commit({
      positions: positions.map(one => (stage === note?.stage ? editNote(one, note.edit) : one)),
      appends,
    })
  }
  return dir
}

function editNote<T extends { readonly note: string }>(
  position: T,
  edit: (note: { totals: { kept: number } }) => void,
): T {
  const note = JSON.parse(position.note)
  edit(note)
  return { ...position, note: JSON.stringify(note) }
}

async function verify(dir: string): Promise<Verification> {
  await using run = await RunReader.open(dir)
  return await verifyRun(run, { steps: 3 })
}

const problemsOf = ({ checks }: Verification) =>
  checks.flatMap(({ name, problems }) => problems.map(one => ({ name, ...one })))

testOnBroker('a run that ended holds, and says what of it could not be checked', async () => {
  const found = await verify(whole)
  assert.deepEqual([found.isSound, problemsOf(found), found.checks.flatMap(check => check.notes)], [true, [], []])
  assert.deepEqual(
    found.checks.filter(check => check.counted === 0),
    [],
  )
  assert.equal(found.checks.find(check => check.name === 'fates')!.counted, corpus.documents)
  const args = ['verify', '--dir', join(whole, '..'), '--run', basename(whole)]
  const { status, out } = await runMain(args)
  assert.equal(status, 0, out)
  assert.match(out, /^topics +\d+ +entries +holds$/m)
  assert.match(out, /\nwhat was not checked\n +Kafka does not keep/)
  const [json] = parseLines((await runMain([...args, '--json'])).out)
  assert.deepEqual([json.sound, Array.isArray(json.unchecked)], [true, true])
  const doctor = await runMain(['doctor', ...args.slice(1)])
  assert.equal(doctor.status, 0, doctor.err)
  assert.match(doctor.out, /has ended, and return at once/)
  assert.doesNotMatch(doctor.out, /left over/)
})

const only =
  (index: number, edit: Edit): Edit =>
  (entry, i) =>
    i === index ? edit(entry, i) : [entry]
const twice: Edit = entry => [entry, entry]
const recode =
  (edit: (batch: Batch) => Batch): Edit =>
  entry => [{ ...entry, value: encodeBatch(edit(decodeBatch(entry.value).batch)) }]
const rowsOf = (batch: Batch, from: number, to: number) =>
  takeRows(
    batch,
    Array.from({ length: to - from }, (_, i) => from + i),
  )
/** The last row takes the number of the row before it. */
const repeatRow = (batch: Batch): Batch => {
  const values = Uint32Array.from(numbers(batch, 'row'))
  values[values.length - 1] = values.at(-2)!
  return { ...batch, columns: { ...batch.columns, row: { kind: 'u32', values } } }
}

/** What is planted, the row of the table that fails, and what it names. */
const cases: [string, Change, string, RegExp][] = [
  [
    'a kept slot twice',
    { topics: { 'decide.kept': only(1, twice) } },
    'slots',
    /decide\.kept\/0 offset \d+: .*a second time/,
  ],
  [
    'a kept slot again at the end',
    { topics: { 'decide.kept': (e, i) => (i === 0 ? [e] : i === 2 ? [e, e] : [e]) } },
    'slots',
    /second time/,
  ],
  [
    'a kept slot is missing',
    { topics: { 'decide.kept': only(1, () => []) } },
    'slots',
    /decide\.kept\/\d offset \d+: .*slots are missing/,
  ],
  [
    'a scored slot is missing',
    { topics: { 'annotate.scored': only(1, () => []) } },
    'slots',
    /annotate\.scored.*slots are missing/,
  ],
  [
    'a kept row is lost',
    {
      topics: {
        'decide.kept': only(
          0,
          recode(batch => rowsOf(batch, 1, batch.rows)),
        ),
      },
    },
    'fates',
    /decide\.kept\/0 offset 0: .*neither kept nor dropped/,
  ],
  [
    'a kept row twice',
    { topics: { 'decide.kept': only(0, recode(repeatRow)) } },
    'fates',
    /decide\.kept\/0 offset 0: .*has its fate already/,
  ],
  [
    'drops of a slot twice',
    { topics: { 'decide.drops': only(0, twice) } },
    'slots',
    /decide\.drops\/0 offset \d+: .*a second time/,
  ],
  ['drops of a slot are lost', { topics: { 'decide.drops': only(0, () => []) } }, 'fates', /neither kept nor dropped/],
  [
    'a dead row is lost',
    { topics: { 'annotate.dead': only(0, () => []) } },
    'headers',
    /annotate\.scored\/\d offset \d+: .*dead and its batch has 0/,
  ],
  [
    'a slot that no stage has committed',
    { topics: { 'decide.kept': only(0, e => [e, { ...e, headers: { ...e.headers, slot: '999' } }]) } },
    'topics',
    /decide\.kept\/0 offset \d+: slot 999 stands here/,
  ],
  [
    'a manifest entry twice',
    { topics: { 'shard.manifest': only(0, twice) } },
    'manifest',
    /shard\.manifest\/0 offset \d+: .*number 0; number 1/,
  ],
  ['a manifest entry is lost', { topics: { 'shard.manifest': only(0, () => []) } }, 'manifest', /shard\.manifest/],
  [
    'counts of the deciding stage',
    {
      note: {
        stage: 'decide',
        edit: note => {
          note.totals.kept++
        },
      },
    },
    'totals',
    /the note says kept \d+/,
  ],
]
for (const [name, change, row, expected] of cases)
  testOnBroker(`what is planted in a copy is found and placed: ${name}`, async () => {
    const problems = problemsOf(await verify(await copyRun(change)))
    const told = problems.map(({ name, file, place, what }) => `${name} ${file} ${place}: ${what}`)
    assert.ok(
      told.some(text => text.startsWith(row) && expected.test(text)),
      told.join('\n'),
    )
  })

testOnBroker('a copy with nothing planted holds; what another program writes is found', async () => {
  const dir = await copyRun({})
  assert.deepEqual(problemsOf(await verify(dir)), [])
  const names = createNames('', basename(dir))
  await using producer = await ManualProducer.open(newRun())
  await producer.send(names.topic('decide.kept'), 1, 'not ours')
  await producer.end(false)
  assert.deepEqual(problemsOf(await verify(dir)), [], 'what was aborted is nothing')
  await producer.send(names.topic('decide.kept'), 1, 'not ours')
  await producer.send(names.topic('shard.manifest'), 0, 'not ours')
  await producer.end(true)
  const told = problemsOf(await verify(dir)).map(({ name, file, what }) => `${name} ${file} ${what}`)
  assert.match(told.join('\n'), /topics decide\.kept\/1 this entry has no slot: another program wrote it/)
  assert.match(told.join('\n'), /manifest shard\.manifest\/0 /)
})

testOnBroker(
  'documents are taken down from the feed of a run on Kafka, which is forked and audited as any other',
  async () => {
    const dir = makeFolder('taken-kafka')
    await cp(whole, join(dir, basename(whole)), { recursive: true })
    const of = ['--dir', dir, '--run', basename(whole)]
    const fates = parseLines((await runMain(['fates', ...of])).out)
    const copy = fates.find(({ duplicateOf }) => duplicateOf !== null)!
    const names = join(dir, 'names.txt')
    await writeFile(names, `${copy.id}\n`)
    const taken = await runMain(['take-down', ...of, '--ids', names, '--at', '0', '--unread', '--json'])
    assert.equal(taken.status, 0, taken.err)
    assert.deepEqual(
      parseLines(taken.out).slice(0, -1),
      fates.filter(({ id, duplicateOf }) => id === copy.duplicateOf || duplicateOf === copy.duplicateOf),
    )
    assert.equal((await runMain(['fork', ...of, '--at', '2', '--skip', '2-3'])).status, 0)
    const audit = await runMain(['audit', ...of, '--document', String(copy.duplicateOf), '--json'])
    assert.equal(JSON.parse(audit.out).documents[0].takeDowns[0].step, 0, audit.err)
    assert.deepEqual(problemsOf(await verify(join(dir, basename(whole)))), [])
  },
)
