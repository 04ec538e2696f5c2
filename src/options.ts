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
}

export interface Option<T = unknown> {
  /** What it says, for help and docs. */
  readonly about: string
  readonly kind: Kind<T>
  /** Undefined for an option that must be given. */
  readonly default: T | undefined
}
export interface RequiredOption<T> extends Option<T> {
  readonly default: undefined
}
export type OptionTable = Readonly<Record<string, Option>>

type ValueOf<O> = O extends Option<infer T> ? T : never
type RequiredIn<O> = { [K in keyof O]: O[K] extends RequiredOption<unknown> ? K : never }[keyof O]
/** What a caller gives: options with a default may be left out, or be undefined. */
export type OptionsOf<O> = { readonly [K in keyof O as K extends RequiredIn<O> ? K : never]: ValueOf<O[K]> } & {
  readonly [K in keyof O as K extends RequiredIn<O> ? never : K]?: ValueOf<O[K]> | undefined
}
/** What comes of it: every option with its value. */
export type ResolvedOf<O> = { readonly [K in keyof O]: ValueOf<O[K]> }

export const required = <T>(about: string, kind: Kind<T>): RequiredOption<T> => ({ about, kind, default: undefined })
export const optional = <T>(about: string, kind: Kind<T>, value: NoInfer<T>): Option<T> & { readonly default: T } => ({
  about,
  kind,
  default: value,
})

const kind = <T>(is: string, accepts: (value: unknown) => boolean): Kind<T> => ({
  is,
  accepts: accepts as Kind<T>['accepts'],
})
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** A finite number, both bounds included. */
export function number(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Kind<number> {
  return kind(`a number${describeRange(min, max)}`, value => isNumber(value) && value >= min && value <= max)
}
/** A whole number, both bounds included. */
export function whole(min = 0, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const isIn = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
  return kind(
    `a whole number${describeRange(min, max === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : max)}`,
    isIn,
  )
}
export const share = number(0, 1)
export const uint32 = whole(0, 0xffffffff)
export const flag: Kind<boolean> = kind('true or false', value => typeof value === 'boolean')
export const name: Kind<string> = kind('a name', value => typeof value === 'string' && value !== '')

export function oneOf<const T extends string>(values: readonly T[]): Kind<T> {
  return kind(`one of ${values.join(', ')}`, value => values.some(one => one === value))
}
export function listOf<T>(item: Kind<T>): Kind<readonly T[]> {
  return kind(`a list, each ${item.is}`, value => Array.isArray(value) && value.every(item.accepts))
}
export function recordOf<T>(item: Kind<T>): Kind<Readonly<Record<string, T>>> {
  const isRecord = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
  return kind(
    `names, each with ${item.is}`,
    value => isRecord(value) && Object.values(value as object).every(item.accepts),
  )
}
export function orNull<T>(item: Kind<T>): Kind<T | null> {
  return kind(`${item.is}, or null`, value => value === null || item.accepts(value))
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
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new HeadraceError('bad-option', `${who} takes an object of options, not ${show(given)}`)
  const values = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(values)) checkOption(who, table, name, value)
  const missing = Object.keys(table).find(name => table[name].default === undefined && values[name] === undefined)
  if (missing) throw new HeadraceError('bad-option', `${who} needs '${missing}': give ${table[missing].kind.is}`)
  const defaults = Object.fromEntries(Object.entries(table).map(([name, option]) => [name, option.default]))
  return Object.freeze({ ...defaults, ...values }) as ResolvedOf<O>
}

function checkOption(who: string, table: OptionTable, name: string, value: unknown): void {
  if (!Object.hasOwn(table, name))
    throw new HeadraceError('bad-option', refuseName(`${who} has no option`, name, Object.keys(table)))
  const { kind } = table[name]
  if (!kind.accepts(value))
    throw new HeadraceError('bad-option', `${who} has '${name}' ${show(value)}: give ${kind.is}`)
}

/** `what 'name'`, with the known name that is nearest to it, and all that there are. */
export function refuseName(what: string, name: string, known: readonly string[]): string {
  if (known.length === 0) return `${what} '${name}'; it has none`
  const nearest = findNearest(name, known)
  return `${what} '${name}'${nearest ? `; did you mean '${nearest}'?` : ';'} there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`
}

const shownMax = 80
function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > shownMax ? `${text.slice(0, shownMax)}...` : text
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
