/**
 * Natural logarithm from additions, multiplications and divisions alone, which IEEE 754 fixes to the bit; `Math.log` may differ
 * in its last bit from engine to engine. Within 2 units in the last place of the true value for finite x > 0.
 */
export function naturalLog(x: number): number {
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
