/** A model as an ARPA file has it, read by the book and by no code of ours: logarithms of base 10 by the words, with spaces between them. */
export interface Arpa {
  readonly logarithms: ReadonlyMap<string, number>
  readonly backoffs: ReadonlyMap<string, number>
  readonly words: readonly string[]
}

export function readArpa(text: string): Arpa {
  const lines = text.split('\n').map(line => line.split('\t'))
  const entries = lines.filter(line => line.length > 1)
  const words = entries.flatMap(([, gram]) => (/[ ]/.test(gram) ? [] : [gram]))
  const counts = [...text.matchAll(/^ngram (\d)=(\d+)$/gm)].map(([, , count]) => Number(count))
  if (counts.reduce((sum, count) => sum + count, 0) !== entries.length) throw new Error('counts that do not fit')
  if (!text.endsWith('\n\\end\\\n')) throw new Error('no end')
  return {
    logarithms: new Map(entries.map(([logarithm, gram]) => [gram, Number(logarithm)])),
    backoffs: new Map(entries.map(([, gram, backoff]) => [gram, Number(backoff ?? 0)])),
    words,
  }
}

/** Of the last of these words behind the others. */
export function logarithmOf(arpa: Arpa, words: readonly string[]): number {
  const known = arpa.logarithms.get(words.join(' '))
  if (known !== undefined) return known
  if (words.length === 1) throw new Error(`an unknown word ${words}`)
  return (arpa.backoffs.get(words.slice(0, -1).join(' ')) ?? 0) + logarithmOf(arpa, words.slice(1))
}
