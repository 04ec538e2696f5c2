/**
 * Which texts go together: those of like lengths, as all of a batch are computed as long as its longest. The places of the texts, a list a batch,
 * the shortest first. A batch has `textsMax` texts and `sizeMax` of their lengths in sum at most, but a longer one alone.
 */
export function cutBatches(lengths: ArrayLike<number>, textsMax: number, sizeMax: number): number[][] {
  const order = Array.from({ length: lengths.length }, (_, i) => i).sort((a, b) => lengths[a] - lengths[b] || a - b)
  const batches: number[][] = []
  let size = 0
  for (const i of order) {
    const last = batches.at(-1)
    if (last && last.length < textsMax && size + lengths[i] <= sizeMax) last.push(i)
    else {
      batches.push([i])
      size = 0
    }
    size += lengths[i]
  }
  return batches
}
