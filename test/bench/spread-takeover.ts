import { existsSync, globSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { formatBytes, formatCount, formatTable } from '../../src/cli/table.ts'
import { annotatedSlot } from '../../src/record/slots.ts'
import { readSnapshot } from '../../src/run/spread/snapshot.ts'
import { makeFolder } from '../temporary.ts'
import { removeTopics } from './parts/kafka-wire.ts'
import { writePieces } from './parts/pieces.ts'
import { DecideWatch, hashKept, openSpread, readSessionSeconds } from './parts/spread-log.ts'
import { RunProcess } from './parts/spread-process.ts'

// HEADRACE_KAFKA=HOST:PORT npm run bench -- spread-takeover --input GLOB... [--documents 1000000] [--work DIR] [--json]
// How long the deciding stage of a spread run stands still when its owner is killed with that many kept documents in its tables: while a
// warm standby takes over; when there is none, and a process without state begins with the run's snapshot; and when it has to begin with
// slot 0. In the end what was kept must be, byte for byte, what an undisturbed run with its log in the folder keeps. --input is JSON Lines
// with `text`, which is cut into pieces of some 350 characters, a document each: about 400 MB of text for a million kept ones, and half as
// much more for what comes after them. --work keeps the pieces and the undisturbed run for the next time.
const { values } = parseArgs({
  options: {
    input: { type: 'string', multiple: true, default: [] },
    documents: { type: 'string', default: '1000000' },
    work: { type: 'string' },
    workers: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
})
const brokers = process.env.HEADRACE_KAFKA
const input = values.input.flatMap(pattern => globSync(pattern)).sort()
if (!brokers || input.length === 0) {
  console.log('usage: HEADRACE_KAFKA=HOST:PORT npm run bench -- spread-takeover --input GLOB [--documents N]')
  process.exit(64)
}
/** Slots that are there to decide for who starts. */
const leftSlots = 16

const documents = Number(values.documents)
const partitions = Number(values.partitions)
const work = values.work ?? makeFolder('bench')
mkdirSync(work, { recursive: true })
const log = (text: string) => console.error(`${new Date().toISOString()} ${text}`)

const pipeline = join(work, 'pieces.ts')
writeFileSync(
  pipeline,
  `import * as h from 'headrace'
export default h.pipeline('pieces').from(h.jsonl('*.jsonl'))
  .annotate(h.normalize(), h.signature()).decide(h.exactDuplicates(), h.nearDuplicates())
`,
)
const { files, count: pieces } = await writePieces(input, join(work, 'pieces'), 1.4 * documents)
log(`${formatCount(pieces)} documents in ${files.length} files`)
const common = [pipeline, ...files.flatMap(path => ['--input', path]), '--dir', work]
const undisturbed = new RunProcess('embedded', [...common, '--run', 'embedded', '--workers', values.workers])
const whole = await undisturbed.end()
const { decided: slots = 0 } = undisturbed.lines.findLast(line => line.event === 'ended')!
log(`the undisturbed run: ${formatCount(whole.kept)} kept`)
if (whole.kept < 1.2 * documents) throw new Error(`${formatCount(whole.kept)} are kept of this input: it needs more`)
const expected = await hashKept(join(work, 'embedded'))
/** What is decided between the two kills, so that the snapshot is behind as it is on average. */
const betweenSlots = Math.min(128, Math.floor(slots / 8))

const run = `bench-${process.pid}`
const dir = join(work, run)
const shared = [...common, '--run', run, '--log', `kafka://${brokers}`, '--spread', '--partitions', values.partitions]
const stateOf = (name: string) => join(work, `${run}-state-${name}`)
const tablesOf = (name: string) => join(stateOf(name), '0', 'decide.tables')
const startFeeder = () =>
  new RunProcess('feeder', [...shared, '--stages', 'load,annotate', '--workers', values.workers])
const startDecider = (name: string) =>
  new RunProcess(name, [...shared, '--stages', 'decide', '--workers', '1', '--state', stateOf(name)])

/** Seconds from one moment to the next, by what happens in them. */
type Parts = Readonly<Record<string, number>>
interface Takeover {
  readonly what: string
  readonly parts: Parts
  readonly seconds: number
  /** Slots that the new owner's tables were behind when it began. */
  readonly behindSlots: number
  readonly tablesBytes: number
  readonly memory: { readonly now: number; readonly peak: number }
}

const takeovers: Takeover[] = []
let feeder = startFeeder()
const first = startDecider('first')
await first.line('share-taken', { share: 'decide/0' })
const standby = startDecider('standby')
await standby.line('joined')
const kafka = await openSpread(brokers, run)
const watch = new DecideWatch(kafka)
const sessionSeconds = await readSessionSeconds(brokers)
const started = Date.now()

await watch.until(({ kept }) => kept >= documents)
log(
  `${formatCount(watch.last.kept)} kept after ${((Date.now() - started) / 1000).toFixed(0)} s, at slot ${watch.last.slot}`,
)
takeovers.push(await takeOverWarm())

const { slot } = watch.last
await watch.until(now => now.slot >= slot + betweenSlots)
await killAll(standby)
takeovers.push(await takeOverCold('cold, from the snapshot', 'snapshot'))
rmSync(join(dir, 'snapshot'), { recursive: true })
const last = startDecider('start')
takeovers.push(await followCold('cold, from slot 0', 'start', last, 0))
feeder = startFeeder()
const [ended] = await Promise.all([last.end(), feeder.end()])
watch.stop()

const isEqual = (await hashKept(dir)) === expected
const isCounted = ['documents', 'kept', 'dead', 'textBytes'].every(
  name => ended[name as 'kept'] === whole[name as 'kept'],
)
await kafka[Symbol.asyncDispose]()
await removeTopics(brokers, `${run}.`)
for (const name of [run, ...['first', 'standby', 'snapshot', 'start'].map(state => `${run}-state-${state}`)])
  rmSync(join(work, name), { recursive: true, force: true })
show()

/** Kills the owner while input comes, and waits for the standby's first commit. */
async function takeOverWarm(): Promise<Takeover> {
  const memory = standby.memory()
  const tablesBytes = statSync(tablesOf('first')).size
  log(`owner: ${formatBytes(first.memory().now)} resident, tables ${formatBytes(tablesBytes)}`)
  const at = first.signal('SIGKILL')
  const taken = (await standby.line('share-taken', { from: at, share: 'decide/0' })).at
  const began = (await standby.line('stage-began', { from: taken, share: 'decide/0' })).at
  const committed = (await watch.moved(taken)).at
  const parts = partsOf(at, { 'the group notices': taken, 'owns the stage': began, 'first commit': committed })
  return finish({ what: 'warm standby', parts, behindSlots: 0, tablesBytes, memory })
}

/** Kills the owner when none is beside it, and stops the feeder once there is enough to decide. */
async function killAll(owner: RunProcess): Promise<void> {
  const at = owner.signal('SIGKILL')
  await owner.finished
  for (const name of ['first', 'standby']) rmSync(stateOf(name), { recursive: true, force: true })
  const shape = { partitions, lanes: 1, spread: true }
  while ((await annotatedSlot(kafka, shape)) < watch.last.slot + leftSlots) await sleep(100)
  feeder.signal('SIGTERM')
  await feeder.finished
  await waitForSession(at)
}

/** The figures of a cold start are its own: the group has noticed before. */
async function waitForSession(killedAt: number): Promise<void> {
  await sleep(Math.max(0, killedAt + 1000 * (sessionSeconds + 1) - Date.now()))
}

async function takeOverCold(what: string, name: string): Promise<Takeover> {
  const snapshot = (await readSnapshot(dir))!
  const decider = startDecider(name)
  const restored = waitForFile(tablesOf(name), snapshot.bytes)
  const takeover = await followCold(what, name, decider, snapshot.slot, restored)
  await waitForSession(decider.signal('SIGKILL'))
  return takeover
}

async function followCold(what: string, name: string, decider: RunProcess, from: number, restored?: Promise<number>) {
  const { slot: decided } = watch.last
  const at = decider.startedAt
  const starting = (await decider.line('starting')).at
  const copied = (await restored) ?? starting
  const joined = (await decider.line('joined')).at
  const taken = (await decider.line('share-taken', { share: 'decide/0' })).at
  const began = (await decider.line('stage-began')).at
  const committed = (await watch.moved(taken)).at
  const memory = decider.memory()
  const parts = partsOf(at, {
    'process starts': starting,
    'connects, copies the snapshot': copied,
    'reads the tables, joins': Math.max(joined, copied),
    'the group assigns': Math.max(taken, joined, copied),
    'catches up, owns the stage': began,
    'first commit': committed,
  })
  return finish({ what, parts, behindSlots: decided - from, tablesBytes: statSync(tablesOf(name)).size, memory })
}

function partsOf(from: number, moments: Readonly<Record<string, number>>): Parts {
  const parts: Record<string, number> = {}
  for (const [name, at] of Object.entries(moments)) {
    parts[name] = (at - from) / 1000
    from = at
  }
  return parts
}

function finish(takeover: Omit<Takeover, 'seconds'>): Takeover {
  const seconds = Object.values(takeover.parts).reduce((a, b) => a + b, 0)
  log(`${takeover.what}: ${seconds.toFixed(2)} s ${JSON.stringify(takeover.parts)}`)
  return { ...takeover, seconds }
}

async function waitForFile(path: string, bytes: number): Promise<number> {
  while (!existsSync(path) || statSync(path).size < bytes) await sleep(5)
  return Date.now()
}

function show(): void {
  if (values.json) {
    console.log(JSON.stringify({ pieces, kept: whole.kept, partitions, sessionSeconds, takeovers, isEqual, isCounted }))
  } else {
    const rows = takeovers.flatMap(({ what, parts, seconds, behindSlots, tablesBytes, memory }) => [
      [what, seconds.toFixed(2), String(behindSlots), formatBytes(tablesBytes), formatBytes(memory.peak)],
      ...Object.entries(parts).map(([name, part]) => [`  ${name}`, part.toFixed(2), '', '', '']),
    ])
    console.log(formatTable([['from the kill or the start', 'seconds', 'slots behind', 'tables', 'memory'], ...rows]))
    console.log(`The brokers wait ${sessionSeconds} s for a member that is silent.`)
    const all = `${formatCount(ended.kept)} kept of ${formatCount(ended.documents)}`
    console.log(`The whole run: ${all}, ${isEqual && isCounted ? 'equal to' : 'NOT'} what the undisturbed run keeps.`)
  }
  if (!isEqual || !isCounted) process.exitCode = 1
}
