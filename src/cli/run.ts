import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readFeed } from '../feed/read.ts'
import { emptyProgress } from '../run/progress.ts'
import { runPipeline } from '../run/run.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { printSteps } from './feed.ts'
import { loadPlan, referTo } from './load-plan.ts'
import { showProgress } from './show-progress.ts'
import { printSummary, summaryOf } from './summary.ts'

export const runCommand: Command = {
  name: 'run',
  usage: 'PIPELINE',
  summary: 'Runs a pipeline until its input ends; run again, it goes on where it was.',
  positionals: { min: 1, max: 1 },
  options: {
    input: {
      value: 'GLOB',
      multiple: true,
      help: "reads these files instead of the pipeline's own input (repeatable)",
    },
    dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
    run: { value: 'RUN', help: "name of the run (default the pipeline's name)" },
    follow: { help: 'waits for further files instead of ending' },
    workers: { value: 'N', help: 'worker threads (default one a core)' },
    json: { help: 'ends with one line of JSON' },
  },
  run: (args, terminal) => runFile(args.positionals[0], args, terminal),
}

/** Steps that a run shows at its end. */
const stepsShown = 5

/** Runs a pipeline file with the options of `run`. */
export async function runFile(file: string, args: ParsedArgs, terminal: Terminal): Promise<number> {
  const ref = referTo(file, args.texts('input'), args.flag('follow'))
  const plan = await loadPlan(ref)
  const name = args.text('run') ?? plan.name
  const dir = join(args.text('dir') ?? '.headrace', name)
  const workers = args.count('workers', Math.max(1, availableParallelism()))
  const progress = emptyProgress()
  const drain = drainOnSignal(terminal)
  const started = performance.now()
  const cpu = process.cpuUsage()
  const display = showProgress(progress, args.flag('json') ? { ...terminal, out: terminal.err } : terminal)
  try {
    await runPipeline(plan, ref, { dir, workers, drain: drain.signal, progress })
  } finally {
    display.stop()
    drain.stop()
  }
  const used = process.cpuUsage(cpu)
  const summary = summaryOf(name, progress, {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
  })
  if (args.flag('json')) terminal.out.write(`${JSON.stringify(summary)}\n`)
  else {
    printSummary(summary, progress, dir, terminal)
    if (progress.steps > 0) {
      terminal.out.write('\nfirst steps of the feed\n')
      await printSteps(readFeed(join(dir, 'feed')), stepsShown, terminal)
    }
  }
  return drain.signal.aborted ? 130 : 0
}

/** The first signal finishes what was read and stops; the second stops at once. Neither loses anything. */
function drainOnSignal(terminal: Terminal): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    terminal.err.write(
      'headrace: finishing what was read; the same command goes on later. Press again to stop at once.\n',
    )
    controller.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return { signal: controller.signal, stop: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal) }
}
