/** How far a domain was fed. */
interface Amount {
  readonly samples: number
  readonly tokens: number
}

/** What of each domain a feed passes over, so that its totals count what was fed. */
export class PassedOver {
  readonly #passed = new Map<string, Amount>()

  /** Adds what lies between two places of a domain. */
  add(name: string, from: Amount, to: Amount): void {
    const { samples, tokens } = this.#of(name)
    this.#passed.set(name, { samples: samples + to.samples - from.samples, tokens: tokens + to.tokens - from.tokens })
  }

  /** Of domains that were fed, what was, given how far each is. */
  totals(places: ReadonlyMap<string, Amount>): Record<string, Amount> {
    const totals = Array.from(places, ([name, { samples, tokens }]): [string, Amount] => {
      const passed = this.#of(name)
      return [name, { samples: samples - passed.samples, tokens: tokens - passed.tokens }]
    })
    return Object.fromEntries(totals.filter(([, { samples }]) => samples > 0))
  }

  #of(name: string): Amount {
    return this.#passed.get(name) ?? { samples: 0, tokens: 0 }
  }
}
