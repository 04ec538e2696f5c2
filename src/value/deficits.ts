import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { cleanName } from '../text/printable.ts'
import { type CountedTargets, countTargets } from './count-targets.ts'
import { fitShares } from './fit-shares.ts'
import type { Held } from './held-values.ts'
import { columnsIn, type DecidedSlots, findDecided } from './stored-columns.ts'
import { refuseColumn, type Target, type Targets } from './targets.ts'
import { type Kept, sumKept } from './thresholds.ts'

/** A target beside what the run has of it. Tokens all. */
export interface Deficit {
  readonly target: Target
  readonly has: Kept
  /** Of it by domain, as it is fed. */
  readonly byDomain: ReadonlyMap<string, Kept>
  /** Wanted and not there, with each document fed once, and with each fed as often as it may be. */
  readonly short: number
  readonly shortRepeated: number
  /** Of all tokens: what is wanted, and what fits. */
  readonly shareWanted: number
  readonly shareFitted: number
  /** What a feed gives that is mixed by domains: all documents of a domain, these among them. */
  readonly shareFed: number
  /** Names that a condition has and no document. */
  readonly unmet: readonly { readonly column: string; readonly names: readonly string[] }[]
}

/** A domain that the mixture that fits has. */
export interface FittedDomain {
  readonly domain: string
  /** All of them come to 1. */
  readonly weight: number
  readonly tokens: number
  /** How often each of its documents is fed. */
  readonly passes: number
}

export interface Deficits extends Omit<CountedTargets, 'byTarget' | 'byDomain'> {
  readonly decided: DecidedSlots
  readonly deficits: readonly Deficit[]
  /** The heaviest first. */
  readonly mixture: readonly FittedDomain[]
  /** Tokens that the mixture gives, at most those that are wanted. */
  readonly tokensFitted: number
}

/**
 * What a run lacks of its targets, of the documents that it keeps, and the mixture of domains that fits. A document is of the first target whose
 * conditions it meets. Throws `bad-option` where the run lacks a column, and `not-found` where no document meets any target.
 */
export async function findDeficits(run: RunReader, targets: Targets): Promise<Deficits> {
  checkColumns(run, targets)
  const decided = await findDecided(run)
  const counted = await countTargets(run, targets.targets, decided)
  const { byTarget, byDomain, held, ...others } = counted
  const has = byTarget.map(sumOf)
  if (has.every(({ tokens }) => tokens === 0)) throw refuseNothing(run, counted)
  const supplies = targets.targets.map(({ wanted }, i) => ({ wanted, has: has[i].tokens }))
  const shares = fitShares(supplies, targets.tokens, targets.repeatMax)
  const fitted = shares.reduce((sum, share) => sum + share, 0)
  const mixture = [...weighDomains(byTarget, has, shares)].map(([domain, weight]): FittedDomain => {
    const { tokens } = byDomain.get(domain)!
    return { domain, weight: weight / fitted, tokens, passes: (weight * targets.tokens) / tokens }
  })
  mixture.sort((a, b) => b.weight - a.weight || (a.domain < b.domain ? -1 : 1))
  const deficits = targets.targets.map((target, i): Deficit => {
    const short = (passes: number) => Math.max(0, target.wanted - passes * has[i].tokens)
    return {
      target,
      has: has[i],
      byDomain: byTarget[i],
      short: short(1),
      shortRepeated: short(targets.repeatMax),
      shareWanted: target.wanted / targets.tokens,
      shareFitted: shares[i] / fitted,
      shareFed: shareFed(byTarget[i], mixture),
      unmet: unmetNames(target, held),
    }
  })
  return { decided, deficits, held, ...others, mixture, tokensFitted: fitted * targets.tokens }
}

function checkColumns(run: RunReader, { targets }: Targets): void {
  const known = columnsIn(run.run)
  for (const target of targets)
    for (const column of target.where.keys())
      if (!known.includes(column)) throw refuseColumn(target, column, run.dir, known)
}

function refuseNothing({ dir }: RunReader, { all, held }: CountedTargets): HeadraceError {
  const there = [...held].map(([column, found]) => `${cleanName(column)} ${describeHeld(found)}`).join('; ')
  return new HeadraceError(
    'not-found',
    `none of the ${all.documents} documents that ${dir} keeps meets a target${there === '' ? '' : `: ${there}`}`,
  )
}

const heldShown = 12

/** What is there, in words that go on from the column's name. */
export function describeHeld(held: Held): string {
  if ('least' in held)
    return held.least > held.greatest ? 'is nowhere measured' : `lies from ${held.least} to ${held.greatest}`
  const names = held.names
    .slice(0, heldShown)
    .map(([name, documents]) => `${cleanName(name) || '(none)'} (${documents})`)
  const more = held.names.length > heldShown ? ` and ${held.names.length - heldShown} more` : ''
  return `is ${names.join(', ')}${more}`
}

const sumOf = (domains: ReadonlyMap<string, Kept>): Kept =>
  sumKept(
    [...domains.values()].map(kept => [kept]),
    1,
  )[0]

/** Each target draws from its domains by what it has there. */
function weighDomains(byTarget: readonly ReadonlyMap<string, Kept>[], has: readonly Kept[], shares: readonly number[]) {
  const weights = new Map<string, number>()
  for (const [i, domains] of byTarget.entries())
    for (const [domain, { tokens }] of domains)
      if (tokens > 0) weights.set(domain, (weights.get(domain) ?? 0) + (shares[i] * tokens) / has[i].tokens)
  return weights
}

const shareFed = (domains: ReadonlyMap<string, Kept>, mixture: readonly FittedDomain[]): number =>
  mixture.reduce((sum, { domain, weight, tokens }) => sum + (weight * (domains.get(domain)?.tokens ?? 0)) / tokens, 0)

function unmetNames({ where }: Target, held: ReadonlyMap<string, Held>): Deficit['unmet'] {
  return [...where].flatMap(([column, condition]) => {
    const found = held.get(column)
    if (!('oneOf' in condition) || !found) return []
    const there = new Set('names' in found ? found.names.map(([name]) => name) : [])
    const names = [...condition.oneOf].filter(name => !there.has(name))
    return names.length > 0 ? [{ column, names }] : []
  })
}
