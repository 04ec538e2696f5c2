import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { decodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { type Column, stringAt } from '../../../src/batch/batch.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { type Entry, readCommitted } from '../../../src/log/log.ts'
import { python, skipWithout } from '../../python/python.ts'
import { runHeadrace } from '../../run/fixture.ts'
import { makeFolder } from '../../temporary.ts'
import { broker, newRun, options } from './broker.ts'
import { ManualProducer } from './manual-producer.ts'

// What others see of a run on Kafka: Kafka's own command line tools, and pyarrow with what these give out.
const { KAFKA_DIR = '/tmp/headrace-kafka', KAFKA_VERSION = '4.4.0', KAFKA_REQUIRED } = process.env
const libs = process.env.KAFKA_LIBS ?? join(KAFKA_DIR, `libs-${KAFKA_VERSION}`)
const hasTools = existsSync(join(libs, `kafka-tools-${KAFKA_VERSION}.jar`))

function skipKafka(): string | false {
  if (broker && hasTools) return false
  const reason = `HEADRACE_KAFKA names no broker, or ${libs} has no kafka-tools (test/kafka/start-kafka.sh)`
  if (KAFKA_REQUIRED === '1') throw new Error(reason)
  return reason
}
const skip = skipKafka()
const skipPython = skip || skipWithout('pyarrow')

const call = promisify(execFile)
const ended = '\n-- the end of an entry, which no entry holds --\n'

/** Runs a tool of Kafka's distribution; gives what it writes to stdout. */
async function runTool(tool: string, ...args: string[]): Promise<Buffer> {
  const given = [
    '-Xmx256m',
    '-cp',
    `${libs}/*`,
    `org.apache.kafka.tools.consumer.${tool}`,
    '--bootstrap-server',
    broker,
    ...args,
  ]
  const { stdout } = await call('java', given, { encoding: 'buffer', maxBuffer: 1 << 28 })
  return stdout
}

interface Seen {
  readonly offset: number
  readonly headers: Readonly<Record<string, string>>
  readonly value: Buffer
}

/** The first `count` records of a partition as the console consumer prints them: a tab between the fields, values as raw bytes. */
async function consume(topic: string, isolation: string, count: number): Promise<Seen[]> {
  const shows = ['print.offset=true', 'print.headers=true', `line.separator=${ended}`]
  const out = await runTool(
    'ConsoleConsumer',
    ...['--topic', topic, '--partition', '0', '--offset', 'earliest', '--max-messages', `${count}`],
    ...['--isolation-level', isolation, ...shows.flatMap(property => ['--formatter-property', property])],
  )
  const seen: Seen[] = []
  for (let at = 0; at < out.length; ) {
    const [offsetEnd, end] = [out.indexOf('\t', at), out.indexOf(ended, at)]
    const headersEnd = out.indexOf('\t', offsetEnd + 1)
    const pairs = out.toString('utf8', offsetEnd + 1, headersEnd).split(',')
    seen.push({
      offset: Number(out.toString('utf8', at, offsetEnd).replace('Offset:', '')),
      headers: Object.fromEntries(pairs.map(pair => pair.split(':'))),
      value: out.subarray(headersEnd + 1, end),
    })
    at = end + ended.length
  }
  return seen
}

interface Run {
  readonly name: string
  readonly kept: number
  /** The entries of `kept` and `scored`, by our own reader; the last one closes the topic. */
  readonly entries: readonly Entry[]
  readonly scored: readonly Entry[]
}

/** The sample pipeline on the broker, behind a transaction in `kept` that was aborted. */
async function runSample(): Promise<Run> {
  const [name, dir] = [newRun(), makeFolder('interop')]
  const place = ['--log', `kafka://${broker}`, '--run', name]
  const created = await runHeadrace(['topics', ...place])
  assert.equal(created.status, 0, created.err)
  await using producer = await ManualProducer.open(`${name}-other`)
  await producer.send(`${name}.decide.kept`, 0, 'aborted', 'too')
  await producer.end(false)
  const { status, out, err } = await runHeadrace(['run', 'pipelines/quickstart.ts', ...place, '--dir', dir, '--json'])
  assert.equal(status, 0, err)
  await using log = await KafkaLog.open(options(), { run: name })
  const entries = await Array.fromAsync(readCommitted(log, 'decide.kept'))
  const scored = await Array.fromAsync(readCommitted(log, 'annotate.scored'))
  return { name, kept: JSON.parse(out.trim().split('\n').at(-1)!).kept, entries, scored }
}
let running: Promise<Run> | undefined
const sample = () => (running ??= runSample())

test("Kafka's console consumer shows what was kept with its headers, and not what was aborted", { skip }, async () => {
  const { name, entries, kept } = await sample()
  const seen = await consume(`${name}.decide.kept`, 'read_committed', entries.length)
  assert.deepEqual(
    seen,
    entries.map(({ offset, headers, value }) => ({ offset: Number(offset), headers, value: Buffer.from(value) })),
  )
  // Two records and a marker stand before.
  assert.ok(seen.length > 10 && seen[0].offset === 3, `${seen.length} entries from offset ${seen[0].offset}`)
  assert.equal(seen[0].headers.slot, '0')
  assert.equal(
    seen.reduce((rows, { headers }) => rows + Number(headers.rows ?? 0), 0),
    kept,
  )
  const [first] = await consume(`${name}.decide.kept`, 'read_uncommitted', 1)
  assert.equal(`${first.value}`, 'aborted', 'the aborted transaction is not there to be left out')
})

const readStreams = `
import json, sys, pyarrow as pa
def plain(value):
    if isinstance(value, bytes): return value.hex()
    return str(value) if isinstance(value, float) and value != value else value
tables = []
for path in sys.argv[1:]:
    table = pa.ipc.open_stream(path).read_all()
    table.validate(full=True)
    columns = {field.name: [str(field.type), [plain(value) for value in table[field.name].to_pylist()]] for field in table.schema}
    tables.append({'rows': table.num_rows, 'columns': columns})
json.dump(tables, sys.stdout)
`

test('pyarrow reads what the console consumer gives out as an IPC stream of packed buffers', {
  skip: skipPython,
}, async () => {
  const { name, scored } = await sample()
  const seen = await consume(`${name}.annotate.scored`, 'read_committed', 3)
  const dir = makeFolder('interop')
  const paths = seen.map(({ offset }) => join(dir, `${offset}.arrows`))
  await Promise.all(seen.map(({ value }, i) => writeFile(paths[i], value)))
  const { stdout } = await call(python, ['-c', readStreams, ...paths], { maxBuffer: 1 << 28 })
  const theirs = JSON.parse(stdout)
  for (const [i, { value }] of scored.slice(0, 3).entries()) {
    const { batch } = decodeBatch(value)
    const shown = Object.entries(batch.columns).map(([field, column]) => [field, shownOf(column, batch.rows)])
    assert.deepEqual(theirs[i], { rows: batch.rows, columns: Object.fromEntries(shown) })
    assert.ok(batch.rows > 0 && shown.length > 10)
  }
})

const arrowNames = { u8: 'uint8', i32: 'int32', u32: 'uint32', f32: 'float', f64: 'double' }

/** A column as the script above prints it: its type, and its values. */
function shownOf(column: Column, rows: number): [string, unknown[]] {
  const each = (show: (row: number) => unknown) => Array.from({ length: rows }, (_, row) => show(row))
  if (column.kind === 'utf8') return ['string', each(row => stringAt(column, row))]
  if (column.kind === 'list<i32>')
    return [
      'list<item: int32 not null>',
      each(row => [...column.values.subarray(column.offsets[row], column.offsets[row + 1])]),
    ]
  if (column.kind === 'fixed') {
    const hexOf = (row: number) =>
      Buffer.from(column.bytes).toString('hex', row * column.width, (row + 1) * column.width)
    return [`fixed_size_binary[${column.width}]`, each(hexOf)]
  }
  return [arrowNames[column.kind], each(row => (Number.isNaN(column.values[row]) ? 'nan' : column.values[row]))]
}

test("Kafka's consumer groups show how far a stage is and what it has yet to read", { skip }, async () => {
  const { name } = await sample()
  const inputs = { decide: 'annotate.scored', shard: 'decide.kept' }
  await using log = await KafkaLog.open(options(), { run: name, inputs })
  const { next } = await log.bounds('annotate.scored', 0)
  const end = await log.position('decide', 0)
  const describe = async () => {
    const out = `${await runTool('group.ConsumerGroupCommand', '--describe', '--group', `${name}.decide`)}`
    const [, topic, , current, last, lag] = out
      .split('\n')
      .find(line => line.startsWith(`${name}.decide `))!
      .split(/ +/)
    return [topic, Number(current), Number(last), Number(lag)]
  }
  // The marker of the last transaction counts: a stage that has read all is 1 behind.
  assert.deepEqual(await describe(), [`${name}.annotate.scored`, Number(end.offset), Number(next), 1])
  await using owner = await log.own('decide')
  await owner.commit({ positions: [{ ...end, offset: 10n, slot: 10 }], appends: [] })
  assert.deepEqual(await describe(), [`${name}.annotate.scored`, 10, Number(next), Number(next) - 10])
})
