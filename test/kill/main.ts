import { glob } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { formatCount, formatTable } from '../../src/cli/table.ts'
import { randomFrom } from '../random.ts'
import { keepFolders } from '../temporary.ts'
import {
  type Chain,
  describeChain,
  type Outcome,
  type Reference,
  runBeside,
  runChain,
  runUndisturbed,
} from './chain.ts'
import { chooseKills, type Tally } from './choose.ts'
import { hasVerify, type Kill, makeSubject, parseKill, type Subject } from './life.ts'
import { compareWhole } from './output.ts'
import { points, unnamed } from './points.ts'
import { makeRecall, recallMutants } from './recall.ts'
import { makeReplay, mutants as replayMutants } from './replay.ts'

const mutants = { ...replayMutants, ...recallMutants }

const usage = `npm run kill -- [--kills N] [--workers 1,4] [--seed S] [--input GLOB] [--repeat POINT:N,...] [--replay | --recall] [--mutant NAME]
                [--no-verify] [--json]

Kills the real command line (SIGKILL) at each named point and at any other moment, starts it again, and compares every byte of shards and
feed, and at the end of each slot in the log, with an undisturbed run's. Its corpus is small and the run's limits are made small with it, for the undisturbed run too, so that
slots, shards, blocks, steps and files of the journal are cut all the way. One chain of kills a number of workers goes on at a time.

  --kills N        kills in all (default 300)
  --workers 1,4    worker threads of the runs (default 1,4)
  --seed S         of the corpus and of the choice of kills (default 1)
  --input GLOB     JSON Lines files instead of the made corpus
  --repeat LIST    one chain with these kills alone, as a failure prints it
  --replay         kills 'headrace replay' of a changed pipeline, and compares with a run of it over the input
  --recall         kills 'headrace enrich', and compares with one that was not killed
  --mutant NAME    plants a mistake in the replay or the recall, which must be found: ${Object.keys(mutants).join(', ')}
  --no-verify      leaves out 'headrace verify' after each kill
  --json           one line of JSON instead of the table
`

interface Row {
  kills: number
  restarts: number
  differingBytes: number
  verifyFailures: number
  failures: number
}
const emptyRow = (): Row => ({ kills: 0, restarts: 0, differingBytes: 0, verifyFailures: 0, failures: 0 })

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    workers: { type: 'string', default: '1,4' },
    seed: { type: 'string', default: '1' },
    input: { type: 'string' },
    repeat: { type: 'string' },
    replay: { type: 'boolean', default: false },
    recall: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    'no-verify': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const seed = Number(values.seed)
const workers = values.workers.split(',').map(Number)
const rows = new Map<string, Row>(
  [...points.map(({ name }) => name), ...Object.values(unnamed)].map(n => [n, emptyRow()]),
)
const tally: Tally = new Map()
const failures: string[] = []
const say = (text: string) => process.stderr.write(`${text}\n`)

function note({ kill, isKilled, differingBytes, isVerified, failure }: Outcome): void {
  if (isKilled) tally.set(kill.point, (tally.get(kill.point) ?? 0) + 1)
  const row = rows.get(kill.point)!
  if (isKilled) row.kills++
  row.differingBytes += differingBytes
  if (!isVerified) row.verifyFailures++
  if (failure) row.failures++
}

/** With so many kills for each point, one that was never reached is a mistake in the table. */
const killsPerPoint = 2.5

/** After so many, more would only fill the disk with folders that are kept. */
const failuresMax = 10

/** A restart is counted where the kill before it was; so is what only the restart brings to light. */
function noteChain(chain: Chain, count: number): void {
  const killed = chain.outcomes.filter(outcome => outcome.isKilled)
  for (const { kill } of killed.slice(0, chain.restarts)) rows.get(kill.point)!.restarts++
  if (chain.failure === null) return
  const command = `npm run kill -- --seed ${seed} --workers ${count} --repeat '${describeChain(chain)}'`
  const input =
    (values.input ? ` --input '${values.input}'` : '') +
    (values.replay ? ' --replay' : '') +
    (values.recall ? ' --recall' : '')
  keepFolders()
  failures.push(`${chain.failure}\n  folder kept: ${chain.dir}\n  again: ${command}${input}`)
  say(`failure: ${failures.at(-1)}`)
}

