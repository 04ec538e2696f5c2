/** True Jaccard similarity: words between white space by fives; characters by fives where a fifth of them is Chinese, Japanese or Korean. */
export function jaccard(a: string, b: string): number {
  const cjk = (a.match(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g)?.length ?? 0) > a.length * 0.2
  const grams = (text: string): Set<string> => {
    const words = cjk ? [...text.replace(/\s+/g, '')] : text.toLowerCase().split(/\s+/)
    return new Set(Array.from({ length: Math.max(0, words.length - 4) }, (_, i) => words.slice(i, i + 5).join(' ')))
  }
  const x = grams(a)
  const y = grams(b)
  const both = [...x].filter(gram => y.has(gram)).length
  return x.size + y.size > 0 ? both / (x.size + y.size - both) : 1
}

/** Probability that a pair of this similarity shares a band. */
export const shareBand = (s: number): number => 1 - (1 - s ** 8) ** 14

/** The same and that the estimate over the 112 places reaches the threshold, by drawing places. */
export function expectDrop(s: number, similarity: number): number {
  let seed = 1
  const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32
  let dropped = 0
  for (let trial = 0; trial < 300; trial++) {
    const equal = Array.from({ length: 112 }, () => random() < s)
    const share = equal.filter(Boolean).length / 112
    if (
      share >= similarity &&
      Array.from({ length: 14 }, (_, b) => b * 8).some(b => equal.slice(b, b + 8).every(Boolean))
    )
      dropped++
  }
  return dropped / 300
}
