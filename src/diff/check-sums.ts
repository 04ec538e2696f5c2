import { HeadraceError } from '../errors.ts'
import type { SlotRange } from './run-slots.ts'
import type { Side } from './side.ts'
import type { Sums } from './tally.ts'

/** Why a run's sums could not be held against what it has counted itself, or null where they could. */
export type Unchecked = string | null

/**
 * Holds what was read of a run against what its stages have counted. Throws 'corrupt' with the figures that are not the same. Where not all
 * of the run was read there is nothing to hold it against, but that each row has one outcome.
 */
export function checkSums(side: Side, { from, to }: SlotRange, sums: Sums): Unchecked {
  if (from > 0) return `slots before ${from} are not compared, and its totals are of all`
  if (to < side.decided) return `slots from ${to} on are not compared, and its totals are of all`
  const { totals } = side.decide
  const checks: [string, number, number][] = [
    ['documents', totals.documents, sums.documents],
    ['kept documents', totals.kept, sums.kept],
    ['dead records', totals.dead, sums.dead],
    ['bytes of text', totals.textBytes, sums.textBytes],
    ['bytes of kept text', totals.keptBytes, sums.keptBytes],
    ...compareCounts('documents dropped for', new Map(Object.entries(totals.dropped)), sums.dropped),
  ]
  if (side.shard.ended) {
    const { tokens, tokensByDomain } = side.shard.totals
    checks.push(['kept documents without tokens', 0, sums.uncounted], ['tokens', tokens, sums.tokens])
    checks.push(...compareCounts('tokens of domain', new Map(Object.entries(tokensByDomain)), sums.tokensByDomain))
  }
  const wrong = checks.filter(([, counted, found]) => counted !== found)
  if (wrong.length === 0) return null
  const [[what, counted, found]] = wrong
  const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more figures differ)` : ''
  throw new HeadraceError(
    'corrupt',
    `${side.name} has counted ${counted} ${what}, and its log and shards give ${found}${more}: headrace verify says what does not hold`,
  )
}

function compareCounts(
  what: string,
  counted: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): [string, number, number][] {
  const names = new Set([...counted.keys(), ...found.keys()])
  return [...names].map(name => [`${what} '${name}'`, counted.get(name) ?? 0, found.get(name) ?? 0])
}
