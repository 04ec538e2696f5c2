import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../../disk/durable-file.ts'
import { HeadraceError } from '../../errors.ts'
import type { Log } from '../../log/log.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { RunShape } from '../../record/layout.ts'
import type { LogPlace } from '../../record/open-log.ts'
import type { RunFile } from '../../record/run-file.ts'
import { checkRunFile, openRunFile } from '../admit.ts'
import type { PipelineRef } from '../measure/jobs.ts'

/** The stages whose owners keep to `run.json`. */
const orderedStages = ['load', 'decide', 'shard']
const markOf = (dir: string) => join(dir, 'upgrading')

/**
 * Lets a changed pipeline take effect in a spread run, while other processes may be at work. It is marked first, and each ordered stage
 * is taken from its owner then: whoever takes one afterwards finds the mark and gives it back, so nothing is decided while the slot is
 * chosen at which the change takes effect. Whoever held one at the mark lost it.
 */
export async function upgradeRun(
  dir: string,
  plan: Plan,
  ref: PipelineRef,
  log: Log,
  place: LogPlace & RunShape,
): Promise<RunFile> {
  await writeDurably(markOf(dir), [])
  try {
    for (const stage of orderedStages) await (await log.own(stage))[Symbol.asyncDispose]()
    return await openRunFile(dir, plan, ref, log, { ...place, isUpgrade: true })
  } finally {
    await endUpgrade(dir)
  }
}

/** Removes the mark of an upgrade that is over, or that died: for whoever holds the folder's lock. */
export async function endUpgrade(dir: string): Promise<void> {
  await rm(markOf(dir), { force: true })
}

/** What `run.json` says to a stage's owner. Throws `fenced` while an upgrade goes on, and `bad-pipeline` to an old pipeline's after it. */
export async function checkUpgraded(
  dir: string,
  plan: Plan,
  ref: PipelineRef,
  place: LogPlace & RunShape,
): Promise<RunFile> {
  if (existsSync(markOf(dir)))
    throw new HeadraceError('fenced', `${markOf(dir)} is there: another pipeline takes effect, so this process waits`)
  return checkRunFile(dir, plan, ref, place)
}
