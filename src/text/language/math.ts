/**
 * exp and log from IEEE 754 additions, multiplications and divisions alone. ECMAScript leaves the last digits of `Math.exp` and
 * `Math.log` to the engine; these give the same bits on every machine. Both are within 2 ulp of the true value.
 */

const ln2High = 0.6931471803691238
const ln2Low = 1.9082149292705877e-10
const exponentMax = 192
/** 2^k at k + exponentMax; made by exact halving and doubling. */
const powers = makePowers()

function makePowers(): Float64Array {
  const table = new Float64Array(2 * exponentMax + 1)
  table[exponentMax] = 1
  for (let k = 1; k <= exponentMax; k++) {
    table[exponentMax + k] = table[exponentMax + k - 1] * 2
    table[exponentMax - k] = table[exponentMax - k + 1] / 2
  }
  return table
}

/** e^x. Outside [-130, 130], beyond what a float32 holds, it is 0 or infinite. */
export function exponential(x: number): number {
  if (x > 130) return Number.POSITIVE_INFINITY
  if (x < -130) return 0
  const k = Math.round(x * Math.LOG2E)
  const rest = x - k * ln2High - k * ln2Low
  let sum = 1
  for (let n = 14; n > 0; n--) sum = 1 + (sum * rest) / n
  return sum * powers[k + exponentMax]
}

/** The natural logarithm of a positive number in [2^-192, 2^192]; NaN outside. */
export function logarithm(x: number): number {
  if (!(x >= powers[0] && x <= powers[2 * exponentMax])) return Number.NaN
  let k = 0
  for (; x > Math.SQRT2; x /= 2) k++
  for (; x < Math.SQRT1_2; x *= 2) k--
  // ln x = 2 artanh((x - 1) / (x + 1)), and |s| < 0.172 makes 12 terms enough.
  const s = (x - 1) / (x + 1)
  const square = s * s
  let sum = 0
  for (let n = 23; n > 1; n -= 2) sum = (sum + 1 / n) * square
  return k * ln2High + (2 * s * (1 + sum) + k * ln2Low)
}
