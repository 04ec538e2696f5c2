import type { NumberArray } from '../batch/batch.ts'
import { type Chosen, type Filter, filter } from './filter.ts'
import type { Measures, NoOptions } from './measure.ts'

/**
 * Makes a filter of a function that measures one text, a string. Raise `version` whenever the same text may measure otherwise. What is no
 * number, or no whole number for a count, is an error, and the document a dead row.
 */
export function simpleFilter<M extends Measures>(
  name: string,
  measures: M,
  measureText: (text: string, options: Chosen<M>) => { readonly [K in keyof M]: number },
  version = 1,
): Filter<M, NoOptions> {
  return filter({
    name,
    version,
    measures,
    measure(texts, out: Readonly<Record<string, NumberArray>>, options: Chosen<M>) {
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
