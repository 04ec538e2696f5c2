import { parseArgs } from 'node:util'
import { formatTable } from '../../src/cli/table.ts'
import { makeFolder } from '../temporary.ts'
import { runJobs } from './fuzz.ts'
import { keepRegression } from './regressions.ts'
import { makeCase } from './target.ts'
import { findTarget, targets } from './targets.ts'
import type { Failure } from './worker.ts'

// npm run fuzz -- [--minutes M] [--target NAME] [--seed S]: fuzzes one reader or all, and keeps what fails in test/fuzz/regressions/.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const seed = Number(values.seed)
const chosen = targets.filter(({ name }) => values.target === undefined || name.startsWith(values.target))
const ms = (Number(values.minutes) * 60_000) / chosen.length
if (!(ms > 0) || !Number.isSafeInteger(seed)) {
  console.error(
    `give --minutes above 0, a whole --seed, and a --target of: ${targets.map(({ name }) => name).join(', ')}`,
  )
  process.exit(64)
}
console.log(`seed ${seed}`)
const rows: string[][] = []
let failed = 0
for (const { name } of chosen) {
  const job = { target: name, from: 0, cases: Number.MAX_SAFE_INTEGER, ms, withRegressions: true }
  const { failures, done } = await runJobs([job], { seed, minimises: true })
  for (const failure of failures) {
    const { index, bytes } = failure.index < 0 ? await makeAgain(failure) : failure
    console.log(`\n${name}, case ${failure.name} of seed ${seed}: ${failure.message}`)
    if (/^\d+$/.test(failure.name)) console.log(`  kept as ${keepRegression(name, index, bytes)}`)
  }
  const cases = done.reduce((sum, part) => sum + part.cases, 0)
  const spent = done.reduce((sum, part) => sum + part.ms, 0)
  failed += failures.length
  const outcomes = Object.entries(done.at(-1)?.outcomes ?? {}).sort(([, a], [, b]) => b - a)
  const share = outcomes.map(([outcome, count]) => `${outcome} ${Math.round((100 * count) / cases)}%`)
  rows.push([
    name,
    String(cases),
    String(Math.round((1000 * cases) / spent)),
    String(failures.length),
    share.join(', '),
  ])
}
console.log(`\n${formatTable([['target', 'cases', 'cases/s', 'failures', 'outcomes'], ...rows], [0, 4])}`)
process.exitCode = failed > 0 ? 1 : 0

/** The input of a case that ended its worker. */
async function makeAgain({ target, name }: Failure) {
  return makeCase(await findTarget(target).open(makeFolder('fuzz')), seed, Number(name))
}
