/** Columns that say what a text is worth, by the names that Headrace's annotators give them. */
const families: readonly RegExp[] = [/^class:/, /^seed:/, /^fasttext:/, /^lm:/, /^kenlm:/, /Rank$/, /Draw$/, /Bucket$/]
const names: readonly string[] = ['languageScore', 'compressionRatio', 'wordEntropy', 'uniqueWordShare']

/** Of a run's columns of numbers those that are looked at unless others are named; `combine()` writes one beside its `Bucket`. */
export function chooseValueColumns(columns: readonly string[]): string[] {
  const isValue = (name: string) =>
    names.includes(name) || families.some(family => family.test(name)) || columns.includes(`${name}Bucket`)
  return columns.filter(isValue)
}

/** Bits, perplexities and shares of unknown words are the better the lower they are; their ranks and draws are columns as any. */
export const isLowerBetter = (column: string): boolean =>
  /^(?:lm|kenlm):/.test(column) && !/(?:Rank|Draw)$/.test(column)
