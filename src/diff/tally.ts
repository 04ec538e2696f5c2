import { NameLimit, otherDomain } from '../decide/name-limit.ts'
import { limits } from '../limits.ts'
import type { Outcome } from './outcome.ts'
import { type Kind, kinds, type Pair } from './pair.ts'
import { Samples } from './samples.ts'

/** A figure of both runs: A's, B's. */
export type Both = [a: number, b: number]

/** What documents come to. `tokens` are of those that are kept and whose tokens are known. */
export interface Amounts {
  documents: number
  readonly kept: Both
  readonly bytes: Both
  readonly tokens: Both
}

/** What is looked at by name. */
export const groupings = ['domain', 'language', 'reason', 'source'] as const
export type Grouping = (typeof groupings)[number]

/** Kept documents of one name, or, by reason, those that it removed. After is before, with what was added and without what was removed. */
export interface Group {
  before: number
  after: number
  added: number
  removed: number
  readonly tokens: Both
}

/** From what to what records moved: a reason, or null for kept. */
export interface Cell {
  readonly kind: Kind
  readonly from: End
  readonly to: End
  readonly amounts: Amounts
  readonly samples: Samples
}
export type End = Pick<Outcome, 'fate' | 'reason'> | null

/** One run's sums, to be held against its own. */
export interface Sums {
  documents: number
  kept: number
  dead: number
  textBytes: number
  keptBytes: number
  readonly dropped: Map<string, number>
  tokens: number
  readonly tokensByDomain: Map<string, number>
  /** Kept documents whose tokens no shard says. */
  uncounted: number
}

/** Counts pairs. */
export class Tally {
  readonly kinds: ReadonlyMap<Kind, Amounts> = new Map(kinds.map(kind => [kind, emptyAmounts()]))
  readonly groups: ReadonlyMap<Grouping, NamedGroups>
  readonly sums: readonly [Sums, Sums] = [emptySums(), emptySums()]
  /** Documents that both keep, of which nobody knows whether their texts are the same. */
  unknownTexts = 0
  readonly #cells = new Map<string, Cell>()
  readonly #samplesMax: number

  constructor(by: readonly Grouping[], samplesMax: number) {
    this.groups = new Map(by.map(grouping => [grouping, new NamedGroups(grouping)]))
    this.#samplesMax = samplesMax
  }

  /** The cells, most documents first. */
  get cells(): Cell[] {
    return [...this.#cells.values()].sort((a, b) => b.amounts.documents - a.amounts.documents)
  }

  add(pair: Pair, kind: Kind): void {
    if (pair.a) addSums(this.sums[0], pair.a)
    if (pair.b) addSums(this.sums[1], pair.b)
    addAmounts(this.kinds.get(kind)!, pair)
    if (pair.isSameText === null && pair.a?.fate === 'kept' && pair.b?.fate === 'kept') this.unknownTexts++
    for (const groups of this.groups.values()) groups.add(pair)
    if (kind === 'same') return
    const cell = this.#cellOf(kind, pair)
    addAmounts(cell.amounts, pair)
    cell.samples.add(pair)
  }

  #cellOf(kind: Kind, { a, b }: Pair): Cell {
    const own = this.#cells.get(keyOf(kind, endOf(a), endOf(b)))
    if (own) return own
    const isFull = this.#cells.size >= limits.diffCellsMax
    const [from, to] = [a, b].map(outcome => (isFull ? asOther(endOf(outcome)) : endOf(outcome)))
    const key = keyOf(kind, from, to)
    const found = this.#cells.get(key)
    if (found) return found
    const cell = { kind, from, to, amounts: emptyAmounts(), samples: new Samples(this.#samplesMax) }
    this.#cells.set(key, cell)
    return cell
  }
}

const keyOf = (kind: Kind, from: End, to: End) => JSON.stringify([kind, from, to])
const endOf = (outcome: Outcome | null): End => outcome && { fate: outcome.fate, reason: outcome.reason }
/** The same with the reason that those beyond the limit share. */
const asOther = (end: End): End => end && (end.fate === 'kept' ? end : { ...end, reason: otherDomain })

/** Groups by their names, of which the first ones that come are kept apart. */
export class NamedGroups {
  readonly #names = new NameLimit([])
  readonly #groups = new Map<string, Group>()
  readonly #nameOf: (outcome: Outcome) => string | null

  constructor(grouping: Grouping) {
    this.#nameOf = namings[grouping]
  }

  /** By name; most documents of both runs first. */
  get sorted(): [name: string, Group][] {
    const weight = (group: Group) => group.before + group.after
    return [...this.#groups].sort((a, b) => weight(b[1]) - weight(a[1]) || (a[0] < b[0] ? -1 : 1))
  }

  add({ a, b }: Pair): void {
    const [from, to] = [this.#find(a), this.#find(b)]
    if (from) from.before++
    if (to) to.after++
    if (from) from.tokens[0] += a!.tokens ?? 0
    if (to) to.tokens[1] += b!.tokens ?? 0
    if (from === to) return
    if (from) from.removed++
    if (to) to.added++
  }

  #find(outcome: Outcome | null): Group | null {
    const own = outcome && this.#nameOf(outcome)
    if (own === null) return null
    const name = this.#names.of(own)
    const found = this.#groups.get(name)
    if (found) return found
    const group: Group = { before: 0, after: 0, added: 0, removed: 0, tokens: [0, 0] }
    this.#groups.set(name, group)
    return group
  }
}

/** The name of an outcome in each grouping; null where it has no part in it. */
const namings: Readonly<Record<Grouping, (outcome: Outcome) => string | null>> = {
  domain: ({ fate, domain }) => (fate === 'kept' ? domain : null),
  language: ({ fate, language }) => (fate === 'kept' ? language : null),
  source: ({ fate, file }) => (fate === 'kept' ? file : null),
  reason: ({ fate, reason }) => (fate === 'kept' ? null : reason),
}

export function emptyAmounts(): Amounts {
  return { documents: 0, kept: [0, 0], bytes: [0, 0], tokens: [0, 0] }
}

function addAmounts(amounts: Amounts, { a, b }: Pair): void {
  amounts.documents++
  if (a) addSide(amounts, 0, a)
  if (b) addSide(amounts, 1, b)
}

function addSide(amounts: Amounts, side: 0 | 1, { fate, bytes, tokens }: Outcome): void {
  amounts.bytes[side] += bytes
  if (fate === 'kept') amounts.kept[side]++
  amounts.tokens[side] += tokens ?? 0
}

function emptySums(): Sums {
  const none = { documents: 0, kept: 0, dead: 0, textBytes: 0, keptBytes: 0, tokens: 0, uncounted: 0 }
  return { ...none, dropped: new Map(), tokensByDomain: new Map() }
}

function addSums(sums: Sums, { fate, reason, bytes, tokens, domain }: Outcome): void {
  sums.documents++
  sums.textBytes += bytes
  if (fate === 'dead') sums.dead++
  if (fate === 'dropped') addTo(sums.dropped, reason, 1)
  if (fate !== 'kept') return
  sums.kept++
  sums.keptBytes += bytes
  if (tokens === null) sums.uncounted++
  else {
    sums.tokens += tokens
    addTo(sums.tokensByDomain, domain, tokens)
  }
}

function addTo(counts: Map<string, number>, name: string, amount: number): void {
  counts.set(name, (counts.get(name) ?? 0) + amount)
}
