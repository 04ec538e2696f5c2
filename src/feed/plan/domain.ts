import type { CutSamples, CutShard, FedPart } from './blocks.ts'
import type { FedInStep } from './step-lines.ts'

/**
 * How far a domain was fed: `samples` and `tokens` in all; the next is sample `at` of block `block`, in pass `epoch`, which has `ready`
 * tokens not yet fed. `before`: what was fed of that block in samples of another length.
 */
export interface Cursor {
  block: number
  before: readonly FedPart[]
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

/** The samples that a step has, and how often their length had changed before it. */
export type SampleLength = Pick<FedPart, 'cut' | 'length'>

/** Moves the cursor over one sample of the block that was cut last and adds it to the last range, or to a new one. */
export function take(domain: Domain, cursor: Cursor, { cut }: SampleLength, tokens: number, into: FedInStep): void {
  const { ranges } = into
  const last = ranges.at(-1)
  const { block, epoch, at } = cursor
  const joins = last?.block === block && last.epoch === epoch && last.to === at
  if (joins) ranges[ranges.length - 1] = { ...last, to: at + 1 }
  else {
    const named = { block, epoch, ...(cut > 0 && { cut }) }
    ranges.push({ ...named, from: at, to: at + 1, sha256: domain.cut?.sha256 ?? null })
  }
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
  return fed.epoch > 0 ? blocks.length : fed.block + (fed.at > 0 || fed.before.length > 0 ? 1 : 0)
}

/** Lets what is left of the block that is being fed be cut anew. `samples`: those that its cut of now has. */
export function leaveCut(domain: Domain, samples: number, now: SampleLength): void {
  const { fed } = domain
  if (fed.at > 0 && fed.at < samples) fed.before = [...fed.before, { ...now, samples: fed.at }]
  else if (fed.at > 0) Object.assign(fed, { block: fed.block + 1, before: [] })
  fed.at = 0
  domain.cut = null
}

/** Forgets what no step has taken samples of. */
export function leaveUnplanned(domain: Domain): void {
  const { fed, blocks, cut } = domain
  const planned = countPlanned(domain)
  for (const { tokens } of blocks.splice(planned)) fed.ready -= tokens
  domain.open = null
  if (cut && cut.block >= planned) domain.cut = null
}
