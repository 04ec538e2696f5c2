import { isCount, isObjectOf, isRecordOf, isText } from '../../disk/json-file.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import type { CutShard } from './blocks.ts'

/** A run as a promotion names it: its folder, from the feed's folder, with `/`, its id (empty in one of an older version), and its shards' fingerprint. */
export interface PromotedRun {
  readonly run: string
  readonly id: string
  readonly fingerprint: string
}

/**
 * What becomes of rows at a promotion. `covered`: of blocks that earlier steps have taken samples of. Of the new run's other rows:
 * `swapped` repeat a covered one, `leftOut` lie before the end of what is covered of their domain, `backfilled` do so and are fed as a domain
 * of their own, `fed` are all others.
 */
export interface PromotedRows {
  readonly covered: number
  readonly swapped: number
  readonly leftOut: number
  readonly backfilled: number
  readonly fed: number
}

/** A feed goes on with the shards of another run over the same slots. */
export interface Promotion {
  readonly from: PromotedRun
  readonly to: PromotedRun
  /** For a domain, the name under which its rows are fed that the new run admits among those that were covered. */
  readonly backfill: Readonly<Record<string, string>>
  /** The file below the feed's folder that lists the shards and which of their rows are fed; its name is its SHA-256. */
  readonly selection: string
  readonly rows: PromotedRows
}

/** A shard as steps are planned from it. `tokens` are those that are fed; `number` is the shard's in its manifest, or null for one of a promotion. */
export interface PlannedShard {
  readonly domain: string
  readonly number: number | null
  readonly shard: CutShard
  readonly tokens: number
  readonly firstSlot: number
  readonly lastSlot: number
  /** All that was kept up to its last slot is in this shard and those before. */
  readonly closes?: boolean
}

/** A shard of a run's manifest, as it is planned. */
export function plannedShard(entry: ManifestEntry): PlannedShard {
  const { domain, number, path, sha256, bytes, rows, tokens, first, last, closes = false } = entry
  const shard = { path, sha256, bytes, rows, tokens }
  return { domain, number, shard, tokens, firstSlot: first.slot, lastSlot: last.slot, closes }
}

const isRun = isObjectOf({ run: isText, id: isText, fingerprint: isText })

export const isPromotion = isObjectOf({
  from: isRun,
  to: isRun,
  backfill: isRecordOf(isText),
  selection: value => typeof value === 'string' && /^promoted\/[0-9a-f]{64}\.jsonl$/.test(value),
  rows: isObjectOf({ covered: isCount, swapped: isCount, leftOut: isCount, backfilled: isCount, fed: isCount }),
})