async function runLane(subject: Subject, reference: Reference, count: number, kills: number, verifies: boolean) {
  const random = randomFrom(seed * 1000 + count)
  for (let done = 0; done < kills && failures.length < failuresMax; ) {
    const next = chooseKills(reference, tally, random)
    const onOutcome = (outcome: Outcome) => {
      note(outcome)
      if (outcome.isKilled && ++done % 25 === 0) say(`${count} workers: ${done} of ${kills} kills`)
    }
    const isEnough = (outcomes: readonly Outcome[]) => (done >= kills ? null : next(outcomes))
    noteChain(await runChain(subject, reference, { workers: count, verifies, next: isEnough, onOutcome }), count)
  }
}

async function repeat(subject: Subject, reference: Reference, list: readonly Kill[], verifies: boolean): Promise<void> {
  const left = [...list]
  const next = () => left.shift() ?? null
  noteChain(await runChain(subject, reference, { workers: workers[0], verifies, next, onOutcome: note }), workers[0])
}

/** Undisturbed runs with each number of workers: their bytes must be the same before any kill. */
async function referTo(subject: Subject): Promise<Reference[]> {
  const references: Reference[] = []
  for (const count of workers)
    references.push(await (subject.base && !subject.recall ? runBeside : runUndisturbed)(subject, count))
  for (const [i, { output }] of references.entries()) {
    const { bytes, files } = compareWhole(references[0].output, output)
    if (bytes) failures.push(`undisturbed, ${workers[i]} workers differ from ${workers[0]}: ${bytes} bytes in ${files}`)
  }
  return references
}

function print(seconds: number, verifies: boolean): void {
  const total = emptyRow()
  for (const row of rows.values()) for (const key of Object.keys(total) as (keyof Row)[]) total[key] += row[key]
  const reached = points.filter(({ name }) => rows.get(name)!.kills > 0).length
  if (values.json) {
    const table = Object.fromEntries(rows)
    const figures = {
      seed,
      workers,
      seconds,
      verifies,
      points: points.length,
      reached,
      ...total,
      failed: failures.length,
    }
    process.stdout.write(`${JSON.stringify({ ...figures, table, messages: failures })}\n`)
    return
  }
  const cells = ({ kills, restarts, differingBytes, verifyFailures, failures: failed }: Row) =>
    [kills, restarts, differingBytes, verifies ? verifyFailures : '-', failed].map(n =>
      typeof n === 'number' ? formatCount(n) : n,
    )
  const head = ['point', 'kills', 'restarts', 'differing bytes', 'verify failures', 'failures']
  const shown = [...rows].filter(([, { kills }]) => kills > 0 || values.repeat === undefined)
  const body = shown.map(([name, row]) => [name, ...cells(row)])
  process.stdout.write(formatTable([head, ...body, [`${reached} of ${points.length} points`, ...cells(total)]]))
  for (const failure of failures) process.stdout.write(`failure: ${failure}\n`)
  const pace = ((60 * total.kills) / seconds).toFixed(0)
  process.stdout.write(
    `total: ${total.kills} kills, ${total.restarts} restarts, ${total.differingBytes} differing bytes, ${verifies ? `${total.verifyFailures} verify failures` : 'verify not run'}, ${failures.length} failures; seed ${seed}, workers ${workers.join(' and ')}, ${seconds.toFixed(0)} s, ${pace} kills a minute\n`,
  )
}

const input = values.input === undefined ? [] : (await Array.fromAsync(glob(values.input))).sort()
if (values.mutant !== undefined && !mutants[values.mutant]) throw new Error(`no mutant '${values.mutant}'\n${usage}`)
const plant = values.mutant === undefined ? null : mutants[values.mutant]
const unplanted = await (values.recall ? makeRecall : values.replay ? makeReplay : makeSubject)({ seed, input })
const subject = { ...unplanted, plant }
const verifies = !values['no-verify'] && (await hasVerify(subject))
const references = await referTo(unplanted)
const began = performance.now()
if (values.repeat !== undefined)
  await repeat(subject, references[0], values.repeat.split(',').filter(Boolean).map(parseKill), verifies)
else {
  const share = Math.ceil(Number(values.kills) / workers.length)
  const runAt = (i: number) => runLane(subject, references[i], workers[i], share, verifies)
  // Recalls of one run go one after the other: one beside another that was killed would be refused.
  if (subject.recall) for (const i of workers.keys()) await runAt(i)
  else await Promise.all([...workers.keys()].map(runAt))
  const missed = points.filter(({ name }) => rows.get(name)!.kills === 0).map(({ name }) => name)
  const isEnough = Number(values.kills) >= killsPerPoint * points.length
  if (missed.length && isEnough && failures.length === 0) failures.push(`never reached: ${missed.join(', ')}`)
}
print((performance.now() - began) / 1000, verifies)
process.exitCode = failures.length ? 1 : 0
