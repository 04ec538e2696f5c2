import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { formatTable } from '../../../src/cli/table.ts'
import { findLockHolder } from '../../../src/disk/lock.ts'
import { randomFrom } from '../../random.ts'
import { writeCorpus } from '../../run/fixture.ts'
import { keepFolders, makeFolder } from '../../temporary.ts'
import { type Process, startProcess } from '../kafka/members.ts'
import { makeSubject, runName, verify } from '../life.ts'
import { judge } from './judge.ts'
import { readLives, Trainer } from './trainer.ts'

/** It leaves out the step behind a checkpoint; it takes targets for tokens now and then. */
const mutants = ['skipped-step', 'other-tokens']

const usage = `npm run kill:trainers -- [--kills N] [--seed S] [--mutant NAME] [--json]

A pipeline that follows a folder where text arrives, 'headrace serve', and a trainer in Python of 1, 2 or 4 ranks that reads over HTTP: each of
them, and any of them together, is killed (SIGKILL) while all are at work, and started again, the trainer at its newest checkpoint and with
another number of ranks. In the end every step must have been taken, in order, with the tokens that the reader in TypeScript gives of the feed
that stands then, 'headrace verify' must find nothing, and no process may be left. Needs Python with numpy and pyarrow (PYTHON).

  --kills N   moments at which something is killed (default 100)
  --seed S    of the text and of the choice of kills (default 1)
  --mutant M  a mistake of the trainer, which must be found: ${mutants.join(', ')}
  --json      one line of JSON instead of the table
`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    mutant: { type: 'string', default: 'none' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || !['none', ...mutants].includes(values.mutant)) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 64)
}

const [kills, seed] = [Number(values.kills), Number(values.seed)]
const random = randomFrom(seed)
const below = (max: number) => Math.floor(random() * max)
const began = performance.now()
const say = (text: string) => process.stderr.write(`${text}\n`)

/** Whoever is killed together, in turn: what a seed changes is when. */
const victims = ['pipeline', 'server', 'trainer'] as const
type Victim = (typeof victims)[number]
const together: readonly (readonly Victim[])[] = Array.from({ length: 7 }, (_, i) =>
  victims.filter((_, bit) => ((i + 1) >> bit) & 1),
)

/** Between two moments: some come while what was killed begins again, others when it has taken some steps. */
const pauseMsMax = 2500
/** What `headrace run` ends with that was asked to stop and has finished what it had read. */
const stoppedStatus = 130
/** A piece of text at the beginning for each of a feed's first blocks, and one with each kill: some 20 steps. */
const [firstPieces, documentsPerFile] = [12, 16]

const subject = await makeSubject({ seed, documentsPerFile: 1 })
// A live feed begins soon.
writeFileSync(subject.pipeline, readFileSync(subject.pipeline, 'utf8').replace('.feed({', '.feed({ freshness: 2,'))
const corpus = await writeCorpus({ seed, files: kills + firstPieces, documentsPerFile })
const pieces = readdirSync(corpus.dir)
  .filter(name => name.endsWith('.jsonl'))
  .sort()
const dir = makeFolder('kill-trainers')
const [growing, runs, folder, cache] = ['growing', 'runs', 'trainer', 'cache'].map(name => join(dir, name))
for (const path of [growing, folder, cache]) mkdirSync(path)
const feed = join(runs, runName, 'feed')
const port = await findPort()
const place = { url: `http://127.0.0.1:${port}/feed/`, cache, folder, mutant: values.mutant }

const addText = () => {
  const name = pieces.shift()
  if (name) renameSync(join(corpus.dir, name), join(growing, name))
}
const startRun = (more: readonly string[]) =>
  startProcess(subject, join(runs, runName), [
    ...['run', subject.pipeline, '--input', join(growing, '*.jsonl'), '--dir', runs, '--workers', '1', '--json'],
    ...more,
  ])
const startServer = () => startProcess(subject, join(runs, runName), ['serve', feed, '--port', String(port), '--json'])

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port: free } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return free
}

