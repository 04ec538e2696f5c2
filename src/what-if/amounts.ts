import type { TokenRates } from '../record/token-rates.ts'

/** Documents with their bytes and tokens. */
export class Amount {
  documents = 0
  bytes = 0
  #tokens = 0
  /** Bytes of documents whose tokens are not known, by language. */
  readonly #guessed = new Map<string, number>()

  /** `tokens` is -1 where they are not known. */
  add(bytes: number, tokens: number, language: string): void {
    this.documents++
    this.bytes += bytes
    if (tokens >= 0) this.#tokens += tokens
    else this.#guessed.set(language, (this.#guessed.get(language) ?? 0) + bytes)
  }

  /** Whether some of the tokens are an estimate. */
  get isEstimate(): boolean {
    return this.#guessed.size > 0
  }

  /** Tokens, those that are not known by their bytes; null where nothing tells. */
  tokens(rates: TokenRates): number | null {
    let sum = this.#tokens
    for (const [language, bytes] of this.#guessed) sum += bytes * rates.of(language)
    return Number.isNaN(sum) ? null : Math.round(sum)
  }
}
