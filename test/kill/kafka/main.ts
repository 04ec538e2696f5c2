import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { formatCount, formatTable } from '../../../src/cli/table.ts'
import { keepFolders } from '../../temporary.ts'
import { runUndisturbed } from '../chain.ts'
import { Brokers } from './brokers.ts'
import { type Kind, kinds } from './choose.ts'
import { disturbRun, type Rig, type RunResult } from './disturbed-run.ts'
import { makeKafkaSubject, mutants } from './subject.ts'

const usage = `node test/kill/kafka/main.ts [--kills N] [--seed S] [--nodes 1|3] [--processes N] [--partitions P] [--minutes M] [--json]

Starts brokers of its own (test/kafka/start-kafka.sh) and runs the real command line with its log there, one run after another, each to
its end, while clients and brokers are killed, stopped, and cut off from each other. Shards and feed must be those of an undisturbed run
with its log in the folder, byte for byte, and every row of the input must have one fate in the topics.

  --kills N       SIGKILLs in all (default 200)
  --seed S        of the choice of disturbances (default 1)
  --nodes N       brokers, 1 or 3 (default 1)
  --processes N   processes of each run; more than one are started with --spread (default 1)
  --partitions P  of the topics of slots (default 4)
  --minutes M     begins no further run after so long
  --input GLOB    JSON Lines files (default pipelines/sample)
  --port PORT     of the first broker; each takes ten (default 19700)
  --only N        run N of this seed alone, as a failure prints it
  --mutant NAME   plants a mistake, which must be found: ${Object.keys(mutants).join(', ')}
  --json          one line of JSON instead of the table
`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '1' },
    processes: { type: 'string', default: '1' },
    partitions: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '1e9' },
    input: { type: 'string', default: join(import.meta.dirname, '../../../pipelines/sample/*.jsonl.gz') },
    port: { type: 'string', default: '19700' },
    only: { type: 'string' },
    mutant: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || (values.mutant !== undefined && !(values.mutant in mutants))) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 64)
}

const [seed, killsWanted, nodes] = [values.seed, values.kills, values.nodes].map(Number)
const began = performance.now()
const secondsGone = () => (performance.now() - began) / 1000
const times = Object.fromEntries(Object.keys(kinds).map(kind => [kind, 0])) as Record<Kind, number>
const results: RunResult[] = []
const failures: string[] = []
let kills = 0
/** After so many, more would only fill the disk with folders that are kept; of a planted mistake one is enough. */
const failuresMax = values.mutant === undefined ? 3 : 1

const say = (text: string) => process.stderr.write(`${text}\n`)

async function runOne(rig: Rig, number: number): Promise<void> {
  const started = performance.now()
  const result = await disturbRun(rig, number, () => kills >= killsWanted).catch(
    error => ({ counts: {}, failure: `judging it failed: ${error}`, dir: '-' }) satisfies RunResult,
  )
  results.push(result)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  say(`run ${number}: ${seconds} s, ${kills} of ${killsWanted} kills so far, ${result.failure ?? 'the same bytes'}`)
  if (result.failure === null) return
  const options = ['seed', 'nodes', 'processes', 'partitions', 'input', 'mutant'] as const
  const given = options.filter(name => values[name] !== undefined).map(name => `--${name} '${values[name]}'`)
  const again = `node test/kill/kafka/main.ts ${given.join(' ')} --only ${number}`
  keepFolders()
  failures.push(`run ${number}: ${result.failure}\n  folder kept: ${result.dir}\n  again: ${again}`)
}

function figures() {
  const counts: Record<string, number> = {}
  for (const result of results)
    for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count
  const seconds = Math.round(secondsGone())
  return { runs: results.length, kills, ...counts, seconds }
}

/** `differingBytes` as `differing bytes`. */
const wordsOf = (name: string) => name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)

function print(found: Record<string, number>): void {
  if (values.json) {
    const { seed, nodes, processes, partitions } = values
    process.stdout.write(
      `${JSON.stringify({ seed, nodes, processes, partitions, disturbances: times, ...found, failures })}\n`,
    )
    return
  }
  const disturbed = Object.entries(times).map(([kind, count]) => [kinds[kind as Kind].name, formatCount(count)])
  const counted = Object.entries(found).map(([name, count]) => [wordsOf(name), formatCount(count)])
  process.stdout.write(
    formatTable([['', 'times'], ...disturbed, ['', ''], ...counted, ['failures', `${failures.length}`]]),
  )
  for (const failure of failures) process.stdout.write(`failure: ${failure}\n`)
}

const input = (await Array.fromAsync(glob(values.input))).sort()
const { undisturbed, disturbed, logConfig } = await makeKafkaSubject(seed, input, values.mutant)
const reference = await runUndisturbed(undisturbed, 1)
say(
  `undisturbed, embedded: ${reference.seconds.toFixed(1)} s, ${reference.output.size} files; starting ${nodes} brokers`,
)
const brokers = await Brokers.start(nodes, Number(values.port))
// Clients without brokers end by themselves.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => brokers[Symbol.asyncDispose]().finally(() => process.exit(130)))
try {
  const rig: Rig = {
    ...{ brokers, logConfig, seed, subject: disturbed },
    ...{ processes: Number(values.processes), partitions: Number(values.partitions) },
    expected: { output: reference.output, documents: JSON.parse(reference.figures).documents },
    onDisturbed: (kind, count) => {
      times[kind]++
      kills += count
    },
  }
  if (values.only !== undefined) await runOne(rig, Number(values.only))
  else
    for (let number = 0; kills < killsWanted && failures.length < failuresMax; number++) {
      if (secondsGone() > 60 * Number(values.minutes)) break
      await runOne(rig, number)
    }
} finally {
  await brokers[Symbol.asyncDispose]()
}
print(figures())
process.exitCode = failures.length ? 1 : 0
