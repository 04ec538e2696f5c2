import type { ExpectedFate, KeptDocument, RowAddress } from './oracle-fates.ts'
import type { ExpectedShard } from './oracle-shards.ts'

/** What a feed is promoted to. */
export interface ExpectedNext {
  readonly shards: readonly ExpectedShard[]
  readonly fates: readonly ExpectedFate[]
  /** The fates of the runs that the feed was planned from until then. */
  readonly known: readonly (readonly ExpectedFate[])[]
  readonly backfill: Readonly<Record<string, string>>
}

/** How many documents become what: as the control entry of a promotion counts them. */
export type PromotedRows = Readonly<Record<'covered' | 'swapped' | 'leftOut' | 'backfilled' | 'fed', number>>

export const keyOf = ({ slot, row }: RowAddress) => `${slot}:${row}`

/**
 * The documents of the new run that are fed, by sets. `covered`: those of all blocks that steps have taken of, by the domain that they are
 * fed in. What repeats one of these is not fed: what a known run dropped for it, and what the new run kept in place of either.
 */
export function selectPromoted(
  { shards, fates, known, backfill }: ExpectedNext,
  covered: ReadonlyMap<string, readonly KeptDocument[]>,
): { shards: ExpectedShard[]; rows: PromotedRows } {
  const taken = new Set([...covered.values()].flat().map(keyOf))
  const copies = new Set(
    known.flat().flatMap(fate => (fate.duplicateOf && taken.has(keyOf(fate.duplicateOf)) ? [keyOf(fate)] : [])),
  )
  const isTaken = (fate: ExpectedFate) => taken.has(keyOf(fate)) || copies.has(keyOf(fate))
  const repeated = new Set(fates.flatMap(fate => (fate.duplicateOf && isTaken(fate) ? [keyOf(fate.duplicateOf)] : [])))
  const fateOf = (document: KeptDocument, domain: string): keyof PromotedRows => {
    const key = keyOf(document)
    if (taken.has(key)) return 'covered'
    if (copies.has(key) || repeated.has(key)) return 'swapped'
    const isBefore = (covered.get(domain) ?? []).some(one => !isLater(document, one))
    if (!isBefore) return 'fed'
    return Object.hasOwn(backfill, domain) ? 'backfilled' : 'leftOut'
  }
  const rows = { covered: taken.size, swapped: 0, leftOut: 0, backfilled: 0, fed: 0 }
  for (const { domain, documents } of shards)
    for (const document of documents) {
      const fate = fateOf(document, domain)
      if (fate !== 'covered') rows[fate]++
    }
  const take = (shard: ExpectedShard, fate: 'fed' | 'backfilled', domain: string): ExpectedShard[] => {
    const documents = shard.documents.map(document =>
      fateOf(document, shard.domain) === fate ? document : { ...document, tokens: [] },
    )
    return documents.some(isFed) ? [{ ...shard, domain, documents }] : []
  }
  const selected = shards.flatMap(shard => [
    ...take(shard, 'fed', shard.domain),
    ...take(shard, 'backfilled', backfill[shard.domain]),
  ])
  return { shards: selected, rows }
}

/** A block shuffles its shards' documents, and those that it is not to feed have no tokens; each other ends with one that says so. */
export const isFed = ({ tokens }: KeptDocument) => tokens.length > 0

const isLater = (a: RowAddress, b: RowAddress) => a.slot > b.slot || (a.slot === b.slot && a.row > b.row)
