import type { Batch, Columns, Field, NumberArray, NumberKind } from '../batch/batch.ts'
import { numberArrays } from '../batch/batch.ts'
import { type Option, type OptionsOf, type OptionTable, type ResolvedOf, resolveOptions } from '../options.ts'
import type { Annotator, Resource, Rule } from './annotator.ts'
import type { Bound, Measure, Measures, NoOptions } from './measure.ts'
import { Texts } from './texts.ts'
import { atDefaults, hideThresholds, thresholdsIn } from './thresholds.ts'

type Names<M extends Measures> = { [K in keyof M]: keyof M[K]['options'] }[keyof M]
type OptionsIn<M extends Measures> = {
  readonly [N in Names<M>]: { [K in keyof M]: N extends keyof M[K]['options'] ? M[K]['options'][N] : never }[keyof M]
}
/** Every option with its value. */
export type Chosen<M extends Measures, O = NoOptions> = ResolvedOf<OptionsIn<M> & O>
/** What a caller may give. */
export type Given<M extends Measures, O> = [Names<M> | keyof O] extends [never]
  ? Readonly<Record<string, never>>
  : OptionsOf<OptionsIn<M> & O>
/** Where the numbers of a batch go: columns of zeros. */
export type Out<M extends Measures> = {
  readonly [K in keyof M as M[K]['kind'] extends NumberKind ? K : never]: NumberArray
}

/**
 * A filter as a table: each measure once, with its options and thresholds, and a function that measures. What it writes, its options and
 * their checks, its default rules and the manual come from the table; this file is the only place that knows how.
 */
export interface Table<M extends Measures, O extends OptionTable, S> {
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
  /** Thresholds that `measure` or `reads` looks at, too. It can't look at others, as they are not in the columns' fingerprints. */
  readonly measuredWith?: readonly Names<M>[]
  /** Options that hold thresholds within, with these as they are by default. */
  readonly withoutThresholds?: (options: Chosen<M, O>) => Chosen<M, O>
  /** What the annotator says that its options were; the options themselves by default. */
  readonly record?: (options: Chosen<M, O>) => Readonly<Record<string, unknown>>
  /** The columns that it reads, the texts first; `text` by default. */
  readonly reads?: (options: Chosen<M, O>) => readonly string[]
  readonly resources?: readonly Resource[]
  /** What was passed over when it was made, which people are told. */
  readonly notes?: readonly string[]
  /** What `measure` needs besides, made for each annotator at its first batch; the options by default. */
  readonly prepare?: (options: Chosen<M, O>) => S
  /** Measures all texts of a batch: writes row i of a measure to `out[name][i]`, and returns the columns that are no numbers. */
  readonly measure: (texts: Texts, out: Out<M>, prepared: S) => Columns | undefined
}

/** What the manual needs to know of an annotator. */
export interface Described {
  readonly table: Pick<Table<Measures, OptionTable, unknown>, 'about' | 'measures' | 'measuresFor' | 'options'>
}
export type Filter<M extends Measures, O extends OptionTable> = ((options?: Given<M, O>) => Annotator) & Described

/**
 * Makes a filter of its table: a function that gives an annotator for each choice of options, and refuses a wrong one (`bad-option`).
 *
 * ```ts
 * const long = filter({
 *   name: 'long',
 *   version: 1,
 *   measures: { longWords: count('words', { longWordsMax: above(1000, 'too-long') }) },
 *   measure({ rows, words }, out) {
 *     for (let row = 0; row < rows; row++) out.longWords[row] = words.rows[row + 1] - words.rows[row]
 *   },
 * })
 * ```
 */
export function filter<M extends Measures, O extends OptionTable = NoOptions, S = Chosen<M, O>>(
  table: Table<M, O, S>,
): Filter<M, O> {
  const ofMeasures = Object.values(table.measures).map(measure => measure.options)
  const options: OptionTable = Object.assign({}, ...ofMeasures, table.options)
  const thresholds = thresholdsIn(options, table.measuredWith as readonly string[])
  const record = table.record ?? ((all: Readonly<Record<string, unknown>>) => all)
  const make = (given: Given<M, O> = {} as Given<M, O>): Annotator => {
    const chosen = resolveOptions(`annotator '${table.name}'`, options, given) as Chosen<M, O>
    const measures: Measures = { ...table.measures, ...table.measuresFor?.(chosen) }
    const measuring = hideThresholds(table.name, chosen, thresholds)
    const { withoutThresholds = all => all } = table
    const reads = table.reads?.(measuring) ?? ['text']
    const none = allocateNone(measures)
    let prepared: S | undefined
    return Object.freeze({
      name: table.name,
      version: table.version,
      exact: true,
      options: record(chosen),
      measuredWith: record(withoutThresholds(atDefaults(chosen, options, thresholds))),
      reads,
      writes: fieldsOf(measures),
      resources: table.resources ?? [],
      rules: Object.entries(measures).flatMap(([column, measure]) => rulesOf(column, measure, chosen)),
      measures,
      ...(table.notes && { notes: table.notes }),
      annotate: (batch: Batch) => {
        prepared ??= table.prepare ? table.prepare(measuring) : (measuring as S)
        // Of the shape of an object that lives as long as the annotator: see `Texts.none`.
        const out = { ...none }
        for (const name of Object.keys(none))
          out[name] = new numberArrays[measures[name].kind as NumberKind](batch.rows)
        const others = table.measure(new Texts(batch, reads[0]), out as Out<M>, prepared) ?? {}
        const columnOf = (name: string) => others[name] ?? { kind: measures[name].kind, values: out[name] }
        return Object.fromEntries(Object.keys(measures).map(name => [name, columnOf(name)]))
      },
    })
  }
  return Object.assign(make, { table: table as unknown as Described['table'] })
}

/** The columns that measures are. */
export const fieldsOf = (measures: Measures): Field[] => Object.entries(measures).map(fieldOf)

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

/** The numbers of a batch without rows, by measure. */
function allocateNone(measures: Measures): Record<string, NumberArray> {
  const isNumber = (kind: string): kind is NumberKind => !['utf8', 'list<i32>', 'fixed'].includes(kind)
  return Object.fromEntries(
    Object.entries(measures).flatMap(([name, { kind }]) => (isNumber(kind) ? [[name, new numberArrays[kind](0)]] : [])),
  )
}
