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

/** How far a domain's blocks were drawn again: the one that is being fed again, or -1, and of each how often that was begun. */
export interface ReplayCursor extends Cursor {
  times: readonly number[]
}

/** Where a domain stands. */
export interface Place {
  fed: Cursor
  replayed: ReplayCursor
}

/** A domain as the planner knows it. */
export interface Domain extends Place {
  readonly name: string
  open: { shards: CutShard[]; tokens: number; firstSlot: number } | null
  readonly blocks: { shards: readonly CutShard[]; tokens: number }[]
  /** The samples of the blocks that were cut last. */
  readonly cuts: { fed: CutOfBlock | null; replayed: CutOfBlock | null }
}
type CutOfBlock = CutSamples & Pick<Cursor, 'block' | 'epoch'>

export function openDomain(name: string): Domain {
  const begin = { block: 0, before: [], at: 0, epoch: 0, ready: 0, samples: 0, tokens: 0 }
  const replayed = { ...begin, block: -1, times: [] }
  return { name, fed: begin, replayed, open: null, blocks: [], cuts: { fed: null, replayed: null } }
}

/** What a step takes of each domain: what is drawn again comes first, as lines of the ledger go on where the last range ends. */
export function joinFed(
  again: Readonly<Record<string, FedInStep>>,
  fed: Readonly<Record<string, FedInStep>>,
): Record<string, FedInStep> {
  const joined: Record<string, FedInStep> = Object.assign(Object.create(null), fed)
  for (const [name, { ranges, tokens }] of Object.entries(again)) {
    const own = joined[name] ?? { ranges: [], tokens: 0 }
    joined[name] = { ranges: [...ranges, ...own.ranges], tokens: tokens + own.tokens }
  }
  return joined
}

export const copyPlace = ({ fed, replayed }: Place): Place => ({ fed: { ...fed }, replayed: { ...replayed } })

const isReplay = (cursor: Cursor): cursor is ReplayCursor => 'times' in cursor
const nameOf = (cursor: Cursor) => (isReplay(cursor) ? 'replayed' : 'fed')

/** The samples of a block, where it is the one that was cut last for such a cursor. */
export function cutOf({ cuts }: Domain, cursor: Cursor): CutSamples | null {
  const cut = cuts[nameOf(cursor)]
  return cut?.block === cursor.block && cut.epoch === cursor.epoch ? cut : null
}

export function keepCut({ cuts }: Domain, cursor: Cursor, cut: CutSamples): void {
  cuts[nameOf(cursor)] = { block: cursor.block, epoch: cursor.epoch, ...cut }
}

/** Leaves a block whose samples were all taken. Which one is drawn again next is chosen when one is asked for. */
export function leaveBlock(cursor: Cursor): void {
  cursor.block = isReplay(cursor) ? -1 : cursor.block + 1
  cursor.before = []
  cursor.at = 0
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
    ranges.push({ ...named, from: at, to: at + 1, sha256: cutOf(domain, cursor)?.sha256 ?? null })
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

/** Lets what is left of the block at a cursor be cut anew. `samples`: those that its cut of now has. */
export function leaveCut(domain: Domain, cursor: Cursor, samples: number, now: SampleLength): void {
  if (cursor.at > 0 && cursor.at < samples) {
    cursor.before = [...cursor.before, { ...now, samples: cursor.at }]
    cursor.at = 0
  } else if (cursor.at > 0) leaveBlock(cursor)
  domain.cuts[nameOf(cursor)] = null
}

/** Forgets what no step has taken samples of. */
export function leaveUnplanned(domain: Domain): void {
  const { fed, blocks, cuts } = domain
  const planned = countPlanned(domain)
  for (const { tokens } of blocks.splice(planned)) fed.ready -= tokens
  domain.open = null
  if (cuts.fed && cuts.fed.block >= planned) cuts.fed = null
}
