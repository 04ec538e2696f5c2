/** What became of one record of the input, and why. */
export interface Fate {
  /** The document's id; empty for a record that never became a document. */
  readonly id: string
  readonly file: string
  readonly line: number
  readonly slot: number
  readonly row: number
  readonly fate: 'kept' | 'dropped' | 'dead'
  readonly reason: string | null
  /** The measured value that decided, or what was wrong with a dead record. */
  readonly evidence: number | string | null
  /** The id of the kept document that a duplicate repeats; null also where that one's slot was trimmed. */
  readonly duplicateOf: string | null
  readonly similarity: number | null
}

/** A fate with where to find the row again. */
export interface LocatedFate extends Fate {
  /** Index in the slot's scored batch, or -1 for a dead record. */
  readonly index: number
  readonly domain: string
  /** Address of the duplicate's partner, or -1. */
  readonly partner: number
}

/** Where a record came from and where it stands: its fate as long as nothing is known against it. */
export type KeptFate = Pick<LocatedFate, 'id' | 'file' | 'line' | 'slot' | 'row' | 'index' | 'domain'>

export function keptFate(place: KeptFate): LocatedFate {
  const none = { reason: null, evidence: null, duplicateOf: null, similarity: null, partner: -1 }
  return { ...place, fate: 'kept', ...none }
}

/** A record that never became a document. */
export function deadFate(
  place: Omit<KeptFate, 'id' | 'index' | 'domain'>,
  reason: string,
  detail: string,
): LocatedFate {
  return { ...keptFate({ id: '', ...place, index: -1, domain: '' }), fate: 'dead', reason, evidence: detail }
}
