import type { Head } from '../text/linear/model.ts'

/** What is to be learned. Of a class its names, in the order of their numbers. */
export interface HeadOrder {
  readonly name: string
  readonly kind: Head['kind']
  readonly classes: readonly string[]
  /** Times that all texts are learned from. */
  readonly epochs: number
}
