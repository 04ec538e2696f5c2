/** Words to look for among those of texts, by their bytes. */
export class WordList {
  /** By first byte. `row` is the last text that had the word, so that nothing is reset from text to text. */
  readonly #buckets: ({ readonly bytes: Uint8Array; row: number }[] | undefined)[] = Array.from({ length: 256 })

  constructor(words: readonly string[]) {
    for (const word of new Set(words)) {
      const bytes = new TextEncoder().encode(word)
      if (bytes.length > 0) (this.#buckets[bytes[0]] ??= []).push({ bytes, row: -1 })
    }
  }

  /** Forgets which texts had which words: their rows are numbered from 0 again. */
  startBatch(): void {
    for (const bucket of this.#buckets) for (const word of bucket ?? []) word.row = -1
  }

  /** Whether `bytes[start, end)` is a word of the list that text `row` has not had. */
  isFirst(bytes: Uint8Array, start: number, end: number, row: number): boolean {
    const bucket = this.#buckets[bytes[start]]
    if (bucket === undefined) return false
    for (const word of bucket) {
      if (word.bytes.length !== end - start) continue
      let at = 0
      while (start + at < end && bytes[start + at] === word.bytes[at]) at++
      if (start + at < end) continue
      const isFirst = word.row !== row
      word.row = row
      return isFirst
    }
    return false
  }
}
