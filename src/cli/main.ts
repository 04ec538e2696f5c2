import { HeadraceError } from '../errors.ts'
import { type Command, describeCommand, parseCommand, type Terminal } from './command.ts'
import { judgeError, readVersion, Told } from './explain.ts'
import { guardTerminal } from './guard-terminal.ts'
import { followOutputs } from './outputs.ts'
import { formatPairs, pageWidth } from './wrap.ts'

/** How each command is loaded, in the order of a first day with Headrace: what the others import would take longer than a short one runs. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  try: async () => (await import('./try.ts')).tryCommand,
  init: async () => (await import('./init.ts')).initCommand,
  plan: async () => (await import('./plan.ts')).planCommand,
  run: async () => (await import('./run.ts')).runCommand,
  top: async () => (await import('./top.ts')).topCommand,
  browse: async () => (await import('./browse.ts')).browseCommand,
  report: async () => (await import('./report.ts')).reportCommand,
  replay: async () => (await import('./replay.ts')).replayCommand,
  release: async () => (await import('./release.ts')).releaseCommand,
  redrive: async () => (await import('./redrive.ts')).redriveCommand,
  look: async () => (await import('./look.ts')).lookCommand,
  trace: async () => (await import('./trace.ts')).traceCommand,
  fates: async () => (await import('./fates.ts')).fatesCommand,
  decisions: async () => (await import('./decisions.ts')).decisionsCommand,
  'what-if': async () => (await import('./what-if.ts')).whatIfCommand,
  diff: async () => (await import('./diff.ts')).diffCommand,
  feed: async () => (await import('./feed.ts')).feedCommand,
  mix: async () => (await import('./mix.ts')).mixCommand,
  control: async () => (await import('./control.ts')).controlCommand,
  batch: async () => (await import('./batch.ts')).batchCommand,
  budget: async () => (await import('./budget.ts')).budgetCommand,
  promote: async () => (await import('./promote.ts')).promoteCommand,
  unite: async () => (await import('./unite.ts')).uniteCommand,
  fork: async () => (await import('./fork.ts')).forkCommand,
  'take-down': async () => (await import('./take-down.ts')).takeDownCommand,
  audit: async () => (await import('./audit.ts')).auditCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  materialise: async () => (await import('./materialise.ts')).materialiseCommand,
  trim: async () => (await import('./trim.ts')).trimCommand,
  serve: async () => (await import('./serve.ts')).serveCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  runs: async () => (await import('./runs.ts')).runsCommand,
  remove: async () => (await import('./remove.ts')).removeCommand,
  seed: async () => (await import('./seed.ts')).seedCommand,
  calibrate: async () => (await import('./calibrate.ts')).calibrateCommand,
  value: async () => (await import('./value.ts')).valueCommand,
  enrich: async () => (await import('./enrich.ts')).enrichCommand,
  'enrich rounds': async () => (await import('./enrich-rounds.ts')).enrichRoundsCommand,
  deficits: async () => (await import('./deficits.ts')).deficitsCommand,
  classifier: async () => (await import('./classifier.ts')).classifierCommand,
  lm: async () => (await import('./lm.ts')).lmCommand,
  judge: async () => (await import('./judge.ts')).judgeCommand,
  topics: async () => (await import('./topics.ts')).topicsCommand,
}

/** All commands, in that order. */
export function loadCommands(): Promise<Command[]> {
  return Promise.all(Object.values(loaders).map(load => load()))
}

/** What each exit status means. `errors.ts` gives every error one of them. */
export const exitStatuses: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the runs that headrace diff compares are different'],
  ['3', 'held by a guard rail: see why, then headrace release or other rules'],
  ['4', 'done in part: what was printed says what is left out, or left for you to do'],
  ['64', 'a wrong option or pipeline: nothing was begun'],
  ['65', 'damaged data, or input that changed under its name'],
  ['66', 'not found'],
  ['69', 'beyond a limit, or this Node is too old'],
  ['70', 'a bug in Headrace'],
  ['73', 'in use by another process'],
  ['74', 'the disk or the file system refused: mend it, and run the same command again'],
  ['75', 'taken over by another process'],
  ['130', 'stopped by a signal (SIGINT, SIGTERM): the same command goes on'],
]

/** Runs the command line and returns the exit status. */
export async function main(
  argv: readonly string[],
  given: Terminal = { out: process.stdout, err: process.stderr },
): Promise<number> {
  const terminal = guardTerminal(given)
  const { name, rest } = splitName(argv)
  if (name === undefined || ['--help', '-h', 'help'].includes(name)) {
    const isAsked = name !== undefined
    terminal[isAsked ? 'out' : 'err'].write(await describeAll(pageWidth(terminal)))
    return isAsked ? 0 : 64
  }
  if (name === '--version') {
    terminal.out.write(`${readVersion()}\n`)
    return 0
  }
  const isCommand = Object.hasOwn(loaders, name)
  try {
    if (!isCommand)
      throw new HeadraceError(
        'bad-option',
        `there is no command '${name}'; the commands are ${Object.keys(loaders).join(', ')}`,
      )
    const command = await loaders[name]()
    if (rest.includes('--help') || rest.includes('-h')) {
      terminal.out.write(describeCommand(command, pageWidth(terminal)))
      return 0
    }
    const outputs = given.out === process.stdout ? followOutputs(command.outlivesReader === true) : null
    const status = await command.run(parseCommand(command, rest), terminal)
    await outputs?.check()
    return status ?? 0
  } catch (error) {
    if (error instanceof Told) return error.exit
    const who = isCommand ? `headrace ${name}` : 'headrace'
    const { exit, message } = judgeError(error, who)
    terminal.err.write(`${who}: ${message}\n`)
    return exit
  }
}

/** A command's name is a word, or two. */
function splitName(argv: readonly string[]): { readonly name: string | undefined; readonly rest: readonly string[] } {
  const two = argv.slice(0, 2).join(' ')
  if (argv.length > 1 && Object.hasOwn(loaders, two)) return { name: two, rest: argv.slice(2) }
  return { name: argv[0], rest: argv.slice(1) }
}

async function describeAll(width: number): Promise<string> {
  const commands = await loadCommands()
  const list = formatPairs(
    commands.map(({ name, summary }) => [name, summary] as const),
    width,
  )
  return `headrace: documents in, numbered training steps out\n\n${list}
headrace COMMAND --help says more; headrace --version names the version.

Exit statuses
${formatPairs(exitStatuses, width)}`
}
