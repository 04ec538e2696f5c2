import { isCount, isObjectOf, isText, isTupleOf } from '../../disk/json-file.ts'
import type { TakeDown } from './take-down.ts'

/** The first and the last of the steps that a fork passes over, as the feed that it parted from numbers them. */
export type Skip = readonly [from: number, to: number]

/** Where a feed parted from another: it has the `step` steps before, and `digest` is that of the last of them. */
export interface ForkPoint {
  readonly feed: string
  readonly step: number
  readonly digest: string
  readonly skip: Skip | null
}

/** What a control entry says of a fork; its step is the fork's first own one. */
export type ForkChange = Pick<ForkPoint, 'feed' | 'skip'>

/** What of a control entry says where in the plan it stands. */
interface Entry {
  readonly step: number
  readonly fork?: ForkChange
  readonly takeDown?: TakeDown
}

const isSkipPair = isTupleOf(isCount, isCount)
const isSkip = (skip: unknown) => skip === null || (isSkipPair(skip) && (skip as Skip)[0] <= (skip as Skip)[1])
export const isForkChange = isObjectOf({ feed: isText, skip: isSkip })
export const isForkPoint = isObjectOf({ feed: isText, step: isCount, digest: isText, skip: isSkip })

/**
 * Where a step stands in the plan. The plan numbers all steps that it makes, and a feed only those that it does not pass over. Of
 * `skips` each numbers steps as they were before it, so that the last one knows the numbers of now.
 */
function positionOf(step: number, skips: readonly Skip[]): number {
  return skips.reduceRight((at, [from, to]) => (at >= from ? at + to - from + 1 : at), step)
}

/** Where a feed's step stands in the plan. */
export function placeStep(step: number, entries: readonly Entry[]): number {
  return positionOf(
    step,
    entries.flatMap(({ fork }) => (fork?.skip ? [fork.skip] : [])),
  )
}

/** From where in the plan on each entry is in force: one that came before a skip names a step by its number of then. */
export function placeEntries<T extends Entry>(entries: readonly T[]): (readonly [T, position: number])[] {
  const skips: Skip[] = []
  return entries.map(entry => {
    const { step, fork, takeDown } = entry
    // What was published before the entry came says nothing of it.
    const place = [entry, positionOf(Math.max(step, takeDown?.published ?? 0), skips)] as const
    if (fork?.skip) skips.push(fork.skip)
    return place
  })
}

/** How many places of the plan the feed passes over from this one on, one after the other. */
export function countPassedOver(position: number, entries: readonly Entry[]): number {
  let count = 0
  while (isPassedOver(position + count, entries)) count++
  return count
}

/** Whether the feed passes over what stands at this place of the plan. */
export function isPassedOver(position: number, entries: readonly Entry[]): boolean {
  const skips: Skip[] = []
  return entries.some(({ fork }) => {
    if (!fork?.skip) return false
    const [from, to] = fork.skip.map(step => positionOf(step, skips))
    skips.push(fork.skip)
    return from <= position && position <= to
  })
}
