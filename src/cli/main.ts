import { HeadraceError } from '../errors.ts'
import { auditCommand } from './audit.ts'
import { type Command, describeCommand, parseCommand, type Terminal } from './command.ts'
import { decisionsCommand } from './decisions.ts'
import { diffCommand } from './diff.ts'
import { doctorCommand } from './doctor.ts'
import { judgeError, readVersion, Told } from './explain.ts'
import { exportCommand } from './export.ts'
import { fatesCommand } from './fates.ts'
import { feedCommand } from './feed.ts'
import { forkCommand } from './fork.ts'
import { guardTerminal } from './guard-terminal.ts'
import { initCommand } from './init.ts'
import { lookCommand } from './look.ts'
import { followOutputs } from './outputs.ts'
import { planCommand } from './plan.ts'
import { promoteCommand } from './promote.ts'
import { redriveCommand } from './redrive.ts'
import { releaseCommand } from './release.ts'
import { removeCommand } from './remove.ts'
import { replayCommand } from './replay.ts'
import { reportCommand } from './report.ts'
import { runCommand } from './run.ts'
import { runsCommand } from './runs.ts'
import { seedCommand } from './seed.ts'
import { takeDownCommand } from './take-down.ts'
import { topicsCommand } from './topics.ts'
import { traceCommand } from './trace.ts'
import { tryCommand } from './try.ts'
import { verifyCommand } from './verify.ts'
import { whatIfCommand } from './what-if.ts'
import { formatPairs, pageWidth } from './wrap.ts'

/** All commands, in the order of a first day with Headrace. */
export const commands: readonly Command[] = [
  tryCommand,
  initCommand,
  planCommand,
  runCommand,
  reportCommand,
  replayCommand,
  releaseCommand,
  redriveCommand,
  lookCommand,
  traceCommand,
  fatesCommand,
  decisionsCommand,
  whatIfCommand,
  diffCommand,
  feedCommand,
  promoteCommand,
  forkCommand,
  takeDownCommand,
  auditCommand,
  exportCommand,
  verifyCommand,
  doctorCommand,
  runsCommand,
  removeCommand,
  seedCommand,
  topicsCommand,
]

/** What each exit status means. `errors.ts` gives every error one of them. */
export const exitStatuses: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the runs that headrace diff compares are different'],
  ['3', 'held by a guard rail: see why, then headrace release or other rules'],
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
  const [name, ...rest] = argv
  if (name === undefined || ['--help', '-h', 'help'].includes(name)) {
    const isAsked = name !== undefined
    terminal[isAsked ? 'out' : 'err'].write(describeAll(pageWidth(terminal)))
    return isAsked ? 0 : 64
  }
  if (name === '--version') {
    terminal.out.write(`${readVersion()}\n`)
    return 0
  }
  const command = commands.find(candidate => candidate.name === name)
  try {
    if (!command)
      throw new HeadraceError(
        'bad-option',
        `there is no command '${name}'; the commands are ${commands.map(one => one.name).join(', ')}`,
      )
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
    const who = command ? `headrace ${command.name}` : 'headrace'
    const { exit, message } = judgeError(error, who)
    terminal.err.write(`${who}: ${message}\n`)
    return exit
  }
}

function describeAll(width: number): string {
  const list = formatPairs(
    commands.map(({ name, summary }) => [name, summary] as const),
    width,
  )
  return `headrace: documents in, numbered training steps out\n\n${list}
headrace COMMAND --help says more; headrace --version names the version.

Exit statuses
${formatPairs(exitStatuses, width)}`
}
