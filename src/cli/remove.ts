import { join } from 'node:path'
import { listNames } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { measureRun, runParts, sumBytes } from '../inspect/runs.ts'
import { nameAside } from '../record/references.ts'
import { removeRun } from '../run/remove-run.ts'
import { type Command, runOptions } from './command.ts'
import { formatBytes, formatPlural } from './table.ts'

export const removeCommand: Command = {
  name: 'remove',
  usage: 'NAME',
  summary: 'Takes a run away: its folder, and its topics on Kafka. Asks nothing.',
  details:
    'A run that is at work, or that another run needs, is refused. Who reads its feed is not seen. A removal that was stopped is ended by the same command.',
  options: { dir: runOptions.dir, force: { help: 'says that all processes of a spread run are stopped' } },
  run: async (args, terminal) => {
    const folder = args.text('dir') ?? '.headrace'
    const [name] = args.positionals
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
      throw new HeadraceError(
        'bad-option',
        `'${name}' is no name of a run: give one as 'headrace runs' prints it, and its folder of runs with --dir`,
      )
    const sizes = await Promise.all((await foldersOf(folder, name)).map(measureRun))
    const { topics, left } = await removeRun(folder, name, args.flag('force'))
    const bytes = (part: (typeof runParts)[number]) => sizes.reduce((sum, size) => sum + size[part], 0)
    const parts = runParts.filter(part => bytes(part) > 0).map(part => `${part} ${formatBytes(bytes(part))}`)
    const all = sizes.reduce((sum, size) => sum + sumBytes(size), 0)
    terminal.out.write(`removed ${join(folder, name)}: ${formatBytes(all)} (${parts.join(', ')})\n`)
    if (topics.length > 0) terminal.out.write(`deleted ${formatPlural(topics.length, 'topic')}: ${topics.join(', ')}\n`)
    if (left !== null) terminal.err.write(`headrace remove: ${left}\n`)
  },
}

/** The run's folder, and what a stopped removal of it has left. */
async function foldersOf(folder: string, name: string): Promise<string[]> {
  const names = await listNames(folder)
  return names.filter(one => one === name || nameAside(one) === name).map(one => join(folder, one))
}
