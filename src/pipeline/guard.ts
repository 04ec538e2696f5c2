import type { Field } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'

/** A band that the share of removed rows must stay in. Outside it the deciding stage stops before it commits, and waits for a person. */
export interface GuardOptions {
  /**
   * What is counted apart: nothing, the source's domains, the languages that `language()` found, or the reasons of removal. For `reason`
   * the share is the rows removed for it of all rows. Dead rows count in `all`, and as the reason `dead`.
   */
  readonly by: 'all' | 'domain' | 'language' | 'reason'
  /** These domains, languages or reasons alone. Default each that comes. */
  readonly only?: readonly string[]
  /** A share above this is outside, from 0 to 1. At least one bound is given. */
  readonly above?: number
  /** A share below this is outside, from 0 to 1. By reason it needs `only`: a reason that never comes is not known. */
  readonly below?: number
  /** Slots that are counted together; counts begin anew at each multiple of it. Default 64, which is 32 MB of input. */
  readonly windowSlots?: number
  /** Rows that a window must have of the domain, language or whatever is counted before it is judged. Default 1,000. */
  readonly rowsMin?: number
}

/** A checked guard. */
export interface Guard {
  /** What it counts, in words: names its counts in the log, and is the same when only a bound or `rowsMin` changes. */
  readonly name: string
  readonly by: GuardOptions['by']
  readonly only: readonly string[] | null
  /** Without a bound, one that no share passes. */
  readonly above: number
  readonly below: number
  readonly windowSlots: number
  readonly rowsMin: number
}

/** Whether so many removed rows of so many are outside a guard's band. */
export function leavesBand({ above, below, rowsMin }: Guard, rows: number, removed: number): boolean {
  return rows >= rowsMin && (removed / rows > above || removed / rows < below)
}

/** Slots of a window at most: 512 GB of input. */
const windowSlotsMax = 1_048_576

/** Checks guards and fills in what they leave out. `reasons` are those that the pipeline can remove a row for. */
export function planGuards(
  pipeline: string,
  guards: readonly GuardOptions[],
  fields: readonly Field[],
  reasons: readonly string[],
): Guard[] {
  const planned = guards.map(options => planGuard(pipeline, options, fields, [...new Set([...reasons, 'dead'])]))
  const names = planned.map(guard => guard.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw bad(pipeline, twice, 'stands twice: give one guard both bounds')
  return planned
}

function planGuard(
  pipeline: string,
  options: GuardOptions,
  fields: readonly Field[],
  reasons: readonly string[],
): Guard {
  const { by, only, above, below, windowSlots = 64, rowsMin = 1000, ...others } = options
  const refuse = (what: string) => bad(pipeline, `by ${by}`, what)
  for (const other in others)
    throw refuse(`has '${other}', which it does not know; it knows only, above, below, windowSlots and rowsMin`)
  if (!['all', 'domain', 'language', 'reason'].includes(by))
    throw refuse('counts by what it does not know: by is all, domain, language or reason')
  if (by === 'language' && !fields.some(field => field.name === 'language' && field.kind === 'utf8'))
    throw refuse("reads column 'language', which no annotator writes; add language()")
  checkOnly(by, only, reasons, refuse)
  if (above === undefined && below === undefined) throw refuse('has no bound; give above, below or both')
  for (const [bound, value] of Object.entries({ above, below }))
    if (value !== undefined && !(typeof value === 'number' && value >= 0 && value <= 1))
      throw refuse(`has ${bound} ${value}; a share is a number from 0 to 1`)
  if (above !== undefined && below !== undefined && below > above)
    throw refuse(`has below ${below} and above ${above}: no share is inside`)
  if (by === 'reason' && below !== undefined && !only)
    throw refuse(`has below ${below} without only: name the reasons that must come`)
  for (const [name, value, max] of [
    ['windowSlots', windowSlots, windowSlotsMax],
    ['rowsMin', rowsMin, Number.MAX_SAFE_INTEGER],
  ] as const)
    if (!Number.isInteger(value) || value < 1 || value > max)
      throw refuse(`has ${name} ${value}; it must be a whole number of at least 1 and at most ${max}`)
  return Object.freeze({
    name: `by ${by}${only ? ` ${JSON.stringify(only)}` : ''} over ${windowSlots} slots`,
    ...{ by, only: only ?? null, windowSlots, rowsMin },
    ...{ above: above ?? Number.POSITIVE_INFINITY, below: below ?? Number.NEGATIVE_INFINITY },
  })
}

function checkOnly(
  by: GuardOptions['by'],
  only: GuardOptions['only'],
  reasons: readonly string[],
  refuse: (what: string) => HeadraceError,
): void {
  if (only === undefined) return
  if (by === 'all') throw refuse('has only, and counts all rows')
  if (!Array.isArray(only) || only.length === 0 || only.some(name => typeof name !== 'string'))
    throw refuse(`has only ${JSON.stringify(only)}; it is a list of names`)
  const unknown = by === 'reason' ? only.find(name => !reasons.includes(name)) : undefined
  if (unknown !== undefined)
    throw refuse(`names '${unknown}', for which nothing is removed; the reasons are ${reasons.join(', ')}`)
}

function bad(pipeline: string, guard: string, what: string): HeadraceError {
  return new HeadraceError('bad-pipeline', `pipeline '${pipeline}': the guard ${guard} ${what}`)
}
