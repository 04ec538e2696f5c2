import { HeadraceError } from '../errors.ts'
import { type Command, describeCommand, parseCommand, type Terminal } from './command.ts'
import { decisionsCommand } from './decisions.ts'
import { fatesCommand } from './fates.ts'
import { feedCommand } from './feed.ts'
import { initCommand } from './init.ts'
import { lookCommand } from './look.ts'
import { planCommand } from './plan.ts'
import { reportCommand } from './report.ts'
import { runCommand } from './run.ts'
import { seedCommand } from './seed.ts'
import { traceCommand } from './trace.ts'
import { tryCommand } from './try.ts'

/** All commands, in the order of a first day with Headrace. */
export const commands: readonly Command[] = [
  tryCommand,
  initCommand,
  planCommand,
  runCommand,
  reportCommand,
  lookCommand,
  fatesCommand,
  decisionsCommand,
  traceCommand,
  feedCommand,
  seedCommand,
]

const exitStatuses = `Exit statuses: 0 done, 3 stopped by a guard rail, 64 wrong option or pipeline, 65 damaged or changed data, 66 not found,
69 beyond a limit, 70 a bug, 73 in use by another process, 74 disk, 75 taken over by another process, 130 stopped by you.`

// A reader that has seen enough, as `head` does, closes the pipe; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

/** Runs the command line and returns the exit status. */
export async function main(
  argv: readonly string[],
  terminal: Terminal = { out: process.stdout, err: process.stderr },
): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === 'help') {
    terminal.out.write(describeAll())
    return name === undefined ? 64 : 0
  }
  const command = commands.find(candidate => candidate.name === name)
  try {
    if (!command)
      throw new HeadraceError(
        'bad-option',
        `there is no command '${name}'; the commands are ${commands.map(c => c.name).join(', ')}`,
      )
    if (rest.includes('--help')) {
      terminal.out.write(describeCommand(command))
      return 0
    }
    return await command.run(parseCommand(command, rest), terminal)
  } catch (error) {
    return explain(error, terminal)
  }
}

function explain(error: unknown, terminal: Terminal): number {
  if (error instanceof HeadraceError) {
    terminal.err.write(`headrace: ${error.message}\n`)
    return error.exit
  }
  terminal.err.write(`headrace: this is a bug, please report it.\n${error instanceof Error ? error.stack : error}\n`)
  return 70
}

function describeAll(): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`)
  return `headrace: documents in, numbered training steps out\n\n${rows.join('\n')}\n\nheadrace COMMAND --help says more.\n${exitStatuses}\n`
}
