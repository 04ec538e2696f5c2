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

/** The natural logarithm of a positive finite number; NaN for any other. */
export function naturalLog(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return Number.NaN
  let exponent = 0
  for (; x > Math.SQRT2; x /= 2) exponent++
  for (; x < Math.SQRT1_2; x *= 2) exponent--
  // ln x = 2 artanh((x - 1) / (x + 1)), whose argument is below 0.172, so 12 terms reach full precision.
  const ratio = (x - 1) / (x + 1)
  const square = ratio * ratio
  let sum = 0
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k
  return 2 * ratio * sum + exponent * Math.LN2
}
