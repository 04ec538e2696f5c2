import { exponential, naturalLog } from '../text/exact-math.ts'

// Online data mixing: A. Albalak, L. Pan, C. Raffel and W. Y. Wang, "Efficient Online Data Mixing For Language Model Pre-Training",
// arXiv 2312.02406, which is Exp3 (P. Auer and others, "The Nonstochastic Multiarmed Bandit Problem", 2002) with a domain's training loss as its
// reward and a moving average of rewards. The authors' published code (alon-albalak/online-data-mixing, commit 01827f7) has these exploration
// rates and shares, and sums rewards where the paper averages them: here they are averaged.

/** By domain. */
export type Shares = ReadonlyMap<string, number>

/**
 * The averages behind a step: R_i = alpha R_i + (1 - alpha) L_i / p_i for each domain i of which the step has a loss L_i (mean of its targets, in
 * nats), given under the share p_i. Others stay. All begin with 0.
 */
export function addRewards(rewards: Shares, losses: Shares, shares: Shares, alpha: number): Shares {
  const next = new Map(rewards)
  for (const [domain, loss] of losses) {
    const share = shares.get(domain)
    if (share === undefined || !rewards.has(domain)) continue
    next.set(domain, alpha * rewards.get(domain)! + ((1 - alpha) * loss) / share)
  }
  return next
}

/** The exploration rate of step t, from 1 on: e_t = min(1 / K, sqrt(ln K / (K t))) for K domains; e_0 = 1 / K. */
export function explorationAt(t: number, domains: number): number {
  if (t === 0) return 1 / domains
  return Math.min(1 / domains, Math.sqrt(naturalLog(domains) / (domains * t)))
}

/** The shares of step t, from 1 on: p_i = (1 - K e_t) exp(e_(t-1) R_i) / sum_j exp(e_(t-1) R_j) + e_t. */
export function sharesAt(t: number, rewards: Shares): Shares {
  const domains = rewards.size
  const [rate, before] = [explorationAt(t, domains), explorationAt(t - 1, domains)]
  const most = Math.max(...rewards.values())
  // The same factor above and below, so that no exponential overflows.
  const powers = Array.from(rewards, ([domain, reward]) => [domain, exponential(before * (reward - most))] as const)
  const sum = powers.reduce((total, [, power]) => total + power, 0)
  return new Map(powers.map(([domain, power]) => [domain, ((1 - domains * rate) * power) / sum + rate]))
}

/**
 * Shares that are each within bounds and sum to 1, in the proportions of those given as far as these allow. There are such where
 * `min * domains <= 1 <= max * domains`.
 */
export function boundShares(shares: Shares, min: number, max: number): Shares {
  const fixed = new Map<string, number>()
  for (;;) {
    const free = [...shares].filter(([domain]) => !fixed.has(domain))
    const left = 1 - [...fixed.values()].reduce((total, share) => total + share, 0)
    const sum = free.reduce((total, [, share]) => total + share, 0)
    const scaled = free.map(([domain, share]) => [domain, (share * left) / sum] as const)
    const above = scaled.filter(([, share]) => share > max)
    const below = scaled.filter(([, share]) => share < min)
    if (above.length + below.length === 0) return inOrder(shares, new Map([...fixed, ...scaled]))
    const excess = above.reduce((total, [, share]) => total + share - max, 0)
    const deficit = below.reduce((total, [, share]) => total + min - share, 0)
    // What is out on the side that weighs more stays there whatever the other side gives.
    if (excess >= deficit) for (const [domain] of above) fixed.set(domain, max)
    if (deficit >= excess) for (const [domain] of below) fixed.set(domain, min)
  }
}

function inOrder(shares: Shares, bounded: Shares): Shares {
  return new Map(Array.from(shares.keys(), domain => [domain, bounded.get(domain)!]))
}
