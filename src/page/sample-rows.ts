import { limits } from '../limits.ts'
import { hashUnit } from '../text/hash.ts'
import { LowestKeys } from '../value/lowest-keys.ts'

/** Something at an address. */
export interface Placed {
  readonly slot: number
  readonly row: number
}

/** Chooses rows of each reason by a hash of their addresses, as many as `quotas` says of it. */
export class RowsByReason<T extends Placed> {
  readonly #quotas: ReadonlyMap<string, number>
  readonly #seed: number
  readonly #chosen = new Map<string, LowestKeys<T>>()
  readonly counts = new Map<string, number>()

  constructor(quotas: ReadonlyMap<string, number>, seed: number) {
    this.#quotas = quotas
    this.#seed = seed
  }

  offer(reason: string, slot: number, row: number, make: () => T): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1)
    const most = this.#quotas.get(reason) ?? limits.reportReasonRowsMin
    if (most === 0) return
    const chosen = this.#chosen.get(reason) ?? new LowestKeys<T>(most, compare)
    this.#chosen.set(reason, chosen)
    chosen.add(hashUnit(this.#seed, Buffer.from(`${slot}/${row}`)), make)
  }

  /** Those that are chosen of a reason, the lowest key first. */
  of(reason: string): readonly T[] {
    return this.#chosen.get(reason)?.items() ?? []
  }

  /** All that are chosen, in the order of slots and rows. */
  all(): T[] {
    return [...this.#chosen.values()].flatMap(chosen => [...chosen.items()]).sort(compare)
  }
}

const compare = (a: Placed, b: Placed) => a.slot - b.slot || a.row - b.row

/**
 * How many of each reason are taken where `most` are taken in all: all where there are no more, else `least` of each, and of what is left
 * the same share of every reason.
 */
export function shareOut(counts: ReadonlyMap<string, number>, most: number, least: number): Map<string, number> {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (all <= most) return new Map(counts)
  const floor = Math.min(least, Math.floor(most / counts.size))
  const base = new Map(Array.from(counts, ([name, count]) => [name, Math.min(count, floor)]))
  const given = [...base.values()].reduce((sum, count) => sum + count, 0)
  const share = (most - given) / (all - given)
  return new Map(Array.from(base, ([name, count]) => [name, count + Math.floor((counts.get(name)! - count) * share)]))
}

/** The same for few that are shown: each reason as many as another, as far as it has them. */
export function shareEvenly(counts: ReadonlyMap<string, number>, most: number): Map<string, number> {
  const sorted = [...counts].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
  let [left, names] = [most, sorted.length]
  return new Map(
    sorted.map(([name, count]) => {
      const share = Math.min(count, Math.floor(left / names))
      left -= share
      names--
      return [name, share]
    }),
  )
}
