import type { KeptDocument } from './oracle-fates.ts'

export interface ExpectedShard {
  readonly domain: string
  readonly number: number
  readonly documents: readonly KeptDocument[]
}

export interface ShardLimits {
  readonly shardTokensMax: number
  readonly shardSlotsMax: number
}

/**
 * Shards in the order of their sealing. A domain's documents gather in the order of their addresses; after each slot, in the order of the
 * domains' names, those are sealed that reached the tokens or whose first document is too many slots old, and all at the end.
 */
export function cutShards(
  kept: readonly KeptDocument[],
  slots: number,
  isEnded: boolean,
  { shardTokensMax, shardSlotsMax }: ShardLimits,
): ExpectedShard[] {
  const sealed: ExpectedShard[] = []
  const open = new Map<string, KeptDocument[]>()
  for (let slot = 0; slot < slots + (isEnded ? 1 : 0); slot++) {
    for (const document of kept.filter(one => one.slot === slot))
      open.set(document.domain, [...(open.get(document.domain) ?? []), document])
    for (const domain of [...open.keys()].sort()) {
      const documents = open.get(domain)!
      const isFull = tokensOf(documents) >= shardTokensMax || slot - documents[0].slot >= shardSlotsMax
      if (!isFull && slot < slots) continue
      const number = sealed.filter(shard => shard.domain === domain).length
      sealed.push({ domain, number, documents })
      open.delete(domain)
    }
  }
  return sealed
}

export function tokensOf(documents: readonly KeptDocument[]): number {
  return documents.reduce((sum, document) => sum + document.tokens.length, 0)
}
