import { faultNames } from '../batch/contract.ts'
import type { Labelled } from './labelled.ts'

/** Counts by names that come from documents: without a prototype, as one may be called `constructor`. */
export function emptyCounts<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>
}

/** Adds to a count by name. */
export function addCount(counts: Record<string, number>, name: string, amount: number): void {
  counts[name] = (counts[name] ?? 0) + amount
}

/** What the deciding stage has counted since the run began. Kept in its committed position, so each row counts once. */
export interface DecideTotals {
  documents: number
  kept: number
  dead: number
  textBytes: number
  keptBytes: number
  /** Kept documents of fewer words than a shingle, which `signature()` can't compare; undefined in a run that began before it was counted. */
  uncompared?: number | undefined
  /** Documents that have each label; undefined in a run that began before it was counted. */
  labelled?: Labelled | undefined
  dropped: Record<string, number>
  /** Documents that something was wrong with which was repaired, and how many had which fault. */
  repaired: number
  repairs: Record<string, number>
  /** Documents whose own domain is one too many: they are counted, and kept, in the domain `other`. */
  otherDomains: number
  /** Documents and kept documents by domain, and by language. */
  byDomain: Record<string, { documents: number; kept: number }>
  byLanguage: Record<string, { documents: number; kept: number }>
}

/** Counts a document by its column `repaired`. A source of somebody's own may have faults of other names. */
export function countRepaired(totals: Pick<DecideTotals, 'repaired' | 'repairs'>, faults: string): void {
  if (faults === '') return
  totals.repaired++
  for (const fault of faults.split(' '))
    addCount(totals.repairs, faultNames.some(name => name === fault) ? fault : 'other', 1)
}

/** What the sharding stage has counted. */
export interface ShardTotals {
  tokens: number
  shards: number
  tokensByDomain: Record<string, number>
  tokensByLanguage: Record<string, number>
}

export const emptyDecideTotals = (): DecideTotals => ({
  documents: 0,
  kept: 0,
  dead: 0,
  textBytes: 0,
  keptBytes: 0,
  uncompared: 0,
  labelled: Object.assign(emptyCounts<number>(), { id: 0, url: 0, added: 0 }),
  otherDomains: 0,
  dropped: emptyCounts(),
  repaired: 0,
  repairs: emptyCounts(),
  byDomain: emptyCounts(),
  byLanguage: emptyCounts(),
})

export const emptyShardTotals = (): ShardTotals => ({
  tokens: 0,
  shards: 0,
  tokensByDomain: emptyCounts(),
  tokensByLanguage: emptyCounts(),
})
