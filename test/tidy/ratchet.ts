import assert from 'node:assert/strict'

/** How often something is met that ought not to be, by the name of where. */
export type Counts = Readonly<Record<string, number>>

export function countBy<T>(found: Iterable<T>, nameOf: (one: T) => string): Counts {
  const counts: Record<string, number> = {}
  for (const one of found) counts[nameOf(one)] = (counts[nameOf(one)] ?? 0) + 1
  return counts
}

/** What is wrong where `found` may be `allowed` and no more. What there is less of is wrong too, until the number that is allowed falls. */
export function judgeCounts(found: Counts, allowed: Counts): string[] {
  const names = [...new Set([...Object.keys(found), ...Object.keys(allowed)])].sort()
  return names.flatMap(name => {
    const [is, may] = [found[name] ?? 0, allowed[name] ?? 0]
    if (is === may) return []
    return [is > may ? `${name}: ${is}, and ${may} allowed` : `${name}: ${is} now: allow ${is} instead of ${may}`]
  })
}

/** Exceptions to a rule of the house: their number may fall, and never rise again. */
export function assertShrinks(found: Counts, allowed: Counts): void {
  assert.deepEqual(judgeCounts(found, allowed), [])
}
