import { readFates } from '../inspect/fates.ts'
import type { Fate } from '../record/fate.ts'
import { type Command, runOptions } from './command.ts'
import { openRun } from './find-run.ts'
import { writeLines } from './write-lines.ts'

export const fatesCommand: Command = {
  name: 'fates',
  summary: 'Prints what became of each record, a line of JSON each.',
  details:
    'A line has id, file, line, slot, row, fate (kept, dropped, dead), reason, evidence, duplicateOf and similarity, in the order of slots and rows. What is not there is null.',
  options: runOptions,
  run: async (args, terminal) => {
    await using run = await openRun(args, terminal)
    await writeLines(terminal, readFates(run), fateLine)
  },
}

/** A fate as the line of JSON that scripts read: these fields in this order, whoever says it. */
export function fateLine(of: Fate): string {
  const { id, file, line, slot, row, fate, reason, evidence, duplicateOf, similarity } = of
  return JSON.stringify({ id, file, line, slot, row, fate, reason, evidence, duplicateOf, similarity })
}
