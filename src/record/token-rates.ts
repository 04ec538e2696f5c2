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
