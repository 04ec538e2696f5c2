import { publicFate, readFates } from '../replay/fates.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { writeLines } from './write-lines.ts'

export const fatesCommand: Command = {
  name: 'fates',
  usage: '',
  summary:
    'Prints what became of each record, a line of JSON each: id, file, line, slot, row, fate, reason, evidence, duplicateOf, similarity.',
  positionals: { min: 0, max: 0 },
  options: runOptions,
  run: async (args, terminal) => {
    await using run = await openRun(args)
    await writeLines(terminal, readFates(run), fate => JSON.stringify(publicFate(fate)))
    return 0
  },
}
