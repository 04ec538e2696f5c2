import { naturalLog } from '../text/exact-math.ts'
import { logistic } from '../text/linear/train.ts'

// How well scores tell positives from negatives. In all of it NaN is the lowest score.

/** Mean of the precision at each positive, the best score first; equal scores stand in the order in which they came. */
export function averagePrecision(scores: ArrayLike<number>, isPositive: readonly boolean[]): number {
  let [found, sum] = [0, 0]
  for (const [rank, i] of orderOf(scores).entries()) if (isPositive[i]) sum += ++found / (rank + 1)
  return sum / found
}

/** Share of positives among the best `k`. */
export function precisionAt(k: number, scores: ArrayLike<number>, isPositive: readonly boolean[]): number {
  const best = orderOf(scores).slice(0, k)
  return best.filter(i => isPositive[i]).length / best.length
}

/** The odds that a positive scores above a negative, equal ones counted half (Mann and Whitney). */
export function areaUnderCurve(scores: ArrayLike<number>, isPositive: readonly boolean[]): number {
  const ranks = ranksOf(scores)
  let [positives, sum] = [0, 0]
  for (const [i, is] of isPositive.entries())
    if (is) {
      positives++
      sum += ranks[i] + 1
    }
  return (sum - (positives * (positives + 1)) / 2) / (positives * (isPositive.length - positives))
}

/** From 0, equal ones at their mean. */
export function ranksOf(scores: ArrayLike<number>): Float64Array {
  const order = orderOf(scores).reverse()
  const ranks = new Float64Array(order.length)
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && placeOf(scores[order[to]]) === placeOf(scores[order[from]])) to++
    for (let i = from; i < to; i++) ranks[order[i]] = (from + to - 1) / 2
    from = to
  }
  return ranks
}

/** Pearson's correlation of the ranks (Spearman); NaN where one of both does not vary. */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ranksOf(a), ranksOf(b)]
  const mean = (x.length - 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - mean) * (y[i] - mean)
    xx += (x[i] - mean) ** 2
    yy += (y[i] - mean) ** 2
  }
  return xy / Math.sqrt(xx * yy)
}

const calibrationBins = 15

/** Expected calibration error of logits: over 15 bins of equal width, how far the share of positives is from the mean probability. */
export function calibrationError(logits: ArrayLike<number>, isPositive: readonly boolean[]): number {
  const bins = Array.from({ length: calibrationBins }, () => ({ probability: 0, positives: 0 }))
  for (const [i, is] of isPositive.entries()) {
    const probability = logistic(logits[i])
    const bin = bins[Math.min(calibrationBins - 1, Math.floor(probability * calibrationBins))]
    bin.probability += probability
    if (is) bin.positives++
  }
  const errors = bins.map(({ probability, positives }) => Math.abs(probability - positives))
  return errors.reduce((sum, error) => sum + error, 0) / isPositive.length
}

/** What logits are multiplied by, and what is added then, for their probabilities to hold. */
export interface Scaling {
  readonly scale: number
  readonly shift: number
}

const roundsMax = 100

/**
 * Platt's scaling (Platt 1999), by Newton's method with halved steps as in Lin, Lin and Weng (2007), "A note on Platt's probabilistic outputs".
 * Targets are drawn in by one example a side, so that scores that part both sides give finite odds.
 */
export function fitPlatt(scores: ArrayLike<number>, isPositive: readonly boolean[]): Scaling {
  const positives = isPositive.filter(Boolean).length
  const negatives = isPositive.length - positives
  const targets = isPositive.map(is => (is ? (positives + 1) / (positives + 2) : 1 / (negatives + 2)))
  let point: Scaling = { scale: 1, shift: naturalLog((positives + 1) / (negatives + 1)) }
  let loss = lossOf(scores, targets, point)
  for (let round = 0; round < roundsMax; round++) {
    const way = newtonStep(scores, targets, point)
    let [width, next, after] = [1, point, loss]
    do {
      next = { scale: point.scale - width * way.scale, shift: point.shift - width * way.shift }
      after = lossOf(scores, targets, next)
      width /= 2
    } while (after > loss && width > 1e-9)
    if (!(after < loss - 1e-10 * isPositive.length)) return point
    point = next
    loss = after
  }
  return point
}

function newtonStep(scores: ArrayLike<number>, targets: readonly number[], { scale, shift }: Scaling): Scaling {
  let [xx, x1, one, gx, g1] = [1e-9, 0, 1e-9, 0, 0]
  for (let i = 0; i < targets.length; i++) {
    const p = logistic(scale * scores[i] + shift)
    const [weight, error] = [p * (1 - p), p - targets[i]]
    xx += scores[i] * scores[i] * weight
    x1 += scores[i] * weight
    one += weight
    gx += scores[i] * error
    g1 += error
  }
  const determinant = xx * one - x1 * x1
  return { scale: (one * gx - x1 * g1) / determinant, shift: (xx * g1 - x1 * gx) / determinant }
}

function lossOf(scores: ArrayLike<number>, targets: readonly number[], { scale, shift }: Scaling): number {
  let loss = 0
  for (let i = 0; i < targets.length; i++) {
    const logit = scale * scores[i] + shift
    const beyond = naturalLog(logistic(Math.abs(logit)))
    // ln p of the likelier side is near 0; that of the other is as far below as the logit.
    loss -= logit >= 0 ? beyond - (1 - targets[i]) * logit : beyond + targets[i] * logit
  }
  return loss
}

function orderOf(scores: ArrayLike<number>): number[] {
  return Array.from(scores, (_, i) => i).sort((a, b) => placeOf(scores[b]) - placeOf(scores[a]) || b - a)
}

const placeOf = (score: number) => (Number.isNaN(score) ? Number.MIN_SAFE_INTEGER : score)
