import type { Place } from './domain.ts'

/** How far a domain was fed. */
interface Amount {
  readonly samples: number
  readonly tokens: number
}

const nothing: Amount = { samples: 0, tokens: 0 }
const plus = (a: Amount, b: Amount) => ({ samples: a.samples + b.samples, tokens: a.tokens + b.tokens })
const minus = (a: Amount, b: Amount) => ({ samples: a.samples - b.samples, tokens: a.tokens - b.tokens })
const amountOf = ({ fed, replayed }: Place) => plus(fed, replayed)

/** What of each domain a feed passes over, so that its totals count what was fed. */
export class PassedOver {
  readonly #passed = new Map<string, Amount>()
  /** What of it is drawn again. */
  readonly #again = new Map<string, Amount>()

  /** Adds what lies between two places of a domain. */
  add(name: string, from: Place, to: Place): void {
    addTo(this.#passed, name, minus(amountOf(to), amountOf(from)))
    addTo(this.#again, name, minus(to.replayed, from.replayed))
  }

  /** Of domains that were fed, what was, given how far each is. */
  totals(places: ReadonlyMap<string, Place>): Record<string, Amount> {
    return totalsOf(places, amountOf, this.#passed)
  }

  /** Of domains that were drawn from again, what was. */
  replayed(places: ReadonlyMap<string, Place>): Record<string, Amount> {
    return totalsOf(places, ({ replayed }) => replayed, this.#again)
  }
}

function addTo(counts: Map<string, Amount>, name: string, amount: Amount): void {
  counts.set(name, plus(counts.get(name) ?? nothing, amount))
}

function totalsOf(
  places: ReadonlyMap<string, Place>,
  amountAt: (place: Place) => Amount,
  passed: ReadonlyMap<string, Amount>,
): Record<string, Amount> {
  const totals = Array.from(places, ([name, place]): [string, Amount] => [
    name,
    minus(amountAt(place), passed.get(name) ?? nothing),
  ])
  return Object.fromEntries(totals.filter(([, { samples }]) => samples > 0))
}
