import { type NumberArray, utf8 } from '../batch/batch.ts'
import type { OptionTable } from '../options.ts'
import type { Annotator } from './annotator.ts'
import type { Measures, NoOptions } from './measure.ts'
import { annotator, type Chosen, type Described, type Given, type Out, type Table } from './table.ts'
import { Texts } from './texts.ts'

/** A filter: a table of measures, and a function that takes them. */
export interface Filter<M extends Measures, O extends OptionTable, S> extends Table<M, O> {
  /** What `measure` needs besides, made once for each annotator, at its first batch; the options by default. */
  readonly prepare?: (options: Chosen<M, O>) => S
  /** Measures every text of a batch: writes row i of each measure to `out[name][i]`. */
  readonly measure: (texts: Texts, out: Out<M>, prepared: S) => void
}

/**
 * Makes a filter: a function that gives an annotator for each choice of options, and refuses a wrong one (`bad-option`).
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
  table: Filter<M, O, S>,
): ((options?: Given<M, O>) => Annotator) & Described {
  return annotator(table, options => {
    let prepared: S | undefined
    return (batch, out) => {
      prepared ??= table.prepare ? table.prepare(options) : (options as S)
      table.measure(Texts.of(utf8(batch, 'text')), out, prepared)
      return {}
    }
  })
}

/**
 * Makes a filter of a function that measures one text, a string. Raise `version` whenever the same text may measure otherwise. What is no
 * number, or no whole number for a count, is an error of the document's, which becomes a dead row.
 */
export function simpleFilter<M extends Measures>(
  name: string,
  measures: M,
  measureText: (text: string, options: Chosen<M, NoOptions>) => { readonly [K in keyof M]: number },
  version = 1,
): ((options?: Given<M, NoOptions>) => Annotator) & Described {
  return filter({
    name,
    version,
    measures,
    measure(texts, out: Readonly<Record<string, NumberArray>>, options: Chosen<M, NoOptions>) {
      for (let row = 0; row < texts.rows; row++) {
        const values = measureText(texts.string(row), options)
        for (const [measure, { kind }] of Object.entries(measures)) {
          const value = values[measure]
          out[measure][row] = value
          if (typeof value !== 'number' || (kind === 'u32' && out[measure][row] !== value))
            throw new TypeError(`${name} gives ${value} for '${measure}'`)
        }
      }
    },
  })
}
