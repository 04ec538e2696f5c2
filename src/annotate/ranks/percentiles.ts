/** Where the values of a group of documents lie: the least, 99 between, and the greatest. */
export interface Percentiles {
  readonly documents: number
  /** 101 values, each not below the one before it. */
  readonly points: Float64Array
}

export const pointsCount = 101

/** The percentiles of values, at least one and all finite, between two of which they are interpolated. `documents`: as how many they stand for. */
export function percentilesOf(values: Float64Array, documents: number): Percentiles {
  const sorted = values.slice().sort()
  const points = Float64Array.from({ length: pointsCount }, (_, point) => {
    const place = (point * (sorted.length - 1)) / (pointsCount - 1)
    const at = Math.floor(place)
    const next = sorted[Math.min(at + 1, sorted.length - 1)]
    // Not a + (b - a) * part, which passes b by rounding at times.
    return place === at ? sorted[at] : Math.min(next, Math.max(sorted[at], interpolate(sorted[at], next, place - at)))
  })
  return { documents, points }
}

/** Of two values whose difference may be beyond what a float64 holds. */
const interpolate = (a: number, b: number, part: number) => a * (1 - part) + b * part

/**
 * How much of a group lies below a value, from 0 to 1, and half of what is equal to it; linear between two points. NaN for NaN. Rises with
 * the value.
 */
export function rankIn({ points }: Percentiles, value: number): number {
  if (Number.isNaN(value)) return Number.NaN
  const [below, upTo] = [firstFrom(points, value, false), firstFrom(points, value, true)]
  if (upTo > below) return (below + upTo - 1) / 2 / (pointsCount - 1)
  if (below === 0) return 0
  if (below === pointsCount) return 1
  const [a, b] = [points[below - 1], points[below]]
  const gap = b - a
  const part = Number.isFinite(gap) ? (value - a) / gap : 0.5
  return (below - 1 + part) / (pointsCount - 1)
}

/** The first point that is not below a value, or that is above it. */
function firstFrom(points: Float64Array, value: number, isAbove: boolean): number {
  let [low, high] = [0, points.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isAbove ? points[middle] <= value : points[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}
