import type { Log } from '../../log/log.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { RunShape } from '../context.ts'
import type { PipelineRef } from '../jobs.ts'
import type { LogPlace } from '../open-log.ts'
import { openRunFile, type RunFile, readRunFile, writeRunFile } from '../run-file.ts'

/**
 * Lets a changed pipeline take effect in a spread run, while other processes may be at work. Loading and deciding are taken from whoever
 * does them before the slot is chosen, and looked at once more when the run file says it: who takes a stage afterwards reads there that
 * its pipeline is the old one, and stops. Was a slot decided in between, all of it is done again.
 */
export async function upgradeRun(
  dir: string,
  plan: Plan,
  ref: PipelineRef,
  log: Log,
  place: LogPlace & RunShape,
): Promise<RunFile> {
  const before = (await readRunFile(dir))!
  for (;;) {
    const from = await fence(log)
    const run = await openRunFile(dir, plan, ref, log, { ...place, isUpgrade: true })
    if ((await fence(log)) === from) return run
    await writeRunFile(dir, before)
  }
}

/** Takes the stages from their owners, and says which slots are loaded and decided next. */
async function fence(log: Log): Promise<string> {
  await using _load = await log.own('load')
  await using _decide = await log.own('decide')
  const [load, decide] = await Promise.all([log.position('load', 0), log.position('decide', 0)])
  return `${load.slot} ${decide.slot}`
}
