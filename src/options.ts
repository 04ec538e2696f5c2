import { HeadraceError } from './errors.ts'

/**
 * Options as tables: each option once, with what it says, what it may be and its default. Types, checks, help and docs come from the table,
 * so that they cannot part.
 *
 *     const holdoutOptions = {
 *       rate: required('share of kept documents', share),
 *       seed: optional('another seed holds out other documents', uint32, 0),
 *     }
 *     function holdout(options: OptionsOf<typeof holdoutOptions>) {
 *       const { rate, seed } = resolveOptions('holdout()', holdoutOptions, options)
 */

/** What a value must be: in words that go on from "give", and as a check. */
export interface Kind<T> {
  readonly is: string
  readonly accepts: (value: unknown) => value is T
  /** Of a value that is refused, what is wrong in it or near to it, where that helps; else null. */
  readonly hint?: ((value: unknown) => string | null) | undefined
}

export interface Option<T = unknown> {
  /** What it says, in help and docs. */
  readonly about: string
  readonly kind: Kind<T>
  /** Undefined for an option that must be given, or that says nothing where it is not. */
  readonly default: T | undefined
  readonly mayBeMissing?: boolean
}
export type RequiredOption<T> = Option<T> & { readonly default: undefined; readonly mayBeMissing?: false }
export type MissingOption<T> = Option<T> & { readonly default: undefined; readonly mayBeMissing: true }
export type OptionTable = Readonly<Record<string, Option>>

type ValueOf<O> = O extends Option<infer T> ? T : never
type RequiredIn<O> = { [K in keyof O]: O[K] extends RequiredOption<unknown> ? K : never }[keyof O]
/** What a caller gives: options with a default may be left out, or be undefined. */
export type OptionsOf<O> = keyof O extends never
  ? Readonly<Record<string, never>>
  : { readonly [K in keyof O as K extends RequiredIn<O> ? K : never]: ValueOf<O[K]> } & {
      readonly [K in keyof O as K extends RequiredIn<O> ? never : K]?: ValueOf<O[K]> | undefined
    }
/** What comes of it: every option with its value. */
export type ResolvedOf<O> = {
  readonly [K in keyof O]: O[K] extends MissingOption<unknown> ? ValueOf<O[K]> | undefined : ValueOf<O[K]>
}

export const required = <T>(about: string, kind: Kind<T>): RequiredOption<T> => ({ about, kind, default: undefined })
export function optional<T>(about: string, kind: Kind<T>): MissingOption<T>
export function optional<T>(about: string, kind: Kind<T>, value: NoInfer<T>): Option<T> & { readonly default: T }
export function optional<T>(about: string, kind: Kind<T>, value?: T): Option<T> {
  return value === undefined ? { about, kind, default: undefined, mayBeMissing: true } : { about, kind, default: value }
}

