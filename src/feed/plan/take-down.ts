import { isCount, isObjectOf, isText, type Shape } from '../../disk/json-file.ts'

/**
 * What a control entry says of documents that trainers learn nothing from, from its step on. `published` steps there were when it came:
 * where that is more than its step, steps in between were changed for whoever reads them later.
 */
export interface TakeDown {
  readonly published: number
  /** The list of documents, from the feed folder. */
  readonly list: string
  readonly sha256: string
  /** Rows in the list. */
  readonly documents: number
  /** Their tokens are given as end-of-text, too; else only their targets are masked. */
  readonly blank: boolean
}

const isFlag: Shape = value => typeof value === 'boolean'
const isListPath: Shape = value => typeof value === 'string' && /^take-downs\/\d{8}\.jsonl$/.test(value)
export const isTakeDown = isObjectOf({
  published: isCount,
  list: isListPath,
  sha256: isText,
  documents: isCount,
  blank: isFlag,
})
