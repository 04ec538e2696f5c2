/** N-grams that are found by their last word, then the one before it, and so on. Words are numbers; 0 is the unknown one. */
export interface NgramSearch {
  /** The number of the word `bytes[start, end)`. */
  find(bytes: Uint8Array, start: number, end: number): number
  /** Goes to an n-gram of one word. */
  enter(word: number): void
  /** Goes on to the n-gram with `word` before the words so far, of which there are `words`; false where there is none. */
  extend(word: number, words: number): boolean
  /** Of where it stands. Logarithms are of base 10; a backoff of -0 says that nothing goes on from there to the right. */
  readonly logarithm: number
  readonly backoff: number
  /** Whether no longer n-gram ends with these words. */
  readonly isLast: boolean
}
