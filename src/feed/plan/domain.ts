import type { CutSamples, CutShard } from './blocks.ts'
import type { FedInStep } from './step-lines.ts'

/**
 * How far a domain was fed: `samples` and `tokens` in all; the next is sample `at` of block `block`, in pass `epoch`, which has `ready`
 * tokens not yet fed.
 */
export interface Cursor {
  block: number
  at: number
  epoch: number
  ready: number
  samples: number
  tokens: number
}

/** A domain as the planner knows it. */
export interface Domain {
  readonly name: string
  fed: Cursor
  open: { shards: CutShard[]; tokens: number; firstSlot: number } | null
  readonly blocks: { shards: readonly CutShard[]; tokens: number }[]
  /** The samples of the block that was cut last. */
  cut: (CutSamples & Pick<Cursor, 'block' | 'epoch'>) | null
}

/** The samples of a block, where it is the one that was cut last. */
export function cutOf({ cut }: Domain, { block, epoch }: Pick<Cursor, 'block' | 'epoch'>): CutSamples | null {
  return cut?.block === block && cut.epoch === epoch ? cut : null
}

/** Moves the cursor over one sample of the block that was cut last and adds it to the last range, or to a new one. */
export function take(domain: Domain, cursor: Cursor, tokens: number, into: FedInStep): void {
  const { ranges } = into
  const last = ranges.at(-1)
  const { block, epoch, at } = cursor
  const joins = last?.block === block && last.epoch === epoch && last.to === at
  if (joins) ranges[ranges.length - 1] = { ...last, to: at + 1 }
  else ranges.push({ block, epoch, from: at, to: at + 1, sha256: domain.cut?.sha256 ?? null })
  into.tokens += tokens
  cursor.at++
  cursor.ready -= tokens
  cursor.samples++
  cursor.tokens += tokens
}

/** No more shards come into the block that is open. */
export function closeBlock(domain: Domain): void {
  if (!domain.open) return
  const { shards, tokens } = domain.open
  domain.blocks.push({ shards, tokens })
  domain.fed.ready += tokens
  domain.open = null
}

/** How many of a domain's blocks steps have taken samples of. */
export function countPlanned({ fed, blocks }: Domain): number {
  return fed.epoch > 0 ? blocks.length : fed.block + (fed.at > 0 ? 1 : 0)
}

/** Forgets what no step has taken samples of. */
export function leaveUnplanned(domain: Domain): void {
  const { fed, blocks, cut } = domain
  const planned = countPlanned(domain)
  for (const { tokens } of blocks.splice(planned)) fed.ready -= tokens
  domain.open = null
  if (cut && cut.block >= planned) domain.cut = null
}
