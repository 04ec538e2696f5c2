import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { nameAside } from '../record/references.ts'
import { RunReader } from '../record/run-reader.ts'
import type { ParsedArgs, Terminal } from './command.ts'

/** Opens the run that `--dir` and `--run` name, or the one that was begun or ended last. `terminal` is told of slots that were trimmed. */
export async function openRun(args: ParsedArgs, terminal?: Terminal): Promise<RunReader> {
  const dir = args.text('dir') ?? '.headrace'
  const runs = await listRuns(dir)
  const wanted = args.text('run')
  const name = wanted ?? runs[0]
  if (runs.includes(name)) {
    const run = await RunReader.open(join(dir, name))
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

/** The folder of the run that is called `name` in the folder of all runs, or, where `name` is a path, of the one there. */
export async function locateRun(name: string, dir = '.headrace'): Promise<string> {
  const runs = await listRuns(dir)
  if (runs.includes(name)) return join(dir, name)
  if (await timeOf('.', name)) return name
  const advice = runs.length ? `${dir} holds ${runs.join(', ')}` : `${dir} holds no run: name another folder with --dir`
  throw new HeadraceError('not-found', `there is no run '${name}'; ${advice}`)
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
