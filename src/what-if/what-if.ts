import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { RunReader } from '../record/run-reader.ts'
import { decidedEnd, hasEnded, readStanding } from '../record/standing.ts'
import { TokenCounts } from '../record/token-counts.ts'
import type { Answer, Asked } from './answer.ts'
import { checksOf } from './checks.ts'
import { Conditions } from './conditions.ts'
import { readStoredSlots } from './stored-slots.ts'
import { Survey } from './survey.ts'
import { Trial } from './trial.ts'

/**
 * Decides a run's documents again, from what is stored of them, and writes nothing. What the run has recorded of each is read, and held
 * against its totals and against the rules that it says it had.
 *
 * Errors: `trimmed` where duplicates of documents that are gone can't be known, `corrupt` where the run's own figures are not met.
 */
export async function whatIf(run: RunReader, asked: Asked): Promise<Answer> {
  const standing = await readStanding(run.log, run.run)
  const end = decidedEnd(standing)
  if (run.first > 0) refuseTrimmed(run, asked)
  const conditions = new Conditions()
  const recorded = asked.recorded.map(part => ({ ...part, checks: checksOf(part.setup, conditions) }))
  const bytesMax = Math.floor(limits.stateBytesMax / asked.tried.length)
  const trials: Trial[] = []
  try {
    for (const parts of asked.tried) trials.push(await Trial.open(parts, conditions, bytesMax))
    const survey = new Survey(asked, recorded, conditions, trials, await TokenCounts.open(run))
    for await (const columns of readStoredSlots(run, survey.columns(), end)) await survey.add(columns)
    if (run.first === 0) survey.check(standing.decide.totals)
    return { ...survey.answer(), slots: [run.first, end], isEnded: hasEnded(standing, run.run) }
  } finally {
    for (const trial of trials) await trial[Symbol.asyncDispose]()
  }
}

/** Throws `bad-option` for a run that other runs have a part in deciding. */
export function refuseRecall({ dir, run }: RunReader): void {
  if (!run.recall) return
  throw new HeadraceError(
    'bad-option',
    `${dir} is a recall, which other runs have a part in deciding: recall with another line or other caps, as headrace enrich --out NAME`,
  )
}

/** Tables hold what was kept in slots that are gone: without them, copies of those would be kept. */
function refuseTrimmed({ dir, first }: RunReader, { tried }: Asked): void {
  const hasTables = tried.flat().some(({ setup }) => setup.deciders.some(({ tables }) => tables.length > 0))
  if (!hasTables) return
  throw new HeadraceError(
    'trimmed',
    `slots before ${first} of ${dir} were trimmed, and what repeats their documents can't be known: leave the deciders of duplicates out with --decider NAME.off, or run the input again`,
  )
}
