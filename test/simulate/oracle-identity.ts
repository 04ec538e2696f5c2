import type { FeedOptions } from '../../src/feed/options.ts'
import type { HashOfBlock } from './oracle-lines.ts'
import type { Control } from './oracle-steps.ts'

export interface FeedLimits {
  readonly blockTokens: number
  readonly blockSlotsMax: number
  readonly ledgerSegmentSteps: number
  readonly snapshotSteps: number
  readonly shardSlotsMax: number
  readonly fedDomainsMax: number
}

/** What a feed is made by, beside its options. */
export interface FeedOrigin {
  readonly run: string
  readonly tokenizer: Readonly<Record<string, unknown>>
  readonly fingerprint: string
  readonly controls: readonly Control[]
  /** Of its blocks; null of a ledger of form 1, which does not name them. */
  readonly hashOf: HashOfBlock | null
}

/** What a feed says that it is. */
export function identityOf(options: FeedOptions, limits: FeedLimits, origin: FeedOrigin) {
  const endOfText = origin.tokenizer.endOfTextId
  const { mixture = null, freshness = null } = options
  const isMixed = mixture === null && freshness === null
  const ofForm2 = {
    ledger: 2,
    snapshotSteps: limits.snapshotSteps,
    freshness,
    ...(isMixed ? { blockSlotsMin: 2 * limits.shardSlotsMax } : {}),
  }
  return {
    version: 1,
    ...(origin.hashOf ? ofForm2 : {}),
    run: origin.run,
    length: options.length,
    batch: options.batch,
    mixture,
    packing: options.packing ?? 'concatenate',
    ...((options.align ?? 1) > 1 ? { align: options.align } : {}),
    ...(options.cutTargets === 'next' ? { cutTargets: 'next' } : {}),
    ...(options.packing === 'best-fit-filled' ? { cutMax: options.cutMax ?? 0.005 } : {}),
    seed: options.seed ?? 0,
    blockTokens: options.blockTokens ?? limits.blockTokens,
    blockSlotsMax: limits.blockSlotsMax,
    dry: options.dry ?? (origin.hashOf && mixture ? 'stop' : 'renormalise'),
    repeatMax: options.repeatMax ?? 4,
    segmentSteps: limits.ledgerSegmentSteps,
    tokenizer: origin.tokenizer,
    endOfText: typeof endOfText === 'number' ? endOfText : null,
    fingerprint: origin.fingerprint,
  }
}
