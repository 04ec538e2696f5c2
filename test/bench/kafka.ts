import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { formatBytes, formatTable } from '../../src/cli/table.ts'
import { makeFolder } from '../temporary.ts'
import {
  consumeByClient,
  consumeByLog,
  type Entry,
  openLog,
  produceByClient,
  produceByLog,
  readEntries,
  removeTopics,
} from './parts/kafka-wire.ts'

// HEADRACE_KAFKA=HOST:PORT npm run bench -- kafka [--input FILE]... [--rounds 5] [--workers 2] [--partitions 1] [--json]
// The log on Kafka beside the log in the folder, and both beside plain produce and consume: MB/s and their ratios, medians of rounds
// that take turns. Two chains: a light one that the log holds up (normalise, rules), and pipelines/fineweb.ts. Without --input the
// sample, ten times, of which fineweb.ts drops nine as duplicates. test/kafka/start-kafka.sh starts a broker.
const { values } = parseArgs({
  options: {
    input: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const brokers = process.env.HEADRACE_KAFKA
if (!brokers) {
  console.log('HEADRACE_KAFKA=HOST:PORT names the broker to measure on (test/kafka/start-kafka.sh starts one)')
  process.exit(64)
}
const root = join(import.meta.dirname, '..', '..')
const work = makeFolder('bench')
const rounds = Number(values.rounds)
/** Entries that go over the wire in the second part. */
const wireBytesMax = 256 * 1024 * 1024

const light = join(work, 'light.ts')
writeFileSync(
  light,
  "import * as h from 'headrace'\nexport default h.pipeline('light').from(h.jsonl('*.jsonl', { domain: 'source' })).annotate(h.normalize()).decide(h.rules())\n",
)
const chains = { light, fineweb: join(root, 'pipelines', 'fineweb.ts') }
const input = values.input.length > 0 ? values.input : enlargeSample(10)

function enlargeSample(times: number): string[] {
  const sample = join(root, 'pipelines', 'sample')
  const names = readdirSync(sample).filter(name => /^sample-\d+\.jsonl\.gz$/.test(name))
  return names.flatMap(name => {
    const text = gunzipSync(readFileSync(join(sample, name)))
    return Array.from({ length: times }, (_, i) => {
      const path = join(work, `${i}-${name.slice(0, -3)}`)
      writeFileSync(path, text)
      return path
    })
  })
}

interface Run {
  readonly name: string
  readonly seconds: number
  readonly textBytes: number
}

let runs = 0
/** Runs the command; on Kafka when `log` says where. */
async function run(pipeline: string, log: string | null): Promise<Run> {
  const name = `bench-${process.pid}-${runs++}`
  const args = [join(root, 'bin', 'headrace.js'), 'run', pipeline, ...input.flatMap(path => ['--input', path])]
  args.push('--dir', work, '--run', name, '--workers', values.workers, '--partitions', values.partitions, '--json')
  if (log) args.push('--log', log)
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', data => (out += data))
  child.stderr.on('data', data => (err += data))
  const status = await new Promise(resolve => child.on('close', resolve))
  if (status !== 0) throw new Error(err)
  rmSync(join(work, name), { recursive: true })
  const { seconds, textBytes } = JSON.parse(out.trim().split('\n').at(-1)!)
  return { name, seconds, textBytes }
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]

interface Moved {
  readonly entries: Entry[]
  readonly writtenBytes: number
  readonly readBytes: number
}

/** What the stages of a run without a tokenizer wrote, and what the deciding one read of it. */
async function movedBy(name: string): Promise<Moved> {
  await using log = await openLog(brokers!, name)
  const topics = ['annotate.scored', 'decide.kept', 'decide.drops']
  const found = await Promise.all(topics.map(topic => readEntries(log, topic, wireBytesMax / topics.length)))
  return {
    entries: found.flatMap(({ entries }) => entries),
    writtenBytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    readBytes: found[0].bytes,
  }
}

/** Who comes second meets the first one's bytes on their way to the disk: in every other round that is the other. */
async function takeTurns<A, B>(round: number, first: () => Promise<A>, second: () => Promise<B>): Promise<[A, B]> {
  if (round % 2 === 0) return [await first(), await second()]
  const early = await second()
  return [await first(), early]
}

interface ChainFigures {
  readonly embedded: number[]
  readonly kafka: number[]
}
const speeds: Record<string, ChainFigures> = {}
let moved: Moved = { entries: [], writtenBytes: 0, readBytes: 0 }
const lightSeconds: number[] = []
for (let round = 0; round < rounds; round++)
  for (const [chain, pipeline] of Object.entries(chains)) {
    const figures = (speeds[chain] ??= { embedded: [], kafka: [] })
    const onKafka = () => run(pipeline, `kafka://${brokers}`)
    const [embedded, kafka] = await takeTurns(round, () => run(pipeline, null), onKafka)
    figures.embedded.push(embedded.textBytes / 1e6 / embedded.seconds)
    figures.kafka.push(kafka.textBytes / 1e6 / kafka.seconds)
    if (chain === 'light') {
      lightSeconds.push(kafka.seconds)
      if (round === 0) moved = await movedBy(kafka.name)
    }
    await removeTopics(brokers, `${kafka.name}.`)
  }

const { entries, writtenBytes, readBytes } = moved
const wireBytes = entries.reduce((sum, { value }) => sum + value.length, 0)
const wire = {
  produce: { client: [] as number[], log: [] as number[] },
  consume: { client: [] as number[], log: [] as number[] },
}
const ways = [
  ['produce', produceByClient, produceByLog],
  ['consume', consumeByClient, consumeByLog],
] as const
for (let round = 0; round < rounds; round++) {
  const part = { brokers, name: `bench-${process.pid}-wire-${round}`, entries }
  for (const [what, byClient, byLog] of ways) {
    const [client, log] = await takeTurns(
      round,
      () => byClient(part),
      () => byLog(part),
    )
    wire[what].client.push(client)
    wire[what].log.push(log)
  }
  await removeTopics(brokers, `${part.name}.`)
}

const rateOf = (seconds: readonly number[]) => wireBytes / 1e6 / median(seconds)
const compared = [
  ...Object.entries(speeds).map(([chain, { embedded, kafka }]) => ({
    ...{ what: `run, ${chain}`, of: 'embedded', other: 'Kafka', first: median(embedded), second: median(kafka) },
  })),
  ...Object.entries(wire).map(([what, { client, log }]) => ({
    ...{ what, of: 'client', other: 'our log', first: rateOf(client), second: rateOf(log) },
  })),
]
// What the light run wrote and read, at the client's speed, against the time that the run took.
const limitSeconds = (writtenBytes / rateOf(wire.produce.client) + readBytes / rateOf(wire.consume.client)) / 1e6
const share = limitSeconds / median(lightSeconds)

if (values.json) {
  const figures = { entries: entries.length, writtenBytes, readBytes, limitSeconds, share }
  console.log(JSON.stringify({ rounds, compared, ...figures, speeds, wire }))
} else {
  const rows = compared.map(({ what, of, other, first, second }) => [
    ...[what, `${first.toFixed(1)} MB/s`, of, `${second.toFixed(1)} MB/s`, other, (second / first).toFixed(2)],
  ])
  console.log(formatTable([['', 'first', '', 'second', '', 'second / first'], ...rows], [0, 2, 4]))
  console.log(
    `The light run wrote ${formatBytes(writtenBytes)} and read ${formatBytes(readBytes)} in ${median(lightSeconds).toFixed(1)} s; the client alone, one after the other, takes ${limitSeconds.toFixed(1)} s for them: ${share.toFixed(2)} of its speed.`,
  )
}
