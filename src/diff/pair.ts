import type { Outcome } from './outcome.ts'

/** One record in both runs; null where a run does not have it, which only happens where records are joined by a label. */
export interface Pair {
  readonly a: Outcome | null
  readonly b: Outcome | null
  /** Whether both have the same text, where both keep it; null where that is not known, as a run does not store texts. */
  readonly isSameText: boolean | null
}

/** What a record's two outcomes come to. Each pair is of one kind. */
export const kinds = [
  'same',
  'added',
  'removed',
  'swapped',
  'other-reason',
  'other-text',
  'dead-in-one',
  'only-in-one',
] as const
export type Kind = (typeof kinds)[number]

/** What each kind means, for people. */
export const kindMeanings: Readonly<Record<Kind, string>> = {
  same: 'kept in both with the same text and domain, or removed in both for the same reason',
  added: 'kept by B, dropped by A',
  removed: 'kept by A, dropped by B',
  swapped: 'kept by one, dropped by the other as a copy of a document that the first does not keep',
  'other-reason': 'removed in both, for different reasons',
  'other-text': 'kept in both with another text or domain',
  'dead-in-one': 'a document in one, a dead record in the other',
  'only-in-one': 'one of them has no such record',
}

/** Whether a run keeps the document at an address that the other run keeps, too. */
export interface KeptAlone {
  /** Documents that only A keeps, and that only B keeps, by their addresses there. */
  readonly a: { has(address: number): boolean }
  readonly b: { has(address: number): boolean }
}

/**
 * The kind of a pair. A document that one run keeps and the other drops as a copy of a kept one is `swapped` when the first run does not
 * keep that one: the cluster has another member in each. Where both keep it, nothing stands in for the document, which is `removed` or
 * `added`. This looks at each row alone: the document that stands in for another may be `added` itself.
 */
export function judge({ a, b, isSameText }: Pair, alone: KeptAlone): Kind {
  if (!a || !b) return 'only-in-one'
  if ((a.fate === 'dead') !== (b.fate === 'dead')) return 'dead-in-one'
  if (a.fate === 'kept' && b.fate === 'kept')
    return isSameText !== false && a.domain === b.domain ? 'same' : 'other-text'
  if (a.fate === 'kept') return b.partner >= 0 && alone.b.has(b.partner) ? 'swapped' : 'removed'
  if (b.fate === 'kept') return a.partner >= 0 && alone.a.has(a.partner) ? 'swapped' : 'added'
  return a.reason === b.reason ? 'same' : 'other-reason'
}
