import { limits } from '../limits.ts'
import { holdoutDomain } from './holdout.ts'

/** The domain of documents whose own is one too many: those beyond `limits.domainsMax`, and names that are too long. */
export const otherDomain = 'other'

/**
 * Which names from documents are kept apart: the first ones that come, in the order of slots and rows; all later ones are `other`. So
 * what stands in a run does not grow with what strangers write, and no name ends a run. A held-out document never becomes another's.
 */
export class NameLimit {
  readonly #known: Set<string>
  readonly #max: number
  readonly #lengthMax: number

  /** `known`: the names that were kept apart before, `other` among them or not. */
  constructor(known: Iterable<string>, max: number = limits.domainsMax, lengthMax: number = limits.nameLengthMax) {
    this.#known = new Set(known)
    this.#known.delete(otherDomain)
    this.#known.delete(holdoutDomain)
    this.#max = max
    this.#lengthMax = lengthMax
  }

  /** The name itself, or `other`. */
  of(name: string): string {
    if (this.#known.has(name) || name === holdoutDomain) return name
    if (this.#known.size >= this.#max || name.length > this.#lengthMax || name === otherDomain) return otherDomain
    this.#known.add(name)
    return name
  }
}
