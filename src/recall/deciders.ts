import { type Batch, stringAt, utf8 } from '../batch/batch.ts'
import type { Decider, Verdict } from '../decide/decider.ts'
import type { KeyedTable } from '../decide/state.ts'
import { domainOf, type Recalled, recallNames, recallReasons } from '../record/recalled.ts'
import { hash64 } from '../text/hash.ts'
import { readAddress } from '../text/urls/address.ts'

/**
 * Drops what a host or a source would give beyond its cap, in the order of slots and rows. Documents without a host have no cap by host. A
 * table has a key for each document of a name: the hash of the name and of how many there were before, so that nothing in it ever changes.
 */
export function capDecider({ perHost, perSource, source }: Recalled): Decider {
  const caps = [
    ...(perHost === undefined ? [] : [{ most: perHost, reason: recallReasons.host, nameOf: readHosts }]),
    ...(perSource === undefined
      ? []
      : [{ most: perSource, reason: recallReasons.source, nameOf: (batch: Batch) => readNames(batch, source) }]),
  ]
  return {
    name: recallNames.caps,
    version: 1,
    options: { perHost: perHost ?? null, perSource: perSource ?? null, source },
    reads: [...(perHost === undefined ? [] : ['url']), ...(perSource === undefined ? [] : [source])],
    reasons: caps.map(({ reason }) => reason),
    tables: caps.map(({ reason }) => ({ name: reason, kind: 'keyed', width: 4 })),
    open(batch, _slot, state) {
      const open = caps.map(({ most, reason, nameOf }) => ({
        reason,
        most,
        nameOf: nameOf(batch),
        counts: new NameCounts(state.keyed(reason), most),
      }))
      return {
        decide(row: number, verdict: Verdict) {
          for (const { nameOf, counts, most, reason } of open) {
            const name = nameOf(row)
            if (name === '' || counts.of(name) < most) continue
            verdict.reason = reason
            verdict.evidence = most
            verdict.evidenceText = name
            return false
          }
          return true
        },
        keep(row: number) {
          for (const { nameOf, counts } of open) {
            const name = nameOf(row)
            if (name !== '') counts.add(name)
          }
        },
      }
    },
  }
}

const readNames = (batch: Batch, column: string) => {
  const values = utf8(batch, column)
  return (row: number) => stringAt(values, row)
}

const readHosts = (batch: Batch) => {
  const urlOf = readNames(batch, 'url')
  return (row: number) => readAddress(urlOf(row))?.host ?? ''
}

const encoder = new TextEncoder()

/** How many documents names have, up to a cap. */
class NameCounts {
  readonly #table: KeyedTable
  readonly #most: number
  readonly #key = new Uint32Array(2)

  constructor(table: KeyedTable, most: number) {
    this.#table = table
    this.#most = most
  }

  /** The first number that is not there: those before it are. */
  of(name: string): number {
    const bytes = encoder.encode(name)
    let [low, high] = [0, this.#most]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#has(bytes, middle)) low = middle + 1
      else high = middle
    }
    return low
  }

  add(name: string): void {
    const count = this.of(name)
    if (count === this.#most) return
    const [high, low] = this.#keyOf(encoder.encode(name), count)
    this.#table.set(high, low, count)
  }

  #has(bytes: Uint8Array, number: number): boolean {
    const [high, low] = this.#keyOf(bytes, number)
    return this.#table.get(high, low) >= 0
  }

  #keyOf(bytes: Uint8Array, number: number): Uint32Array {
    hash64(bytes, 0, bytes.length, number, this.#key)
    return this.#key
  }
}

/** Moves what is kept to the domain of the recall, but for texts of which the pipeline's edits have left nothing. It stands last. */
export function domainDecider({ name }: Recalled): Decider {
  const domain = domainOf(name)
  return {
    name: recallNames.domain,
    version: 1,
    options: { domain },
    reads: ['text'],
    reasons: [recallReasons.empty],
    tables: [],
    open(batch) {
      const { offsets } = utf8(batch, 'text')
      return {
        decide(row, verdict) {
          if (offsets[row + 1] > offsets[row]) verdict.domain = domain
          else verdict.reason = recallReasons.empty
          return verdict.reason === ''
        },
        keep() {},
      }
    },
  }
}
