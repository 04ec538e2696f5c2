import { Children } from './children.ts'
import { hasSameFailure, huntMutants } from './hunt.ts'
import { minimise } from './minimise.ts'
import { type Options, readOptions, usage } from './options.ts'
import { addTo, describeFailure, describeProgress, describeTotals, emptyTotals } from './report.ts'
import type { Simulated } from './simulate.ts'

/** `npm run simulate`: many seeds, their totals on the last line, and exit status 1 when one fails. */
async function main(options: Options): Promise<number> {
  if (options.isTraced) return traceSeeds(options)
  if (options.mutants) return huntMutants(options)
  const log = options.isJson ? process.stderr : process.stdout
  const totals = emptyTotals()
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const isOver = (done: number) => (options.minutes ? seconds() >= options.minutes * 60 : done >= options.seeds)
  const failures: Simulated[] = []
  await using children = new Children()
  let next = 0
  const work = async () => {
    while (!isOver(next) && failures.length < failuresMax) {
      const result = await children.simulate(options.first + next++, options.reduction)
      addTo(totals, result)
      if (result.failure) {
        failures.push(result)
        log.write(`seed ${result.seed} failed its check '${result.failure.check}': more at the end\n`)
      }
      if (totals.seeds % progressSeeds === 0) log.write(`${describeProgress(totals, seconds())}\n`)
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, work))
  for (const failure of failures) log.write(`\n${await explain(children, failure, options)}\n`)
  const unused = Object.entries(totals.faults).filter(([, count]) => count === 0)
  if (unused.length && totals.seeds >= progressSeeds)
    log.write(`no fault of these kinds: ${unused.map(([kind]) => kind).join(', ')}\n`)
  if (options.isJson) process.stdout.write(`${JSON.stringify({ ...totals, seconds: seconds(), failures })}\n`)
  else log.write(`${describeTotals(totals, seconds())}\n`)
  return failures.length ? 1 : 0
}

/** Further failures are mostly the same again. */
const failuresMax = 5
const progressSeeds = 100

async function explain(children: Children, failure: Simulated, { reduction }: Options): Promise<string> {
  if (reduction.faults || reduction.lines !== undefined) return describeFailure(failure, reduction)
  const again = await children.simulate(failure.seed)
  if (!hasSameFailure(again, failure))
    return `${describeFailure(failure, {})}\n  it did not fail when it was repeated: the simulation is not deterministic`
  const smaller = await minimise(children, failure)
  return describeFailure(smaller.last, smaller.reduction)
}

/** Simulates in this process and prints each operation. */
async function traceSeeds({ seeds, first, reduction }: Options): Promise<number> {
  const { simulate } = await import('./simulate.ts')
  let failed = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const onEvent = (nowMs: number, label: string) =>
      process.stdout.write(`${nowMs.toFixed(3).padStart(12)}  ${label}\n`)
    const result = await simulate(seed, reduction, onEvent)
    failed += Number(result.failure !== null)
    process.stdout.write(result.failure ? `${describeFailure(result, reduction)}\n` : `seed ${seed} is fine\n`)
  }
  return failed ? 1 : 0
}

try {
  process.exitCode = await main(readOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}\n`)
  process.exitCode = 64
}
