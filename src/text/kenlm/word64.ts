/** An unsigned number of 64 bits in two halves of 32: a BigInt for each step of a hash would be allocated. */
export class Word64 {
  high = 0
  low = 0

  set(high: number, low: number): this {
    this.high = high >>> 0
    this.low = low >>> 0
    return this
  }

  xor(high: number, low: number): this {
    return this.set(this.high ^ high, this.low ^ low)
  }

  /** Times another, less what is beyond 64 bits. */
  multiply(high: number, low: number): this {
    const [ownUpper, ownLower] = [this.low >>> 16, this.low & 0xffff]
    const [upper, lower] = [low >>> 16, low & 0xffff]
    const first = ownUpper * lower + ((ownLower * lower) >>> 16)
    const second = ownLower * upper + (first & 0xffff)
    const carried = ownUpper * upper + (first >>> 16) + (second >>> 16)
    return this.set((carried + Math.imul(this.high, low) + Math.imul(this.low, high)) | 0, Math.imul(this.low, low))
  }

  /** What is left of it divided by `divisor`, which is below 2^37: products stay exact in a float64. */
  remainder(divisor: number): number {
    const upper = remainder(this.high, divisor)
    const middle = remainder(upper * 0x10000 + (this.low >>> 16), divisor)
    return remainder(middle * 0x10000 + (this.low & 0xffff), divisor)
  }
}

/** Of whole numbers below 2^53. `%` on float64 is a loop over their bits. */
function remainder(value: number, divisor: number): number {
  const rest = value - Math.floor(value / divisor) * divisor
  // The quotient may have been rounded up to a whole number.
  return rest < 0 ? rest + divisor : rest
}
