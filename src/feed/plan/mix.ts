import type { Mixture } from '../options.ts'

/** A domain's share while a step is being filled. `carry` is how many tokens it is behind its weight; below 0, ahead. */
export interface Share {
  readonly domain: string
  weight: number
  carry: number
}

/** Shares of the domains in `weights` that are above 0, scaled to sum to 1, in the order of their names; carries go on from before. */
export function openShares(weights: Mixture, carries: ReadonlyMap<string, number>): Share[] {
  const names = Object.keys(weights).filter(name => weights[name] > 0)
  const openShare = (domain: string) => ({ domain, weight: weights[domain], carry: carries.get(domain) ?? 0 })
  const shares = names.sort().map(openShare)
  rescale(shares)
  return shares
}

/** Takes a domain out: the others share its weight and what it was behind or ahead. */
export function removeShare(shares: Share[], share: Share): void {
  shares.splice(shares.indexOf(share), 1)
  rescale(shares)
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
