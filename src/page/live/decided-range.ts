import { HeadraceError } from '../../errors.ts'
import { bindingOf } from '../../record/binding.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { decidedEnd, hasEnded, readStanding, type Standing } from '../../record/standing.ts'
import { readTrimmed } from '../../record/trimmed.ts'

/** The slots `[first, end)` that a run has decided and still has, as they are now. */
export interface DecidedRange {
  readonly first: number
  readonly end: number
  /** No slot follows. */
  readonly isEnded: boolean
  readonly standing: Standing
}

export async function findRange(run: RunReader): Promise<DecidedRange> {
  const standing = await readStanding(run.log, run.run)
  const end = decidedEnd(standing)
  return { first: await findFirst(run), end, isEnded: hasEnded(standing, run.run), standing }
}

/** The first slot that a run still has: what a reader knows of it is from when it was opened, and a run may trim while it goes. */
export async function findFirst({ dir, run, first }: RunReader): Promise<number> {
  return Math.max(first, await readTrimmed(dir, bindingOf(run)))
}

/** What reading slots from `from` on failed with: 'trimmed' where they were trimmed meanwhile, as a reader then misses slots. */
export async function explainMissing(run: RunReader, from: number, error: unknown): Promise<unknown> {
  if (!(error instanceof HeadraceError) || !['corrupt', 'not-found', 'trimmed'].includes(error.code)) return error
  const first = await findFirst(run)
  return first > from ? refuseTrimmed(run, from, first) : error
}

export function refuseTrimmed({ dir }: RunReader, slot: number, first: number): HeadraceError {
  return new HeadraceError('trimmed', `slot ${slot} of ${dir} was trimmed: slots before ${first} are gone`)
}
