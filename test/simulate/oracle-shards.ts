import type { KeptDocument } from './oracle-fates.ts'

export interface ExpectedShard {
  readonly domain: string
  readonly number: number
  readonly documents: readonly KeptDocument[]
  /** It is the last of those that were sealed because so many slots were over. */
  readonly closes: boolean
}

export interface ShardLimits {
  readonly shardTokensMax: number
  readonly shardSlotsMax: number
}

/**
 * Shards in the order of their sealing. A domain's documents gather in the order of their addresses; after each slot, in the order of the
 * domains' names, those are sealed that reached the tokens or whose first document is too many slots old, and all at the end and whenever
 * `freshness` slots are over.
 */
export function cutShards(
  kept: readonly KeptDocument[],
  slots: number,
  isEnded: boolean,
  { shardTokensMax, shardSlotsMax }: ShardLimits,
  freshness: number | null,
): ExpectedShard[] {
  const sealed: ExpectedShard[] = []
  const open = new Map<string, KeptDocument[]>()
  for (let slot = 0; slot < slots + (isEnded ? 1 : 0); slot++) {
    const isFresh = freshness !== null && (slot + 1) % freshness === 0
    const before = sealed.length
    for (const document of kept.filter(one => one.slot === slot))
      open.set(document.domain, [...(open.get(document.domain) ?? []), document])
    for (const domain of [...open.keys()].sort()) {
      const documents = open.get(domain)!
      const isFull = tokensOf(documents) >= shardTokensMax || slot - documents[0].slot >= shardSlotsMax
      if (!isFull && !isFresh && slot < slots) continue
      const number = sealed.filter(shard => shard.domain === domain).length
      sealed.push({ domain, number, documents, closes: false })
      open.delete(domain)
    }
    if (isFresh && sealed.length > before) sealed.push({ ...sealed.pop()!, closes: true })
  }
  return sealed
}

export function tokensOf(documents: readonly KeptDocument[]): number {
  return documents.reduce((sum, document) => sum + document.tokens.length, 0)
}
