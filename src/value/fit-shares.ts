/** Tokens that there are, and tokens that are wanted. */
export interface Supply {
  readonly has: number
  readonly wanted: number
}

/**
 * Shares of `tokens` that are in proportion to what is wanted, where no supply is drawn from more than `repeatMax` times: p_i ∝ wanted_i, at most
 * repeatMax · has_i / tokens, and what is cut off goes to the others, in proportion again. They come to 1, or to less where all together
 * can't give as much.
 */
export function fitShares(supplies: readonly Supply[], tokens: number, repeatMax: number): number[] {
  const most = supplies.map(({ has }) => (repeatMax * has) / tokens)
  const shares = supplies.map(() => 0)
  let open = supplies.map((_, i) => i).filter(i => supplies[i].wanted > 0)
  let left = 1
  while (open.length > 0) {
    const wanted = open.reduce((sum, i) => sum + supplies[i].wanted, 0)
    const proportional = (i: number) => (left * supplies[i].wanted) / wanted
    const full = open.filter(i => proportional(i) > most[i])
    if (full.length === 0) {
      for (const i of open) shares[i] = proportional(i)
      break
    }
    for (const i of full) shares[i] = most[i]
    left = Math.max(0, left - full.reduce((sum, i) => sum + most[i], 0))
    open = open.filter(i => !full.includes(i))
  }
  return shares
}
