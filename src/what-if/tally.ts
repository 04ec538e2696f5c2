import { Amount } from './amounts.ts'

/** Kept documents of a group, as the run has them and as they would be. */
export interface GroupTally {
  documents: number
  readonly now: Amount
  readonly tried: Amount
}

/** A document as it is counted: its bytes, its tokens (-1: not known), its language and its group. */
export interface Counted {
  readonly bytes: number
  readonly tokens: number
  readonly language: string
  readonly group: string | null
}

/** What becomes of all documents, counted. A reason that is empty is no drop. */
export class Tally {
  readonly now = new Amount()
  readonly tried = new Amount()
  /** Documents that are kept otherwise than before, and dropped otherwise. */
  readonly returned = new Amount()
  readonly removed = new Amount()
  readonly droppedNow = new Map<string, number>()
  readonly droppedThen = new Map<string, number>()
  /** Documents whose fate is another, by what it was and what it would be; the empty reason is kept. */
  readonly moves = new Map<string, Map<string, number>>()
  /** Documents that nothing stored decides, by the reason that they are dropped for. */
  readonly unmeasured = new Map<string, Amount>()
  readonly groups = new Map<string, GroupTally>()

  add(from: string, to: string | null, counted: Counted): void {
    const { bytes, tokens, language } = counted
    const group = this.#groupOf(counted.group)
    if (group) group.documents++
    const isKept = to === ''
    if (from === '')
      for (const amount of group ? [this.now, group.now] : [this.now]) amount.add(bytes, tokens, language)
    else addTo(this.droppedNow, from)
    if (isKept)
      for (const amount of group ? [this.tried, group.tried] : [this.tried]) amount.add(bytes, tokens, language)
    else if (to !== null) addTo(this.droppedThen, to)
    if (to === null) this.#unmeasuredOf(from).add(bytes, tokens, language)
    else if (to !== from) this.#move(from, to, counted)
  }

  #move(from: string, to: string, { bytes, tokens, language }: Counted): void {
    const moves = this.moves.get(from) ?? new Map<string, number>()
    this.moves.set(from, moves)
    addTo(moves, to)
    if (to === '') this.returned.add(bytes, tokens, language)
    if (from === '') this.removed.add(bytes, tokens, language)
  }

  #unmeasuredOf(reason: string): Amount {
    const known = this.unmeasured.get(reason) ?? new Amount()
    this.unmeasured.set(reason, known)
    return known
  }

  #groupOf(name: string | null): GroupTally | null {
    if (name === null) return null
    const known = this.groups.get(name) ?? { documents: 0, now: new Amount(), tried: new Amount() }
    this.groups.set(name, known)
    return known
  }
}

function addTo(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
