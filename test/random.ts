/** Numbers from 0 to 1, without 1, that depend on the seed alone. */
export function randomFrom(seed: number): () => number {
  tellOnFailure(seed)
  let state = seed
  return () => unitOf((state = advance(state)))
}

/** Whole numbers from 0 to `below` - 1 that depend on the seed alone. */
export function drawFrom(seed: number): (below: number) => number {
  const unit = randomFrom(seed)
  return below => Math.floor(unit() * below)
}

/** A stream of draws that others can be forked from. The same seed gives the same draws. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  }

  /** From 0 to 1, without 1. */
  unit(): number {
    this.#state = advance(this.#state)
    return unitOf(this.#state)
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.unit() * list.length)]
  }

  /** Between `low` and `high`, each order of magnitude as likely as another. */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.unit()
  }

  /** A stream of its own, so that draws there change nothing here. */
  fork(name: string): Random {
    let hash = this.#state
    for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
    return new Random(hash)
  }
}

/** mulberry32, by Tommy Ettinger: a counter, and a hash of it. */
const advance = (state: number): number => (state + 0x6d2b79f5) | 0

function unitOf(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** The seeds that were drawn from last: whoever fails says them. */
const seeds: number[] = []
const seedsMax = 8

function tellOnFailure(seed: number): void {
  if (seeds.length === 0) process.once('exit', code => code && console.error(`drawn from the seeds ${seeds}`))
  if (seeds.includes(seed)) return
  seeds.push(seed)
  if (seeds.length > seedsMax) seeds.shift()
}
