import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunReader } from '../record/run-reader.ts'
import type { Command, ParsedArgs, Terminal } from './command.ts'
import { defaultPipelineUrl, fieldOptions } from './default-pipeline.ts'
import { referToModule } from './load-plan.ts'
import { look } from './look.ts'
import { runModule } from './run.ts'
import { printSummary } from './summary.ts'

export const tryCommand: Command = {
  name: 'try',
  usage: 'FILE...',
  summary: 'Runs a default recipe over files, and shows what it would drop and why.',
  details:
    'FILE is JSON Lines (plain, gzip, zstd) or Parquet, a glob of these, or one folder of .txt and .md files. The recipe keeps every language, holds English to the Gopher rules, and drops exact and near duplicates.',
  outlivesReader: true,
  options: {
    text: { value: 'FIELD', help: "field that holds the text (default 'text')" },
    id: { value: 'FIELD', help: "field that holds the id (default 'id')" },
    domain: { value: 'FIELD', help: "field that holds the domain (default 'domain')" },
    samples: { value: 'N', help: 'samples for each reason (default 3)' },
    workers: { value: 'N', help: 'worker threads (default one a core)' },
    dir: {
      value: 'DIR',
      help: 'keeps the run in DIR/try, for report, look, trace and the like (default: it is removed at the end)',
    },
    run: { value: 'RUN', help: "keeps it in DIR/RUN (default 'try')" },
  },
  run: async (args, terminal) => {
    const kept = args.text('dir')
    const dir = kept ?? (await mkdtemp(join(tmpdir(), 'headrace-try-')))
    const clean = () => kept ?? rmSync(dir, { recursive: true, force: true })
    // A second signal ends the process without coming back here.
    process.once('exit', clean)
    try {
      return await tryFiles({ ...args, text: name => (name === 'dir' ? dir : args.text(name)) }, terminal, kept)
    } finally {
      process.off('exit', clean)
      clean()
    }
  },
}

async function tryFiles(args: ParsedArgs, terminal: Terminal, kept: string | undefined): Promise<number> {
  const samplesMax = args.count('samples', 3, 1, 10_000)
  const fields = fieldOptions.flatMap(name => (args.text(name) === undefined ? [] : [[name, args.text(name)!]]))
  const ref = referToModule(defaultPipelineUrl(Object.fromEntries(fields)), args.positionals)
  const { dir, figures, summary, isStopped } = await runModule(ref, args, terminal)
  await using run = await RunReader.open(dir)
  await look(run, terminal, { samplesMax, charsMax: 200 })
  printSummary(summary, figures, kept === undefined ? 'a temporary folder, now removed' : dir, terminal)
  const { documents, dead } = summary
  if (documents > 0 && documents === dead)
    terminal.out.write('\nNo record is a document. Which field has the text is said by --text FIELD.\n')
  if (kept === undefined)
    terminal.out.write(
      "\nTo keep the run and look further, give --dir DIR; 'headrace init' writes a pipeline of your own.\n",
    )
  return isStopped ? 130 : 0
}
