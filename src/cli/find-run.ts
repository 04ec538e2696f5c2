import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { nameAside } from '../record/references.ts'
import { RunReader } from '../record/run-reader.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { choosePlace } from './known-brokers.ts'

/** Opens the run that `--dir` and `--run` name, or the one that was begun or ended last. `terminal` is told of slots that were trimmed. */
export async function openRun(args: ParsedArgs, terminal?: Terminal): Promise<RunReader> {
  const dir = args.text('dir') ?? '.headrace'
  const runs = await listRuns(dir)
  const wanted = args.text('run')
  const name = wanted ?? runs[0]
  if (runs.includes(name)) {
    const path = join(dir, name)
    const run = await openRunAt(path, args)
    if (run.first > 0)
      terminal?.err.write(`slots before ${run.first} of this run were trimmed: what follows begins there\n`)
    return run
  }
  const what = wanted === undefined ? 'no run' : `no run '${wanted}'`
  const advice = runs.length
    ? `it holds ${runs.join(', ')}`
    : "begin one with 'headrace run PIPELINE', or name another folder with --dir"
  throw new HeadraceError('not-found', `${dir} holds ${what}; ${advice}`)
}

/** Opens the run that RUN, the one argument of a command, names in the place of `--run`, or as `openRun`. Throws 'bad-option' for both. */
export async function openGivenRun(args: ParsedArgs): Promise<RunReader> {
  const [named] = args.positionals
  if (named === undefined) return openRun(args)
  if (args.text('run') !== undefined)
    throw new HeadraceError('bad-option', `RUN is '${named}', and --run is given too: give one of them`)
  return openRunAt(await locateRun(named, args.text('dir')), args)
}

/** Opens the run in a folder; what the command line says of a log is of this run, and of none that it refers to. */
export function openRunAt(path: string, args: Pick<ParsedArgs, 'text'>): Promise<RunReader> {
  const nothing = { text: () => undefined }
  return RunReader.open(path, (dir, place) => choosePlace(dir, place, dir === path ? args : nothing))
}

/** Opens the run of a name, or of a path to its folder (`locateRun`). */
export async function openNamedRun(dir: string, given: string): Promise<RunReader> {
  return openRunAt(await locateRun(given, dir), { text: () => undefined })
}

/** The folder of the run of a name in the folder of all runs, or of a path to a run's own folder. A name comes first. */
export async function locateRun(given: string, dir = '.headrace'): Promise<string> {
  const runs = await listRuns(dir)
  if (runs.includes(given)) return join(dir, given)
  if (await timeOf('', given)) return given
  const known = runs.length ? `${dir} holds ${runs.join(', ')}` : `${dir} holds no run`
  throw new HeadraceError('not-found', `there is no run '${given}': ${known}, and ${given} is no folder of a run`)
}

/** Names of the runs in a folder, the newest first. A run's folder changes when its lock comes and goes. */
async function listRuns(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((): string[] => [])
  // What a removal has put aside is no run any more.
  const kept = names.filter(name => nameAside(name) === null)
  const found = await Promise.all(kept.map(name => timeOf(dir, name)))
  const runs = found.filter(run => run !== null).sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1))
  return runs.map(run => run.name)
}

async function timeOf(dir: string, name: string): Promise<{ name: string; time: number } | null> {
  try {
    await stat(join(dir, name, 'run.json'))
    return { name, time: (await stat(join(dir, name))).mtimeMs }
  } catch {
    return null
  }
}