for (let i = 0; i < firstPieces; i++) addText()
let run: Process = startRun(['--follow'])
while (!existsSync(join(feed, 'head.json'))) await sleep(50)
let server: Process = startServer()
let [life, world] = [0, 1]
let trainer = new Trainer(place, life, world)
const trainers = [trainer]
const counts = new Map<string, number>()

async function killAll(names: readonly Victim[]): Promise<void> {
  counts.set(names.join(' and '), (counts.get(names.join(' and ')) ?? 0) + 1)
  if (names.includes('pipeline')) run.child.kill('SIGKILL')
  if (names.includes('server')) server.child.kill('SIGKILL')
  if (names.includes('trainer')) await trainer.kill(random() < 0.5 ? 'all' : below(world))
  if (names.includes('pipeline')) await run.ended
  if (names.includes('server')) await server.ended
}

/** Not all at once: a trainer finds no server at times, and a server serves a feed that nobody writes. */
async function startAgain(names: readonly Victim[]): Promise<void> {
  for (const name of [...names].sort(() => random() - 0.5)) {
    if (name === 'pipeline') run = startRun(['--follow'])
    if (name === 'server') server = startServer()
    if (name === 'trainer') {
      world = [1, 2, 4][below(3)]
      trainer = new Trainer(place, ++life, world)
      trainers.push(trainer)
    }
    await sleep(below(300))
  }
}

/** A run that has its lock takes signals: before, on a machine with much to do, it would die of one. */
async function waitForLock(): Promise<void> {
  const isHeld = async () => (await findLockHolder(join(runs, runName)))?.pid === run.child.pid
  while (run.child.exitCode === null && !(await isHeld())) await sleep(50)
}

function checkAtWork(): void {
  const failure = trainer.findFailure()
  if (failure) throw new Error(failure)
  for (const { child } of [run, server])
    if (child.exitCode !== null)
      throw new Error(`${child.spawnargs.slice(3, 5).join(' ')} ended with ${child.exitCode}`)
}

try {
  for (let kill = 0; kill < kills; kill++) {
    await sleep(random() < 0.3 ? below(300) : below(pauseMsMax))
    checkAtWork()
    const names = together[kill % together.length]
    await killAll(names)
    addText()
    await startAgain(names)
    if (kill % 10 === 9) say(`${kill + 1} of ${kills} kills`)
  }
  await sleep(1000)
  await waitForLock()
  checkAtWork()
  run.child.kill('SIGINT')
  const drained = await run.ended
  if (drained.status !== stoppedStatus) throw new Error(`the run ended with ${drained.status}: ${drained.err}`)
  run = startRun([])
  const ended = await run.ended
  if (ended.status !== 0) throw new Error(`the run ended with ${ended.status}: ${ended.err}`)
  await trainer.end()
  server.child.kill('SIGTERM')
  const served = await server.ended
  if (served.status !== 0) throw new Error(`the server ended with ${served.status}: ${served.err}`)
  const verified = await verify(subject, runs)
  if (verified.status !== 0) throw new Error(`headrace verify: ${verified.out}${verified.err}`)
  const left = trainers.reduce((sum, one) => sum + one.countLeft(), 0)
  if (left > 0) throw new Error(`${left} processes of trainers are left`)
  const verdict = await judge(feed, readLives(folder))
  const figures = {
    seed,
    kills,
    trainers: trainers.length,
    ...verdict,
    seconds: Math.round((performance.now() - began) / 1000),
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ ...figures, killed: Object.fromEntries(counts) })}\n`)
  else
    process.stdout.write(formatTable([['killed', 'times'], ...[...counts].map(([name, count]) => [name, `${count}`])]))
  if (!values.json)
    process.stdout.write(
      `total: ${kills} kills, ${trainers.length} lives of trainers; ${verdict.steps} steps, each taken, ${verdict.repeated} again behind a checkpoint, ${verdict.compared} parts of batches as TypeScript reads them; seed ${seed}, ${figures.seconds} s\n`,
    )
} catch (error) {
  keepFolders()
  process.stdout.write(`failure: ${(error as Error).message}\n  folder kept: ${dir}; seed ${seed}\n`)
  process.exitCode = 1
} finally {
  run.child.kill('SIGKILL')
  server.child.kill('SIGKILL')
  await trainer.kill('all')
}
