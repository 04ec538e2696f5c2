import { type Change, mutants } from './mutants.ts'

/** The mutant that this process runs with, by HEADRACE_MUTANT; null for the code as it is. */
const planted = mutants.find(mutant => mutant.name === process.env.HEADRACE_MUTANT) ?? null

/** The text of a file below src/, with the changes of the mutant that are for it. */
export function plantMutant(file: string, text: string): string {
  return (planted?.changes ?? []).filter(change => change.file === file).reduce(applyChange, text)
}

export function applyChange(text: string, { file, from, to }: Change): string {
  if (text.split(from).length !== 2) throw new Error(`src/${file} does not have this exactly once:\n${from}`)
  return text.replace(from, () => to)
}