export function kind<T>(is: string, accepts: (value: unknown) => boolean, hint?: Kind<T>['hint']): Kind<T> {
  return { is, accepts: accepts as Kind<T>['accepts'], hint }
}
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** A finite number, both bounds included. */
export function number(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Kind<number> {
  return kind(`a number${describeRange(min, max)}`, value => isNumber(value) && value >= min && value <= max)
}
/** A whole number, both bounds included. */
export function whole(min = 0, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const isIn = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
  const range = describeRange(min, max === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : max)
  return kind(`a whole number${range}`, isIn)
}
export const share = number(0, 1)
export const uint32 = whole(0, 0xffffffff)
export const flag: Kind<boolean> = kind('true or false', value => typeof value === 'boolean')
export const name: Kind<string> = kind('a name', value => typeof value === 'string' && value !== '')
export const text: Kind<string> = kind('a string', value => typeof value === 'string')

export function oneOf<const T extends string>(values: readonly T[]): Kind<T> {
  const isOne = (value: unknown) => values.some(one => one === value)
  return kind(`one of ${values.join(', ')}`, isOne, value => suggest(String(value), values))
}
/** A list of at least `min` items. */
export function listOf<T>(item: Kind<T>, min = 0): Kind<readonly T[]> {
  const isList = (value: unknown) => Array.isArray(value) && value.length >= min && value.every(item.accepts)
  return kind(`a list${min > 0 ? ` of at least ${min}` : ''}, each ${item.is}`, isList, value => hintAt(value, item))
}
export function recordOf<T>(item: Kind<T>): Kind<Readonly<Record<string, T>>> {
  const isRecord = (value: unknown) => isObject(value) && Object.values(value).every(item.accepts)
  return kind(`names, each with ${item.is}`, isRecord, value => hintAt(value, item))
}
export function orNull<T>(item: Kind<T>): Kind<T | null> {
  return kind(`${item.is}, or null`, value => value === null || item.accepts(value), item.hint)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first of a list's or record's items that is not of its kind. */
function hintAt(value: unknown, item: Kind<unknown>): string | null {
  const entries = typeof value === 'object' ? Object.entries(value ?? {}) : []
  const found = entries.find(([, one]) => !item.accepts(one))
  return found ? `'${found[0]}' is ${show(found[1])}` : null
}

function describeRange(min: number, max: number): string {
  if (max < Number.POSITIVE_INFINITY) return ` from ${min} to ${max}`
  return min > Number.NEGATIVE_INFINITY ? ` from ${min} on` : ''
}

/**
 * The options with their defaults. `who` begins the message, as in `holdout()`. Throws 'bad-option' for a name that the table does not have,
 * with the nearest one, and for a value that is not of its kind.
 */
export function resolveOptions<O extends OptionTable>(who: string, table: O, given: OptionsOf<O>): ResolvedOf<O> {
  checkObject(who, given)
  const values = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(values)) checkOption(who, table, name, value)
  for (const [name, option] of Object.entries(table))
    if (option.default === undefined && !option.mayBeMissing && values[name] === undefined)
      throw new HeadraceError('bad-option', `${who} needs '${name}': give ${option.kind.is}`)
  const defaults = Object.fromEntries(Object.entries(table).map(([name, option]) => [name, option.default]))
  return Object.freeze({ ...defaults, ...values }) as ResolvedOf<O>
}

/** Throws 'bad-option' for what is no object with names. */
export function checkObject(who: string, given: unknown): void {
  if (!isObject(given)) throw new HeadraceError('bad-option', `${who} takes an object of options, not ${show(given)}`)
}

/** Throws 'bad-option' unless the table has the option and the value is of its kind. */
export function checkOption(who: string, table: OptionTable, name: string, value: unknown): void {
  if (!Object.hasOwn(table, name))
    throw new HeadraceError('bad-option', refuseName(`${who} has no option`, name, Object.keys(table)))
  const { kind } = table[name]
  if (kind.accepts(value)) return
  const hint = kind.hint?.(value)
  const advice = hint ? `${kind.is}; ${hint}` : kind.is
  throw new HeadraceError('bad-option', `${who} has '${name}' ${show(value)}: give ${advice}`)
}

/** `what 'name'`, with the known name that is nearest to it, and all that there are. */
export function refuseName(what: string, name: string, known: readonly string[]): string {
  if (known.length === 0) return `${what} '${name}'; it has none`
  const listed = `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`
  return `${what} '${name}'; ${[suggest(name, known), listed].filter(Boolean).join(' ')}`
}

function suggest(name: string, known: readonly string[]): string | null {
  const nearest = findNearest(name, known)
  return nearest === null ? null : `did you mean '${nearest}'?`
}

const shownMax = 80

/** A value as a message shows it: JSON where it has one. */
export function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  const text = typeof value === 'number' ? String(value) : writeJson(value)
  return text.length > shownMax ? `${text.slice(0, shownMax)}...` : text
}

function writeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A bigint, or an object that is a part of itself.
    return typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
  }
}

/** Names longer than this are compared by their beginnings: a name may be a whole text by mistake. */
const comparedMax = 64

/** The known name that fewest edits lead to, at most one for three of its letters; null when none is near. */
export function findNearest(name: string, known: readonly string[]): string | null {
  const ranked = known.map(one => ({ one, edits: countEdits(name.slice(0, comparedMax), one.slice(0, comparedMax)) }))
  const best = ranked.reduce((a, b) => (b.edits < a.edits ? b : a), { one: '', edits: Number.POSITIVE_INFINITY })
  return best.edits <= Math.ceil(best.one.length / 3) ? best.one : null
}

/** Insertions, deletions and replacements of letters, whatever their case (Levenshtein 1966). */
function countEdits(from: string, to: string): number {
  const [a, b] = [from.toLowerCase(), to.toLowerCase()]
  let before = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    before = row
  }
  return before[b.length]
}
