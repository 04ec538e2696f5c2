import type { Field } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import {
  listOf,
  type OptionsOf,
  oneOf,
  optional,
  type ResolvedOf,
  refuseName,
  required,
  share,
  text,
  whole,
} from '../options.ts'

const counted = oneOf(['all', 'domain', 'language', 'reason'])

/**
 * A band that the share of removed rows must stay in. Outside it the deciding stage stops before it commits, and waits for a person. What
 * is counted apart is nothing, the source's domains, the languages that `language()` found, or the reasons of removal: then the share is
 * the rows removed for it of all rows. Dead rows count in `all`, and as the reason `dead`.
 */
export const guardOptions = {
  by: required('what is counted apart: nothing, each domain, language or reason of removal', counted),
  only: optional('these domains, languages or reasons alone; each that comes where it is left out', listOf(text, 1)),
  above: optional('a share above this is outside; at least one bound is given', share),
  below: optional(
    'a share below this is outside; by reason it needs `only`, as not all that could come is known',
    share,
  ),
  windowSlots: optional('slots (of 512 KB of input) that are counted together', whole(1, 1_048_576), 64),
  rowsMin: optional('rows that a window must have of what is counted before it is judged', whole(1), 1000),
}
export interface GuardOptions extends OptionsOf<typeof guardOptions> {}
/** The same with every default. */
export interface GuardSettings extends ResolvedOf<typeof guardOptions> {}

/** A checked guard. Without a bound it has one that no share passes. */
export interface Guard extends Omit<GuardSettings, 'only' | 'above' | 'below'> {
  /** What it counts, in words. It names the counts in the log, so that no bound and no `rowsMin` is in it. */
  readonly name: string
  readonly only: readonly string[] | null
  readonly above: number
  readonly below: number
}

export function leavesBand({ above, below, rowsMin }: Guard, rows: number, removed: number): boolean {
  return rows >= rowsMin && (removed / rows > above || removed / rows < below)
}

/** Checks guards against each other and the pipeline. `reasons` are those that the pipeline can remove a row for. */
export function planGuards(
  pipeline: string,
  guards: readonly GuardSettings[],
  fields: readonly Field[],
  reasons: readonly string[],
): Guard[] {
  const planned = guards.map(settings => planGuard(pipeline, settings, fields, [...new Set([...reasons, 'dead'])]))
  const names = planned.map(guard => guard.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw bad(pipeline, twice, 'stands twice: give one guard both bounds')
  return planned
}

function planGuard(
  pipeline: string,
  { by, only, above, below, windowSlots, rowsMin }: GuardSettings,
  fields: readonly Field[],
  reasons: readonly string[],
): Guard {
  const refuse = (what: string) => bad(pipeline, `by ${by}`, what)
  if (by === 'language' && !fields.some(field => field.name === 'language' && field.kind === 'utf8'))
    throw refuse("reads column 'language', which no annotator writes; add language()")
  if (only && by === 'all') throw refuse('has only, and counts all rows')
  const unknown = by === 'reason' ? only?.find(name => !reasons.includes(name)) : undefined
  if (unknown !== undefined) throw refuse(refuseName('names a reason for which nothing is removed,', unknown, reasons))
  if (above === undefined && below === undefined) throw refuse('has no bound; give above, below or both')
  if (above !== undefined && below !== undefined && below > above)
    throw refuse(`has below ${below} and above ${above}: no share is inside`)
  if (by === 'reason' && below !== undefined && !only)
    throw refuse(`has below ${below} without only: name the reasons that must come`)
  return Object.freeze({
    name: `by ${by}${only ? ` ${JSON.stringify(only)}` : ''} over ${windowSlots} slots`,
    by,
    only: only ?? null,
    windowSlots,
    rowsMin,
    above: above ?? Number.POSITIVE_INFINITY,
    below: below ?? Number.NEGATIVE_INFINITY,
  })
}

function bad(pipeline: string, guard: string, what: string): HeadraceError {
  return new HeadraceError('bad-pipeline', `pipeline '${pipeline}': the guard ${guard} ${what}`)
}
