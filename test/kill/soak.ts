import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { formatCount, formatTable } from '../../src/cli/table.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readStanding } from '../../src/record/standing.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { keepFolders, makeFolder } from '../temporary.ts'
import { hasVerify, type Subject, verify } from './life.ts'
import { ordersVariable } from './orders.ts'
import { type Checked, checkFates, checkShards, checkSteps } from './soak-checks.ts'
import { type LifeMemory, memoryTrend, residentMb, watchMemory } from './soak-memory.ts'
import { readRecords } from './soak-reader.ts'

const usage = `npm run soak -- [--minutes 30] [--kill-every 20] [--workers 2] [--seed S] [--log kafka://HOST:PORT] [--keep]

Follows a growing folder while the run is killed (SIGKILL) and started again, and while a reader of the feed is killed and goes on with
another world size. Then stops, ends the run and checks: each record has one fate, each kept document stands in one shard, each step was
read once and never changed, and the memory of the run's lives did not grow beyond its tables. Shards and blocks are made small, so that
steps are published all the way. With --log the run's log is on Kafka (test/kafka/start-kafka.sh starts a broker).
`
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'kill-every': { type: 'string', default: '20' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    log: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const random = randomFrom(Number(values.seed))
const killEveryMs = 1000 * Number(values['kill-every'])
const endMs = 60_000 * Number(values.minutes)
const root = makeFolder('soak')
const [input, aside, runs] = ['input', 'aside', 'runs'].map(name => join(root, name))
// Topics are named by it.
const runName = values.log ? `soak-${process.pid}` : 'kill'
const runDir = join(runs, runName)
const records = join(root, 'steps.jsonl')
const batch = 8
const limits = { shardTokensMax: 50_000, shardSlotsMax: 64, segmentBytesMax: 8 * 1024 * 1024, ledgerSegmentSteps: 512 }
const subject: Subject = { pipeline: join(root, 'pipeline.ts'), input: [], limits, plant: null }

/** Lines of each file that was written. */
const written = new Map<string, number>()
const lives: LifeMemory[] = []
const violations: string[] = []
const totals = { runLives: 0, runKills: 0, readerLives: 0, readerKills: 0 }
const stopWriting = new AbortController()
const stopKilling = new AbortController()
const began = performance.now()
const say = (text: string) => process.stdout.write(`${text}\n`)
const lineCount = () => [...written.values()].reduce((a, b) => a + b, 0)
const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {})

/** Adds a file about every second: written aside and renamed into place, as followers need it. */
async function write(): Promise<void> {
  const texts: string[] = []
  while (!stopWriting.signal.aborted) {
    const name = `${String(written.size).padStart(6, '0')}.jsonl`
    const lines = Array.from({ length: 20 + Math.floor(random() * 100) }, (_, i) => makeLine(`${name}-${i}`, texts))
    await writeFile(join(aside, name), `${lines.join('\n')}\n`)
    written.set(name, lines.length)
    await rename(join(aside, name), join(input, name))
    await pause(400 + random() * 1200, stopWriting.signal)
  }
}

/** A document, now and then one that came before, or no document. */
function makeLine(id: string, texts: string[]): string {
  const chance = random()
  if (chance < 0.02) return '{"text": "cut off'
  const old = texts[Math.floor(random() * texts.length)]
  const text = chance < 0.07 && old ? old : makeText(random, 12 + Math.floor(random() * 40))
  if (texts.length < 1000) texts.push(text)
  else texts[Math.floor(random() * texts.length)] = text
  return JSON.stringify({ id, text, domain: `d${Math.floor(random() * 3)}` })
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<{ status: number | null; signal: string | null; out: string; err: string }>
}

function start(args: readonly string[]): Running {
  const orders = { root: runDir, limits, kill: null, fill: null, report: null, plant: null }
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [ordersVariable]: JSON.stringify(orders) },
  })
  let [out, err] = ['', '']
  child.stdout!.on('data', data => (out += data))
  // Progress goes there: only its end is of use.
  child.stderr!.on('data', data => (err = (err + data).slice(-4000)))
  return {
    child,
    ended: new Promise(resolve => child.on('close', (status, signal) => resolve({ status, signal, out, err }))),
  }
}

const here = (name: string) => join(import.meta.dirname, name)
const bin = here('../../bin/headrace.js')
const runArgs = ['--import', new URL('./preload.ts', import.meta.url).href, bin, 'run', subject.pipeline, '--dir', runs]
if (values.log) runArgs.push('--log', values.log)
const startRun = (...more: string[]) => start([...runArgs, '--workers', values.workers, '--json', ...more])
let runNow: Running | null = null

/** Lives of the run, one after the other; the last one is ended by SIGINT once all is decided. */
async function keepRunning(): Promise<void> {
  while (!stopKilling.signal.aborted) {
    runNow = startRun('--follow')
    totals.runLives++
    const { child, ended } = runNow
    const endMemory = watchMemory(child.pid)
    const first = await Promise.race([ended, pause(killEveryMs * (0.7 + 0.6 * random()), stopKilling.signal)])
    if (first) {
      violations.push(`the run ended by itself with status ${first.status ?? first.signal}: ${first.err}`)
      break
    }
    if (stopKilling.signal.aborted) {
      await waitUntilDecided()
      child.kill('SIGINT')
      const { status, signal, err } = await ended
      if (status !== 130) violations.push(`SIGINT ended the run with status ${status ?? signal}: ${err}`)
    } else {
      child.kill('SIGKILL')
      totals.runKills++
      await ended
    }
    const memory = endMemory()
    if (memory) lives.push(memory)
  }
}

