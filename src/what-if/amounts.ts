/** How many tokens a byte of text has, by language, as far as the run's shards tell. */
export class TokenRates {
  readonly #known = new Map<string, { bytes: number; tokens: number }>()
  readonly #all = { bytes: 0, tokens: 0 }

  add(language: string, bytes: number, tokens: number): void {
    const known = this.#known.get(language) ?? { bytes: 0, tokens: 0 }
    this.#known.set(language, known)
    for (const sum of [known, this.#all]) {
      sum.bytes += bytes
      sum.tokens += tokens
    }
  }

  /** Tokens a byte; of a language that the run kept nothing of, as all together. NaN where nothing is known. */
  of(language: string): number {
    const { bytes, tokens } = this.#known.get(language) ?? this.#all
    return bytes > 0 ? tokens / bytes : this.#all.tokens / this.#all.bytes
  }
}

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
