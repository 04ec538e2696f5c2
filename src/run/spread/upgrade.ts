import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../../disk/durable-file.ts'
import { HeadraceError } from '../../errors.ts'
import type { Log } from '../../log/log.ts'
import type { RunFile } from '../../record/run-file.ts'
import { admitNow, checkRunFile, enterRun, type Start } from '../admit.ts'

/** The stages whose owners keep to `run.json`. */
const orderedStages = ['load', 'decide', 'shard']
const markOf = (dir: string) => join(dir, 'upgrading')

/**
 * Lets a changed pipeline take effect while other processes may be at work. First the mark, then each ordered stage is taken from its
 * owner: who takes one later finds the mark and gives it back, so nothing is decided while the slot is chosen from which the change holds.
 */
export async function upgradeRun(start: Start, log: Log): Promise<RunFile> {
  await writeDurably(markOf(start.dir), [])
  try {
    for (const stage of orderedStages) await (await log.own(stage))[Symbol.asyncDispose]()
    return await enterRun(start, await admitNow(start, log, true))
  } finally {
    await endUpgrade(start.dir)
  }
}

/** Removes the mark of an upgrade that is over, or that died: for whoever holds the folder's lock. */
export async function endUpgrade(dir: string): Promise<void> {
  await rm(markOf(dir), { force: true })
}

/** What `run.json` says to a stage's owner. Throws `fenced` while an upgrade goes on, and `bad-pipeline` to an old pipeline's after it. */
export async function checkUpgraded(start: Start): Promise<RunFile> {
  const mark = markOf(start.dir)
  if (existsSync(mark))
    throw new HeadraceError('fenced', `${mark} is there: another pipeline takes effect, so this process waits`)
  return checkRunFile(start)
}
