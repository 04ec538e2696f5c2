import { type NamedReference, type RunSummary, runParts, sumBytes, summarizeRuns } from '../inspect/runs.ts'
import { type Command, runOptions } from './command.ts'
import { formatBytes, formatCount, formatPlural, formatTable } from './table.ts'
import { cleanName, cleanPath, indentText, pageWidth, printable } from './wrap.ts'

export const runsCommand: Command = {
  name: 'runs',
  summary: 'Lists the runs of a folder: how far each is, its size on disk, and which needs which.',
  details:
    'A replay needs the rows of the run that it replays, and a feed that was promoted or forked the shards of another. Only runs of the same folder are looked at.',
  options: { dir: runOptions.dir, json: { help: 'prints a line of JSON for each run' } },
  run: async (args, terminal) => {
    const folder = args.text('dir') ?? '.headrace'
    const runs = await summarizeRuns(folder)
    if (args.flag('json')) for (const run of runs) terminal.out.write(`${JSON.stringify(run)}\n`)
    else terminal.out.write(describeRuns(folder, runs, pageWidth(terminal)))
  },
}

function describeRuns(folder: string, runs: readonly RunSummary[], width: number): string {
  if (runs.length === 0) return `${cleanPath(folder)} holds no run\n`
  const head = ['run', 'state', 'slots', 'documents', 'steps', ...runParts, 'all']
  const rows = runs.map(({ name, state, slots, documents, steps, bytes }) => [
    cleanName(name),
    state,
    ...[slots, documents, steps].map(formatCount),
    ...runParts.map(part => formatBytes(bytes[part])),
    formatBytes(sumBytes(bytes)),
  ])
  const total = runs.reduce((sum, { bytes }) => sum + sumBytes(bytes), 0)
  const notes = runs.flatMap(run => notesOf(run)).map(note => indentText(printable(note), width, '  '))
  const end = `${formatPlural(runs.length, 'run')}, ${formatBytes(total)} on this disk\n`
  return `${formatTable([head, ...rows], [0, 1])}\n${notes.join('')}${notes.length > 0 ? '\n' : ''}${end}`
}

const needed: Readonly<Record<NamedReference['kind'], string>> = {
  rows: 'the rows',
  promoted: 'the shards',
  shards: 'the shards',
}

function notesOf({ name, state, needs, log, problem }: RunSummary): string[] {
  const who = cleanName(name)
  const notes = needs.map(({ kind, to }) => `${who} needs ${needed[kind]} of ${cleanPath(to)}`)
  if (log !== null) notes.push(`${who} has its log at ${log}, which is not counted here`)
  if (problem !== null) notes.push(`${who}: ${problem}`)
  if (state === 'removing') notes.push(`${who}: a removal was stopped; headrace remove ${who} ends it`)
  return notes
}
