import { globSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { formatBytes, formatTable } from '../../src/cli/table.ts'
import { topics } from '../../src/record/layout.ts'
import { hashOutput } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { removeTopics } from './parts/kafka-wire.ts'
import {
  findSlotFaults,
  openSpread,
  readSessionSeconds,
  type SlotFaults,
  waitForAnnotated,
} from './parts/spread-log.ts'
import { RunProcess } from './parts/spread-process.ts'

// HEADRACE_KAFKA=HOST:PORT npm run bench -- spread --input GLOB... [--pipeline FILE] [--partitions 8] [--json]
// A run that 1, 2 and 4 processes share, beside the same run by one process with its log in the folder: time, and whether shards and feed
// are equal byte for byte. Then with a process killed in the middle (2 and 4 processes), and with one stopped in order: how long until all
// that it held is at work elsewhere, and whether any slot stands twice or not at all. A worker thread a process.
// test/kafka/start-kafka.sh starts a broker.
const { values } = parseArgs({
  options: {
    input: { type: 'string', multiple: true, default: [] },
    pipeline: { type: 'string', default: join(import.meta.dirname, '..', '..', 'pipelines', 'fineweb.ts') },
    partitions: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
})
const brokers = process.env.HEADRACE_KAFKA
const input = values.input.flatMap(pattern => globSync(pattern)).sort()
if (!brokers || input.length === 0) {
  console.log(
    'usage: HEADRACE_KAFKA=HOST:PORT npm run bench -- spread --input GLOB (test/kafka/start-kafka.sh starts it)',
  )
  process.exit(64)
}
const partitions = Number(values.partitions)
const inputBytes = input.reduce((sum, path) => sum + statSync(path).size, 0)
const work = makeFolder('bench')
const common = [values.pipeline, ...input.flatMap(path => ['--input', path]), '--dir', work, '--workers', '1']

type Fault = 'SIGKILL' | 'SIGTERM'

interface Measured {
  readonly processes: number
  readonly fault: Fault | null
  readonly seconds: number
  /** Of the process that was killed or stopped, how many shares, and the seconds until each was another's. */
  readonly moved: {
    readonly shares: readonly string[]
    readonly firstSeconds: number
    readonly allSeconds: number
  } | null
  readonly isEqual: boolean
  readonly scored: SlotFaults | null
}

const embedded = new RunProcess('embedded', [...common, '--run', 'embedded'])
await embedded.end()
const embeddedSeconds = (Date.now() - embedded.startedAt) / 1000
const { decided: slots = 0 } = embedded.lines.findLast(line => line.event === 'ended')!
const expected = await hashOutput(join(work, 'embedded'))
progress(`embedded: ${embeddedSeconds.toFixed(1)} s, ${slots} slots`)

const measured: Measured[] = []
for (const processes of [1, 2, 4]) measured.push(await measure(processes, null))
for (const processes of [2, 4]) measured.push(await measure(processes, 'SIGKILL'))
measured.push(await measure(2, 'SIGTERM'))

async function measure(count: number, fault: Fault | null): Promise<Measured> {
  const run = `bench-${process.pid}-${measured.length}`
  const log = ['--log', `kafka://${brokers}`, '--spread', '--partitions', values.partitions]
  const started = Date.now()
  const all = Array.from({ length: count }, (_, i) => new RunProcess(`process ${i}`, [...common, ...log, '--run', run]))
  const moved = fault ? await disturb(run, all, fault) : null
  const left = moved ? all.slice(0, -1) : all
  await Promise.all(left.map(one => one.end()))
  const seconds = (Date.now() - started) / 1000
  const isEqual = isDeepStrictEqual(await hashOutput(join(work, run)), expected)
  const kafka = await openSpread(brokers!, run)
  const scored = fault ? await findSlotFaults(kafka, topics.scored, partitions) : null
  await kafka[Symbol.asyncDispose]()
  await removeTopics(brokers!, `${run}.`)
  rmSync(join(work, run), { recursive: true })
  progress(`${nameOf({ processes: count, fault })}: ${seconds.toFixed(1)} s, ${isEqual ? 'equal' : 'NOT EQUAL'}`)
  return { processes: count, fault, seconds, moved, isEqual, scored }
}

/** Signals the last process when half of the slots are annotated, and waits until all that it held is another's. */
async function disturb(run: string, all: readonly RunProcess[], fault: Fault): Promise<Measured['moved']> {
  await Promise.all(all.map(one => one.line('joined')))
  {
    await using log = await openSpread(brokers!, run)
    await waitForAnnotated(log, partitions, slots / 2)
  }
  const victim = all.at(-1)!
  const shares = victim.shares()
  const at = victim.signal(fault)
  const times = shares.map(async share => {
    const waits = all.slice(0, -1).map(other => other.line('share-taken', { from: at, share }))
    return (await Promise.any(waits)).at - at
  })
  const taken = await Promise.all(times)
  await victim.finished
  return { shares, firstSeconds: Math.min(...taken) / 1000, allSeconds: Math.max(...taken) / 1000 }
}

function progress(text: string): void {
  console.error(text)
}

function nameOf({ processes, fault }: Pick<Measured, 'processes' | 'fault'>): string {
  const what = { SIGKILL: ', one killed', SIGTERM: ', one stopped' }
  return `${processes} ${processes === 1 ? 'process' : 'processes'}${fault ? what[fault] : ''}`
}

const sessionSeconds = await readSessionSeconds(brokers)
const rate = (seconds: number) => inputBytes / 1e6 / seconds
if (values.json) {
  console.log(JSON.stringify({ inputBytes, slots, partitions, sessionSeconds, embeddedSeconds, measured }))
} else {
  const one = measured[0].seconds
  const line = (name: string, seconds: number, isEqual: string) =>
    [name, seconds.toFixed(1), rate(seconds).toFixed(1), (one / seconds).toFixed(2), isEqual] as const
  const rows = measured.map(m => [...line(nameOf(m), m.seconds, m.isEqual ? 'equal' : 'NOT EQUAL')])
  console.log(`${formatBytes(inputBytes)} in ${slots} slots, ${partitions} partitions\n`)
  const head = ['', 'seconds', 'MB/s', 'of 1 process', 'shards and feed']
  console.log(formatTable([head, [...line('embedded log', embeddedSeconds, '')], ...rows], [0, 4]))
  const faults = measured.flatMap(({ moved, scored, ...m }) =>
    moved && scored
      ? [
          [
            ...[nameOf(m), String(moved.shares.length), moved.firstSeconds.toFixed(2), moved.allSeconds.toFixed(2)],
            ...[scored.slots, scored.doubled, scored.missing, scored.disordered].map(String),
          ],
        ]
      : [],
  )
  const columns = ['', 'shares', 'first moved, s', 'all moved, s', 'slots', 'twice', 'missing', 'out of order']
  console.log(formatTable([columns, ...faults]))
  console.log(`The brokers wait ${sessionSeconds} s for a member that is silent.`)
}
const isBad = (m: Measured) => !m.isEqual || (m.scored && m.scored.doubled + m.scored.missing + m.scored.disordered > 0)
if (measured.some(isBad)) {
  console.error('NOT THE SAME: see above')
  process.exitCode = 1
}
