/** A place in the source: in `file` below src/, the text `from`, which stands there exactly once, becomes `to`. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A planted bug. */
export interface Mutant {
  readonly name: string
  readonly changes: readonly Change[]
}

export const mutant = (name: string, file: string, from: string, to: string): Mutant => ({
  name,
  changes: [{ file, from, to }],
})

/** The text of a file below src/, with the changes of a mutant that are for it. */
export function plantMutant(mutant: Mutant | null, file: string, text: string): string {
  return (mutant?.changes ?? []).filter(change => change.file === file).reduce(applyChange, text)
}

export function applyChange(text: string, { file, from, to }: Change): string {
  if (text.split(from).length !== 2) throw new Error(`src/${file} does not have this exactly once:\n${from}`)
  return text.replace(from, () => to)
}
