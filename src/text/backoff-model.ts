/**
 * A back-off model of words, as KenLM asks it: for the words of a sentence one after the other. Logarithms are of base 10, and float32 at each
 * addition, as KenLM adds them.
 */
export interface BackoffModel {
  /** The number of `</s>`. */
  readonly end: number
  /** The number of every word that the model does not know. */
  readonly unknown: number
  /** The number of the word `bytes[start, end)`. */
  find(bytes: Uint8Array, start: number, end: number): number
  /** Goes to the beginning of a sentence, behind `<s>`. */
  begin(): void
  /** The logarithm of the probability of a word behind those before it. */
  add(word: number): number
}
