import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { kind, oneOf, optional, resolveOptions, whole } from '../../options.ts'
import type { Placed } from '../sample-rows.ts'

/** Which documents are looked for: those to which all that is given applies. */
export interface DocumentQuery {
  readonly fate?: 'kept' | 'dropped' | 'dead' | undefined
  /** As it is recorded, or as pages show it. */
  readonly reason?: string | undefined
  /** The same: also `other`, for those that the run counts so. */
  readonly domain?: string | undefined
  /** A part of the id, of `file:line`, or of the text, in upper or lower case. */
  readonly q?: string | undefined
  /** The record behind which the search goes on. */
  readonly after?: Placed | undefined
  /** Default 20. */
  readonly limit?: number | undefined
}

const short = kind<string>(`1 to ${limits.searchLengthMax} characters`, value => {
  return typeof value === 'string' && value.length > 0 && value.length <= limits.searchLengthMax
})
const placePattern = /^(\d{1,10})\/(\d{1,7})$/
const place = kind<string>('SLOT/ROW, as in 3/17', value => typeof value === 'string' && placePattern.test(value))

const queryOptions = {
  fate: optional('', oneOf(['kept', 'dropped', 'dead'])),
  reason: optional('', short),
  domain: optional('', short),
  q: optional('', short),
  after: optional('', place),
  limit: optional('', whole(1, limits.searchDocumentsMax)),
}

/**
 * Reads the parameters of a request; an empty one is as none, as forms send it. Throws 'bad-option' with the parameter, its value and what is allowed, also
 * for one that is unknown or given twice.
 */
export function parseDocumentQuery(params: URLSearchParams): DocumentQuery {
  const given = new Map<string, string>()
  for (const [name, value] of params) {
    if (given.has(name)) throw new HeadraceError('bad-option', `the search has '${name}' twice: give it once`)
    given.set(name, value)
  }
  const { limit, ...texts } = Object.fromEntries(Array.from(given, ([name, value]) => [name, value || undefined]))
  // What is no number stays as it is, to be refused as it was given.
  const count = limit !== undefined && /^\d{1,9}$/.test(limit) ? Number(limit) : limit
  const { after, ...query } = resolveOptions('the search', queryOptions, {
    ...texts,
    ...(count !== undefined && { limit: count as number }),
  })
  return { ...query, after: after === undefined ? undefined : parsePlace(after) }
}

function parsePlace(text: string): Placed {
  const [, slot, row] = placePattern.exec(text)!
  return { slot: Number(slot), row: Number(row) }
}

export const formatPlace = ({ slot, row }: Placed) => `${slot}/${row}`
