import type { Batch, Columns, Field, NumberArray, NumberKind } from '../batch/batch.ts'
import { allocateNumbers } from '../batch/rows.ts'
import { type Option, type OptionsOf, type OptionTable, type ResolvedOf, resolveOptions } from '../options.ts'
import type { Annotator, Resource, Rule } from './annotator.ts'
import type { Bound, Measure, Measures, NoOptions } from './measure.ts'

/**
 * An annotator as a table: each column once, with its options and thresholds. What the annotator writes, its options and their checks, its
 * default rules and the manual come from it; this file is the only place that knows how.
 */
export interface Table<M extends Measures, O extends OptionTable> {
  /** Letters, digits and `-`: `gopher-quality`. */
  readonly name: string
  /** Raised whenever the same input may give another output. */
  readonly version: number
  /** What it does, for the manual. */
  readonly about?: string
  readonly measures: M
  /** Measures that depend on the options; they come after the others. */
  readonly measuresFor?: (options: Chosen<M, O>) => Measures
  /** Options that belong to no measure; they come after those that do. */
  readonly options?: O
  /** What an annotator says that its options were; the options themselves by default. */
  readonly record?: (options: Chosen<M, O>) => Readonly<Record<string, unknown>>
  /** The columns that it reads; `text` by default. */
  readonly reads?: (options: Chosen<M, O>) => readonly string[]
  readonly resources?: readonly Resource[]
}

type Names<M extends Measures> = { [K in keyof M]: keyof M[K]['options'] }[keyof M]
type OptionsIn<M extends Measures> = {
  readonly [N in Names<M>]: { [K in keyof M]: N extends keyof M[K]['options'] ? M[K]['options'][N] : never }[keyof M]
}
/** Every option with its value. */
export type Chosen<M extends Measures, O> = ResolvedOf<OptionsIn<M> & O>
/** What a caller may give. */
export type Given<M extends Measures, O> = [Names<M> | keyof O] extends [never]
  ? Readonly<Record<string, never>>
  : OptionsOf<OptionsIn<M> & O>
/** Where the numbers of a batch go: columns of zeros. */
export type Out<M extends Measures> = {
  readonly [K in keyof M as M[K]['kind'] extends NumberKind ? K : never]: NumberArray
}

/** What is documented of an annotator. */
export interface Described {
  readonly table: Pick<Table<Measures, OptionTable>, 'name' | 'about' | 'measures' | 'measuresFor'> & {
    readonly options: OptionTable
  }
}

/**
 * The function that makes an annotator for each choice of options. `open` is called for each annotator with its options; what it returns
 * measures a batch: it fills `out`, and gives the columns that are no numbers.
 */
export function annotator<M extends Measures, O extends OptionTable = NoOptions>(
  table: Table<M, O>,
  open: (options: Chosen<M, O>) => (batch: Batch, out: Out<M>) => Columns,
): ((options?: Given<M, O>) => Annotator) & Described {
  const options: OptionTable = Object.assign(
    {},
    ...Object.values(table.measures).map(one => one.options),
    table.options,
  )
  const make = (given: Given<M, O> = {} as Given<M, O>): Annotator => {
    const chosen = resolveOptions(`annotator '${table.name}'`, options, given) as Chosen<M, O>
    const measures: Measures = { ...table.measures, ...table.measuresFor?.(chosen) }
    const annotate = open(chosen)
    return Object.freeze({
      name: table.name,
      version: table.version,
      exact: true,
      options: table.record?.(chosen) ?? chosen,
      reads: table.reads?.(chosen) ?? ['text'],
      writes: Object.entries(measures).map(fieldOf),
      resources: table.resources ?? [],
      rules: Object.entries(measures).flatMap(([column, measure]) => rulesOf(column, measure, chosen)),
      measures,
      annotate: (batch: Batch) => fillColumns(measures, batch.rows, out => annotate(batch, out as Out<M>)),
    })
  }
  return Object.assign(make, { table: { ...table, options } as Described['table'] })
}

function fieldOf([name, { kind, width }]: [string, Measure]): Field {
  return width === undefined ? { name, kind } : { name, kind, width }
}

function rulesOf(column: string, { options, fixed }: Measure, chosen: Readonly<Record<string, unknown>>): Rule[] {
  const moved = Object.entries(options).map(([name, option]) => ruleOf(column, option, chosen[name]))
  return [...fixed.map(bound => ruleOf(column, bound, bound.default)), ...moved].filter(rule => rule !== null)
}

/** The rule of an option with this value; null for an option that is no threshold, or for a threshold that drops nothing. */
function ruleOf(column: string, option: Option | Bound, value: unknown): Rule | null {
  const at = 'place' in option ? option.place(value) : null
  return 'place' in option && at !== null ? { reason: option.reason, column, [option.side]: at } : null
}

/** All columns in the order of the table: numbers as `fill` wrote them, the others as it gave them. */
function fillColumns(measures: Measures, rows: number, fill: (out: Readonly<Record<string, NumberArray>>) => Columns) {
  const numbers = Object.entries(measures).flatMap(([name, { kind }]) =>
    kind === 'utf8' || kind === 'list<i32>' || kind === 'fixed'
      ? []
      : [[name, { kind, values: allocateNumbers(kind, rows) }] as const],
  )
  const others = fill(Object.fromEntries(numbers.map(([name, { values }]) => [name, values])))
  const columns: Columns = { ...Object.fromEntries(numbers), ...others }
  return Object.fromEntries(Object.keys(measures).map(name => [name, columns[name]]))
}
