import { HeadraceError } from '../errors.ts'
import { hash128 } from '../text/hash.ts'
import { cleanName } from '../text/printable.ts'
import type { ExampleFacts } from './examples.ts'

/** Shares of the texts of each side that are held out: at least, and at most where groups are large. */
const shareMin = 0.2
const shareMax = 0.4

/** For each text whether it is held out, and how many groups are on each side. */
export interface Split {
  readonly isHeld: readonly boolean[]
  readonly groups: { readonly learned: number; readonly held: number }
}

/**
 * Holds out whole groups, chosen by a hash of their names, until each side has a fifth of its texts among them: what is measured is then of
 * sources that the model has not seen. `sideOf` is the side of a text: 0 or 1, or 0 for all. Throws `bad-option` where a side has no
 * group on one hand, as then nothing could be said of it.
 */
export function splitByGroups(
  facts: readonly ExampleFacts[],
  sides: readonly string[],
  sideOf: (fact: ExampleFacts) => number,
): Split {
  const groups = new Map<string, number[]>()
  const totals = sides.map(() => 0)
  for (const fact of facts) {
    const counts = groups.get(fact.group) ?? sides.map(() => 0)
    groups.set(fact.group, counts)
    counts[sideOf(fact)]++
    totals[sideOf(fact)]++
  }
  const held = sides.map(() => 0)
  const heldGroups = new Set<string>()
  for (const [name, counts] of [...groups].sort((a, b) => rankOf(a[0]) - rankOf(b[0]) || (a[0] < b[0] ? -1 : 1))) {
    const isWanted = counts.some((count, side) => count > 0 && held[side] < shareMin * totals[side])
    const fits = counts.every((count, side) => count === 0 || held[side] + count <= shareMax * totals[side])
    if (!isWanted || !fits) continue
    heldGroups.add(name)
    for (const [side, count] of counts.entries()) held[side] += count
  }
  for (const [side, name] of sides.entries()) if (held[side] === 0) throw refuse(name, groups, side)
  return {
    isHeld: facts.map(({ group }) => heldGroups.has(group)),
    groups: { learned: groups.size - heldGroups.size, held: heldGroups.size },
  }
}

function refuse(name: string, groups: ReadonlyMap<string, readonly number[]>, side: number): HeadraceError {
  const counts = [...groups.values()].map(of => of[side]).filter(count => count > 0)
  const all = counts.reduce((sum, count) => sum + count, 0)
  const what = `the ${cleanName(name)} are ${all} texts of ${counts.length} group${counts.length === 1 ? '' : 's'}, the largest of ${Math.max(0, ...counts)}`
  return new HeadraceError(
    'bad-option',
    `${what}: no whole group can be held out, and so nobody would know whether it is their content that is learned; give texts of more sources, or --groups a field that parts them`,
  )
}

function rankOf(name: string): number {
  const words = new Uint32Array(4)
  const bytes = new TextEncoder().encode(name)
  hash128(bytes, 0, bytes.length, 0, words)
  return words[0]
}