/** Readers, one after the other, each with another world size; the last one ends with the feed. */
async function keepReading(): Promise<void> {
  for (;;) {
    const world = [1, 2, 4, 8][Math.floor(random() * 4)]
    const { child, ended } = start([here('soak-reader.ts'), join(runDir, 'feed'), records, String(world)])
    totals.readerLives++
    const first = await Promise.race([ended, pause(killEveryMs * (0.3 + 1.2 * random()), stopKilling.signal)])
    const last = first ?? (stopKilling.signal.aborted ? await ended : null)
    if (last?.status === 0) return
    if (last) {
      violations.push(`the reader ended with status ${last.status ?? last.signal}: ${last.err}`)
      return
    }
    child.kill('SIGKILL')
    totals.readerKills++
    await ended
  }
}

async function decidedCount(): Promise<number> {
  if (!existsSync(join(runDir, 'run.json'))) return 0
  await using run = await RunReader.open(runDir)
  return (await readStanding(run.log, run.run)).decide.totals.documents
}

const decideSecondsMax = 300

async function waitUntilDecided(): Promise<void> {
  for (let tries = 0; tries < decideSecondsMax; tries++) {
    if ((await decidedCount()) >= lineCount()) return
    await sleep(1000)
  }
  violations.push(
    `${await decidedCount()} of ${lineCount()} records were decided ${decideSecondsMax} s after the last came`,
  )
}

async function describeNow(): Promise<string> {
  const { records: steps } = await readRecords(records)
  const mb = residentMb(runNow?.child.pid)
  const minutes = ((performance.now() - began) / 60_000).toFixed(1)
  return `${minutes} min: ${formatCount(lineCount())} records written, ${formatCount(await decidedCount())} decided, ${formatCount(steps.length)} steps read; ${totals.runKills} kills of the run, ${totals.readerKills} of the reader; ${mb?.toFixed(0) ?? '-'} MB`
}

async function tellNow(): Promise<void> {
  while (!stopKilling.signal.aborted) {
    await pause(30_000, stopKilling.signal)
    say(await describeNow())
  }
}

/** Bytes that the deciders' tables take for a kept document, at most; they hold every document, so they grow by design. */
const tableBytes = 600
/** What the medians of lives may otherwise grow by: noise of the garbage collector. */
const growthMax = 1.25

function checkMemory(kept: number): Checked {
  const { firstMb, lastMb, maxMb } = memoryTrend(lives)
  const allowedMb = firstMb * growthMax + (kept * tableBytes) / 1e6
  const text = `first third ${firstMb.toFixed(0)} MB, last third ${lastMb.toFixed(0)} MB, at most ${maxMb.toFixed(0)} MB`
  say(`memory of the run by life: ${lives.map(life => life.medianMb.toFixed(0)).join(' ')} MB (medians)`)
  const wrong = lastMb > allowedMb ? [`memory grew: ${text}, allowed ${allowedMb.toFixed(0)} MB`] : []
  return { what: `lives; memory: ${text}`, count: lives.length, wrong }
}

/** Ends the run, as a finite input does, and checks all that came out. */
async function finish(reading: Promise<void>): Promise<Checked[]> {
  const { status, signal, out, err } = await startRun().ended
  if (status !== 0) violations.push(`the last run ended with status ${status ?? signal}: ${err}`)
  const { documents, kept, dropped, dead } = JSON.parse(out || '{"dropped":{}}')
  const droppedAll = Object.values(dropped as Record<string, number>).reduce((a, b) => a + b, 0)
  if (documents !== lineCount() || documents !== kept + droppedAll + dead)
    violations.push(`${lineCount()} written, ${documents} in: ${kept} kept, ${droppedAll} dropped, ${dead} dead`)
  await reading
  const fates = await checkFates(runDir, written)
  const checks = [fates, await checkShards(runDir, fates.kept), await checkSteps(join(runDir, 'feed'), records)]
  if (await hasVerify(subject)) {
    const found = await verify(subject, runs, runName)
    checks.push({ what: 'headrace verify', count: 1, wrong: found.status === 0 ? [] : [`${found.err}${found.out}`] })
  }
  return [...checks, checkMemory(fates.kept.size)]
}

await Promise.all([input, aside].map(dir => mkdir(dir)))
await writeFile(
  subject.pipeline,
  `import * as h from 'headrace'
export default h.pipeline('${runName}').from(h.jsonl(${JSON.stringify(join(input, '*.jsonl'))}, { pollMs: 500 }))
  .annotate(h.normalize(), h.gopherQuality(), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates(), h.holdout({ rate: 0.02 }))
  .tokenize('gpt2').feed({ length: 256, batch: ${batch}, blockTokens: 100_000 })
`,
)
say(`soak in ${root}, seed ${values.seed}: ${values.minutes} minutes, a kill about every ${values['kill-every']} s`)
const writing = write()
const reading = keepReading()
const telling = tellNow()
const running = keepRunning()
await Promise.race([sleep(endMs), running])
stopWriting.abort()
await writing
stopKilling.abort()
await Promise.all([running, telling])
const checks = await finish(reading)
const rows = checks.map(({ what, count, wrong }) => [
  what,
  formatCount(count),
  wrong.length ? `${wrong.length} wrong` : 'ok',
])
say(formatTable(rows).trimEnd())
for (const { wrong } of checks) violations.push(...wrong)
for (const violation of violations.slice(0, 50)) say(`violation: ${violation}`)
say(
  `total: ${((performance.now() - began) / 60_000).toFixed(1)} min, ${totals.runLives + 1} lives of the run, ${totals.runKills} kills, ${totals.readerLives} of the reader, ${totals.readerKills} kills, ${written.size} files, ${lineCount()} records, ${violations.length} violations`,
)
if (violations.length || values.keep) {
  keepFolders()
  say(`kept: ${root}`)
}
process.exitCode = violations.length ? 1 : 0
