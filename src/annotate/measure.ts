import type { ColumnKind } from '../batch/batch.ts'
import { flag, number, type Option, type OptionTable, orNull } from '../options.ts'

/** A threshold of a measure. With a name in the measure's options it is an option; without one it stands at its default. */
export interface Bound<T = unknown> extends Option<T> {
  /** Why a text beyond the threshold is dropped. */
  readonly reason: string
  readonly side: 'below' | 'above'
  /** The threshold for a value of the option; null for none. */
  place(value: T): number | null
}

/** A column that an annotator writes: what it says, the options that it depends on, and its thresholds. */
export interface Measure<K extends ColumnKind = ColumnKind, O extends OptionTable = OptionTable> {
  readonly kind: K
  /** Bytes a row; of the kind `fixed` alone. */
  readonly width?: number
  readonly about: string
  readonly options: O
  /** Thresholds that no option moves. */
  readonly fixed: readonly Bound[]
}
export type Measures = Readonly<Record<string, Measure>>
/** A name of an annotator that stands in a pipeline once for each column: `rank-class-math`. */
export const nameFor = (operator: string, column: string) =>
  `${operator}-${column.replace(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '')}`

// biome-ignore lint/complexity/noBannedTypes: a table without options has no key, and that is what this type says.
export type NoOptions = {}

/** Columns of a kind: what one says, the options that it depends on, and thresholds that no option moves. */
export const columnOf =
  <K extends ColumnKind>(kind: K) =>
  <O extends OptionTable = NoOptions>(
    about: string,
    options: O = {} as O,
    ...fixed: readonly Bound[]
  ): Measure<K, NoInfer<O>> => ({ kind, about, options, fixed })

/** How many: a whole number from 0 to 2^32 - 1. */
export const count = columnOf('u32')
/** A share, mean or ratio; NaN, which no threshold drops, where there is nothing to divide by. */
export const ratio = columnOf('f64')

const boundOn =
  (side: Bound['side']) =>
  (value: number | null, reason: string, kind = number()): Bound<number | null> => ({
    about: `drops as \`${reason}\` what is ${side} it; null drops nothing`,
    kind: orNull(kind),
    default: value,
    reason,
    side,
    place: given => given,
  })
/** Drops a text for `reason` where the measure is below `value`; null switches the rule off. */
export const below = boundOn('below')
/** Drops a text for `reason` where the measure is above `value`; null switches the rule off. */
export const above = boundOn('above')

/** Drops a text for `reason` where the measure is above 0, while the option is true. */
export function any(reason: string): Bound<boolean> {
  const about = `drops as \`${reason}\` what has any`
  return { about, kind: flag, default: true, reason, side: 'above', place: isOn => (isOn ? 0 : null) }
}
