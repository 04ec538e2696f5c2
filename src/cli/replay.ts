import { HeadraceError } from '../errors.ts'
import type { ReplayOptions } from '../run/options.ts'
import type { Command, ParsedArgs } from './command.ts'
import { locateRun, openRunAt } from './find-run.ts'
import { loadPlan, referTo } from './load-plan.ts'
import { showReplayPlan } from './replay-plan.ts'
import { runModule, shareOptions, showEnd } from './run.ts'
import { watchOptions } from './watch-run.ts'

export const replayCommand: Command = {
  name: 'replay',
  usage: 'RUN PIPELINE',
  summary: 'Runs a changed pipeline over the documents of another run, and measures only what changed.',
  details:
    'Gives byte for byte what the pipeline would give over the same input. Measurements of which nothing changed are read back, and text where it is the same; only where they are not stored is the source read again, and must be as it was. The new run refers to the rows of RUN, which is not trimmed or removed under it. Killed or stopped, the same command goes on.',
  outlivesReader: true,
  options: {
    dir: { value: 'DIR', help: 'folder of all runs (default .headrace)' },
    run: { value: 'NAME', help: 'name of the new run (required)' },
    'from-slot': { value: 'N', help: 'the first slot (default the first that RUN has)' },
    'to-slot': { value: 'N', help: 'the slot behind the last (default what RUN has decided)' },
    plan: { help: 'shows what would be read back and what measured, and does nothing' },
    copy: { help: 'stores all rows, so that the new run refers to no other' },
    recompute: {
      value: 'ANNOTATOR',
      multiple: true,
      help: 'asks an inexact annotator again what it has answered; repeatable',
    },
    log: { value: 'URL', help: "where the new run's log is: kafka://HOST:PORT[,HOST:PORT] (default in its folder)" },
    'log-config': { value: 'FILE', help: "client properties for it, as Kafka's own tools take them (sasl.*, ssl.*)" },
    partitions: { value: 'N', help: "partitions of each topic of slots of a new run (default RUN's)" },
    spread: { help: 'makes the new run one that several processes share: start the same command in each' },
    ...shareOptions,
    'keep-slots': { value: 'N', help: 'trims slots that the new run needs no more, but for the last N (default all)' },
    drain: { help: 'finishes what was begun before, and stops' },
    workers: { value: 'N', help: 'worker threads (default one a core)' },
    ...watchOptions,
    json: { help: 'ends with one line of JSON; progress goes to standard error' },
  },
  run: async (args, terminal) => {
    const [name, file] = args.positionals
    const replay = optionsOf(await locateRun(name, args.text('dir')), args)
    const ref = referTo(file, await readInput(replay.of))
    if (args.flag('plan')) {
      await showReplayPlan(await loadPlan(ref), replay, args.flag('json'), terminal)
      return 0
    }
    if (args.text('run') === undefined)
      throw new HeadraceError('bad-option', 'a replay is a run of its own: give it a name with --run NAME')
    const finished = await runModule(ref, { ...args, flag: flag => knows(flag) && args.flag(flag) }, terminal, replay)
    await showEnd(finished, args.flag('json'), terminal)
    return finished.isStopped && !args.flag('drain') ? 130 : 0
  },
}

const knows = (option: string) => Object.hasOwn(replayCommand.options, option)

function optionsOf(of: string, args: ParsedArgs): ReplayOptions {
  const slot = (option: string) => (args.text(option) === undefined ? undefined : args.count(option, 0, 0))
  return {
    of,
    from: slot('from-slot'),
    to: slot('to-slot'),
    partitions: args.text('partitions') === undefined ? undefined : args.count('partitions', 1, 1, 1024),
    isCopy: args.flag('copy'),
    recompute: args.texts('recompute'),
  }
}

async function readInput(dir: string): Promise<readonly string[]> {
  await using run = await openRunAt(dir, { text: () => undefined })
  return run.run.input
}
