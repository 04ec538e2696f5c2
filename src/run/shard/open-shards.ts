import { type Batch, list, stringAt, utf8 } from '../../batch/batch.ts'
import { takeRows } from '../../batch/rows.ts'
import { limits } from '../../limits.ts'
import type { ChangedNames } from '../../record/long-notes.ts'
import type { DomainNote } from '../../record/notes.ts'

/** Rows of one domain in slot order. */
export interface FullShard {
  readonly domain: string
  readonly number: number
  readonly batches: readonly Batch[]
  readonly rows: number
  readonly tokens: number
}

interface OpenShard {
  next: number
  sealedTo: number
  openFrom: number
  batches: Batch[]
  rows: number
  tokens: number
}

/**
 * The shards that are being filled, one a domain, in memory. A shard is cut after a slot that brings it over its tokens, or when its
 * first row is too many slots old: a function of the slots alone. What was open in a crash is filled again from the log.
 */
export class OpenShards {
  readonly #domains: Map<string, OpenShard>

  readonly #changed: ChangedNames | null

  /** `changed` is told which domains' notes change. */
  constructor(notes: Readonly<Record<string, DomainNote>>, changed: ChangedNames | null = null) {
    this.#changed = changed
    this.#domains = new Map(
      Object.entries(notes).map(([name, note]) => [name, { ...note, openFrom: -1, batches: [], rows: 0, tokens: 0 }]),
    )
  }

  /** Adds a slot's rows to their domains' shards. Rows that are in a sealed shard already are left out. */
  add(slot: number, batch: Batch): void {
    for (const [name, rows] of groupByDomain(batch)) {
      const domain = this.#domain(name)
      if (slot < domain.sealedTo) continue
      const part = takeRows(batch, rows)
      if (domain.openFrom < 0) domain.openFrom = slot
      this.#changed?.add('domains', name)
      domain.batches.push(part)
      domain.rows += part.rows
      domain.tokens += list(part, 'tokens').values.length
    }
  }

  /** Takes the shards that are to be sealed after this slot, or all of them at the end. In the order of the domains' names. */
  takeFull(slot: number, isEnd: boolean): FullShard[] {
    const names = [...this.#domains.keys()].sort()
    return names.flatMap(name => {
      const domain = this.#domains.get(name)!
      const isFull = domain.tokens >= limits.shardTokensMax || slot - domain.openFrom >= limits.shardSlotsMax
      if (domain.rows === 0 || !(isEnd || isFull)) return []
      const { batches, rows, tokens, next } = domain
      this.#changed?.add('domains', name)
      Object.assign(domain, { next: next + 1, sealedTo: slot + 1, openFrom: -1, batches: [], rows: 0, tokens: 0 })
      return [{ domain: name, number: next, batches, rows, tokens }]
    })
  }

  notes(): Record<string, DomainNote> {
    return Object.fromEntries(
      [...this.#domains].map(([name, { next, sealedTo, openFrom }]) => [name, { next, sealedTo, openFrom }]),
    )
  }

  #domain(name: string): OpenShard {
    const found = this.#domains.get(name) ?? { next: 0, sealedTo: 0, openFrom: -1, batches: [], rows: 0, tokens: 0 }
    this.#domains.set(name, found)
    return found
  }
}

function groupByDomain(batch: Batch): Map<string, number[]> {
  const column = utf8(batch, 'domain')
  return Map.groupBy(Array(batch.rows).keys(), row => stringAt(column, row))
}
