import { HeadraceError } from '../errors.ts'
import type { Examples } from './examples.ts'
import { type FittedHead, fitHead } from './fit.ts'
import type { HeadOrder } from './head-order.ts'
import { findHeavyBuckets } from './heavy-grams.ts'
import { findFault } from './report-head.ts'

/** What came of one head: it was fitted, or could not be. `fault`: why it should not be used, or null. */
export type HeadOutcome =
  | {
      readonly name: string
      readonly fitted: Omit<FittedHead, 'tilts'>
      readonly heavy: ReturnType<typeof findHeavyBuckets>
      readonly fault: string | null
    }
  | { readonly name: string; readonly fitted: null; readonly fault: string }

/**
 * Fits heads one after another on texts that are added already, each by its number. One that can't be fitted, as it has too few texts or no group
 * that can be held out, is an outcome as any other, and the others are as they would be without it.
 */
export async function fitHeads(examples: Examples, orders: readonly HeadOrder[]): Promise<HeadOutcome[]> {
  const outcomes: HeadOutcome[] = []
  for (const [head, order] of orders.entries()) outcomes.push(await fitOne(examples, order, head))
  return outcomes
}

async function fitOne(examples: Examples, order: HeadOrder, head: number): Promise<HeadOutcome> {
  const { name } = order
  try {
    const { tilts, ...fitted } = await fitHead(examples, order, head)
    return { name, fitted, heavy: findHeavyBuckets({ ...fitted, tilts }), fault: findFault(fitted.report) }
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'bad-option')
      return { name, fitted: null, fault: error.message }
    throw error
  }
}
