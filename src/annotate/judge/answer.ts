import { parseObject } from '../../sealed-json.ts'
import type { Rubric } from './rubric.ts'

/** What a judge says of a text: a value a dimension, in the rubric's order. */
export type Values = readonly (number | string)[]

/** Why an answer is none. */
export type Invalid = 'cut-off' | 'no-json' | 'wrong-fields' | 'out-of-range'

/** Reads a judge's words. `isCutOff`: the server says that they end where they had to, and not where the judge would. */
export function readAnswer(content: string, isCutOff: boolean, { dimensions }: Rubric): Values | Invalid {
  const object = parseObject(content)
  if (!object) return isCutOff ? 'cut-off' : 'no-json'
  const isWhole = dimensions.every(({ name }) => Object.hasOwn(object, name))
  if (!isWhole || Object.keys(object).length > dimensions.length) return 'wrong-fields'
  const values = dimensions.map(({ name }) => object[name])
  return isAnswer(values, { dimensions }) ? values : 'out-of-range'
}

/** Whether these are values of the rubric's dimensions. */
export function isAnswer(values: unknown, { dimensions }: Pick<Rubric, 'dimensions'>): values is Values {
  if (!Array.isArray(values) || values.length !== dimensions.length) return false
  return dimensions.every((dimension, i) => {
    const value: unknown = values[i]
    if ('labels' in dimension) return typeof value === 'string' && dimension.labels.includes(value)
    return Number.isSafeInteger(value) && Number(value) >= dimension.from && Number(value) <= dimension.to
  })
}
