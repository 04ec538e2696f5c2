import type { Mixture } from '../options.ts'

/** A domain's share while a step is being filled. `carry` is how many tokens it is behind its weight; below 0, ahead. */
export interface Share {
  readonly domain: string
  weight: number
  carry: number
  /** Of what is drawn again. */
  readonly isReplay: boolean
}

/** What of a step's tokens is drawn again: weights of the domains that give it, and by how much each was behind. */
export interface ReplayShare {
  readonly share: number
  readonly weights: Mixture
  readonly carries: ReadonlyMap<string, number>
}

/**
 * Shares of the domains in `weights` that are above 0, scaled to sum to 1, in the order of their names; carries go on from before. Those of
 * what is drawn again come behind, and have `replay.share` of all together.
 */
export function openShares(
  weights: Mixture,
  carries: ReadonlyMap<string, number>,
  replay: ReplayShare | null = null,
): Share[] {
  const fed = shareOut(weights, carries, false)
  const again = replay && fed.length > 0 ? shareOut(replay.weights, replay.carries, true) : []
  if (again.length > 0) {
    scale(fed, 1 - replay!.share)
    scale(again, replay!.share)
  }
  const shares = [...fed, ...again]
  rescale(shares)
  return shares
}

function shareOut(weights: Mixture, carries: ReadonlyMap<string, number>, isReplay: boolean): Share[] {
  const names = Object.keys(weights).filter(name => weights[name] > 0)
  return names.sort().map(domain => ({ domain, weight: weights[domain], carry: carries.get(domain) ?? 0, isReplay }))
}

/** Scales weights to sum to so much. */
function scale(shares: readonly Share[], to: number): void {
  const sum = shares.reduce((total, share) => total + share.weight, 0)
  for (const share of shares) share.weight *= to / sum
}

/** Sums what shares say, by domain. Takes any name as a key, `__proto__` too. */
export function sumByDomain(shares: readonly Share[], numberOf: (share: Share) => number): Record<string, number> {
  const sums: Record<string, number> = Object.create(null)
  for (const share of shares) sums[share.domain] = (sums[share.domain] ?? 0) + numberOf(share)
  return sums
}

/** Takes a domain out: the others share its weight and what it was behind or ahead; where there are such, those of its kind alone. */
export function removeShare(shares: Share[], share: Share): void {
  shares.splice(shares.indexOf(share), 1)
  const own = shares.filter(other => other.isReplay === share.isReplay)
  // Else a domain that has nothing new left would raise what is drawn again.
  if (own.length > 0 && own.length < shares.length) takeOver(own, share)
  rescale(shares)
}

function takeOver(shares: readonly Share[], from: Share): void {
  const sum = shares.reduce((total, share) => total + share.weight, 0)
  for (const share of shares) {
    const part = share.weight / sum
    share.weight += part * from.weight
    share.carry += part * from.carry
  }
}

/**
 * The domain that gives the next sample of `length` tokens, or null when there is none. It is the quota method of Balinski and Young
 * (1975): among domains that would not get ahead of their weight by a whole sample, the one that must be served first not to fall
 * behind by one. With weights that stay, every domain stays within one sample of its weight after every sample.
 */
export function chooseShare(shares: readonly Share[], length: number): Share | null {
  let best: Share | null = null
  let [bestIsDue, bestDeadline] = [false, 0]
  for (const share of shares) {
    const quota = share.carry + share.weight * length
    const isDue = quota > 0
    const deadline = (length - quota) / share.weight
    if (best && (bestIsDue !== isDue ? bestIsDue : deadline >= bestDeadline)) continue
    best = share
    bestIsDue = isDue
    bestDeadline = deadline
  }
  return best
}

export function chargeShare(shares: readonly Share[], chosen: Share, tokens: number): void {
  for (const share of shares) share.carry += share.weight * tokens
  chosen.carry -= tokens
}

function rescale(shares: readonly Share[]): void {
  const sum = shares.reduce((total, share) => total + share.weight, 0)
  for (const share of shares) share.weight /= sum
  const carry = shares.reduce((total, share) => total + share.carry, 0)
  for (const share of shares) share.carry -= share.weight * carry
}
