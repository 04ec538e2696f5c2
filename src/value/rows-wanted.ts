import { HeadraceError } from '../errors.ts'
import { cleanName } from '../text/printable.ts'
import type { Condition } from './targets.ts'

/** Rows that a run has stored, to be read as texts. */
export interface RowsWanted {
  /** A run's name, or a path to its folder. */
  readonly run: string
  /** By what the run decided. */
  readonly fate: 'kept' | 'dropped' | 'any'
  /** By column; all must be met. `domain` is as the run keeps domains apart. */
  readonly where: ReadonlyMap<string, Condition>
}

const prefix = 'run:'
const fates = ['kept', 'dropped', 'any'] as const
const isFate = (term: string): term is RowsWanted['fate'] => fates.some(fate => fate === term)

/** Whether an input of the command line names rows of a run, not files. */
export const isRows = (input: string) => input.startsWith(prefix)

/**
 * Reads `run:RUN`, or `run:RUN?TERM&TERM`. A term is `kept` (default), `dropped` or `any`; `COLUMN=NAME` or `COLUMN=NAME,NAME`; `COLUMN>=N` or
 * `COLUMN<N`, of which both make a range. Throws `bad-option`.
 */
export function parseRows(input: string): RowsWanted {
  const refuse = (what: string) =>
    new HeadraceError(
      'bad-option',
      `'${cleanName(input, 200)}' ${what}: write run:RUN, or run:RUN?domain=math,forum&class:math>=2&kept`,
    )
  const [run, ...terms] = splitAt(input.slice(prefix.length), '?')
  if (run === '') throw refuse('names no run')
  let fate: RowsWanted['fate'] | null = null
  const where = new Map<string, Condition>()
  for (const term of terms.flatMap(all => all.split('&'))) {
    if (isFate(term)) {
      if (fate !== null) throw refuse(`says '${fate}' and '${term}'`)
      fate = term
    } else addCondition(where, term, refuse)
  }
  return { run, fate: fate ?? 'kept', where }
}

/** Before and behind the first `mark`. */
function splitAt(text: string, mark: string): string[] {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** Adds `COLUMN=NAME,NAME`, `COLUMN>=N` or `COLUMN<N`. */
export function addCondition(
  where: Map<string, Condition>,
  term: string,
  refuse: (what: string) => HeadraceError,
): void {
  const [, column, sign, value] = /^([^=<>]+)(=|>=|<)([^=<>]+)$/.exec(term) ?? []
  if (column === undefined)
    throw refuse(`has '${cleanName(term)}', which is none of kept, dropped, any, COLUMN=NAME, COLUMN>=N and COLUMN<N`)
  const known = where.get(column)
  if (sign === '=') {
    if (known) throw refuse(`has two conditions on '${cleanName(column)}'`)
    where.set(column, { oneOf: new Set(value.split(',')) })
    return
  }
  const bound = Number(value)
  if (value.trim() === '' || !Number.isFinite(bound))
    throw refuse(`has '${cleanName(term)}', and '${cleanName(value)}' is no number`)
  const before = known ?? { from: Number.NEGATIVE_INFINITY, below: Number.POSITIVE_INFINITY }
  const side = sign === '<' ? 'below' : 'from'
  if ('oneOf' in before || Number.isFinite(before[side])) throw refuse(`has two conditions on '${cleanName(column)}'`)
  where.set(column, { ...before, [side]: bound })
}
