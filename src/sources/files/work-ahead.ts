/** Pieces of work that wait for the disk at the same time: more gain nothing, and each holds an open file. */
const aheadMax = 16

/** What `work` makes of each item, in their order, where some are worked on ahead. Those begun are waited for when nobody reads on. */
export async function* workAhead<T, R>(items: Iterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R, void> {
  const begun: Promise<R>[] = []
  try {
    for (const item of items) {
      const result = work(item)
      // Its failure is thrown when its turn comes.
      result.catch(() => {})
      begun.push(result)
      if (begun.length >= aheadMax) yield await begun.shift()!
    }
    while (begun.length > 0) yield await begun.shift()!
  } finally {
    await Promise.allSettled(begun)
  }
}
