import type { ExpectedFate } from './oracle-fates.ts'
import { keyOf } from './oracle-promotion.ts'

/**
 * The rows with these ids and all that belongs to them: what repeats one, and what one repeats, until nothing is added. `others` are fates of the
 * same rows in runs that the feed was promoted to.
 */
export function clusterOf(
  fates: readonly ExpectedFate[],
  ids: ReadonlySet<string>,
  others: readonly ExpectedFate[],
): Set<string> {
  const rows = new Set(fates.filter(({ fate, id }) => fate !== 'dead' && ids.has(id)).map(keyOf))
  for (let size = -1; size < rows.size; ) {
    size = rows.size
    for (const fate of [...fates, ...others]) {
      const pair = fate.duplicateOf ? [keyOf(fate), keyOf(fate.duplicateOf)] : []
      if (pair.some(row => rows.has(row))) for (const row of pair) rows.add(row)
    }
  }
  return rows
}
