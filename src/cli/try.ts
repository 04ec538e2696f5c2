import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunReader } from '../replay/run-reader.ts'
import type { Command } from './command.ts'
import { look } from './look.ts'
import { runFile } from './run.ts'

export const tryCommand: Command = {
  name: 'try',
  usage: 'FILE...',
  summary: 'Runs the default recipe over files, without a pipeline, and shows what it would drop and why.',
  positionals: { min: 1, max: 1000 },
  options: {
    dir: { value: 'DIR', help: 'keeps the run in DIR/try (default a new temporary folder)' },
    workers: { value: 'N', help: 'worker threads (default one a core)' },
    samples: { value: 'N', help: 'samples for each reason (default 3)' },
  },
  run: async (args, terminal) => {
    const dir = args.text('dir') ?? (await mkdtemp(join(tmpdir(), 'headrace-try-')))
    const texts = (name: string) => (name === 'input' ? args.positionals : args.texts(name))
    const text = (name: string) => (name === 'dir' ? dir : args.text(name))
    const file = fileURLToPath(import.meta.resolve('./default-pipeline.ts'))
    const status = await runFile(file, { ...args, texts, text }, terminal)
    await using run = await RunReader.open(join(dir, 'try'))
    await look(run, terminal, { samplesMax: args.count('samples', 3), charsMax: 200 })
    return status
  },
}
