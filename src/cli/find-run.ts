import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { RunReader } from '../replay/run-reader.ts'
import type { ParsedArgs } from './command.ts'

/** Opens the run that `--dir` and `--run` name, or the one that was worked on last. */
export async function openRun(args: ParsedArgs): Promise<RunReader> {
  const dir = args.text('dir') ?? '.headrace'
  return RunReader.open(join(dir, args.text('run') ?? (await newestRun(dir))))
}

async function newestRun(dir: string): Promise<string> {
  const names = await readdir(dir).catch(() => [])
  const times = await Promise.all(
    names.map(name =>
      stat(join(dir, name, 'log')).then(
        found => ({ name, time: found.mtimeMs }),
        () => null,
      ),
    ),
  )
  const runs = times.filter(run => run !== null).sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1))
  if (runs.length) return runs[0].name
  throw new HeadraceError(
    'not-found',
    `${dir} holds no run: begin one with 'headrace run PIPELINE', or name another folder with --dir`,
  )
}
