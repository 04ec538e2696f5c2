import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import type { Head } from '../feed/files/head.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import type { Promotion } from '../feed/plan/promotion.ts'
import { readShardList } from '../feed/plan/shard-list.ts'
import { recomputePromotions } from '../promote/recompute.ts'
import type { RunReader } from '../record/run-reader.ts'
import { openShard } from '../shards/shard.ts'
import { advices, type Check, fileAt } from './check.ts'
import type { FoundHead } from './feed.ts'

/** The control entries of a feed of a run; none where they are damaged, which the planning of its steps says. */
export async function readControlsOf(dir: string, folder: string): Promise<readonly ControlEntry[]> {
  try {
    return await readControls(join(dir, folder))
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'corrupt') return []
    throw error
  }
}

/** What was looked at of the promotions of a run's feeds. */
export interface FoundPromotions {
  /** What could not be told, in sentences. */
  readonly unknown: string[]
  /** Their files, from the run's folder. */
  readonly files: Set<string>
}

type PromotionChecks = Readonly<Record<'plan' | 'shards', Check>>

/** Holds each promotion of a feed against the runs that it names, and adds what it finds. */
export async function verifyPromotions(
  run: RunReader,
  { folder, head }: FoundHead,
  controls: readonly ControlEntry[],
  hasEnded: boolean,
  { promotions, checks }: { readonly promotions: FoundPromotions; readonly checks: PromotionChecks },
): Promise<void> {
  if (!head) return
  const feed = { dir: join(run.dir, folder), head, controls, run, hasEnded }
  const where = fileAt(`${folder}/control.json`)
  await checks.plan.attempt(where, advices.restore, async () => {
    for await (const judged of recomputePromotions(feed)) {
      const who = `the promotion at step ${judged.step}${folder === 'feed' ? '' : ` of ${folder}`}`
      for (const what of judged.problems) checks.plan.fail(where, `${who}: ${what}`, advices.report)
      if (judged.unknown !== null) promotions.unknown.push(`${who}: ${judged.unknown}.`)
    }
  })
  for (const { promote } of controls)
    if (promote) await hashPromoted(feed, folder, promote, promotions.files, checks.shards)
}

/** Tells of files that no promotion of these feeds has: one was stopped before it was recorded. */
export async function notePromotedStrays(
  dir: string,
  feeds: readonly FoundHead[],
  { files }: FoundPromotions,
  check: Check,
): Promise<void> {
  for (const folder of ['promoted', ...feeds.map(feed => join(feed.folder, 'promoted'))])
    for (const name of await listFiles(join(dir, folder))) {
      const file = join(folder, name)
      if (!files.has(file)) check.note(`${file} is of a promotion that was not recorded, and may be deleted`)
    }
}

/** Looks at the bytes of another run's shards, as the feed has them, unless they are in `files` already, to which it adds the promotion's. */
async function hashPromoted(
  { dir, head }: { readonly dir: string; readonly head: Head },
  folder: string,
  promotion: Promotion,
  files: Set<string>,
  check: Check,
): Promise<void> {
  const list = join(folder, promotion.selection)
  const shards = await check.attempt(fileAt(list), advices.restore, () => readShardList(dir, promotion.selection))
  files.add(list)
  for (const { shard } of shards ?? []) {
    const { path } = shard
    const at = fileAt(join('shards', path))
    if (!path.startsWith('..') || files.has(at.file)) continue
    files.add(at.file)
    check.counted++
    await check.attempt(at, advices.restore, async () => {
      openShard(join(dir, head.shards, path), shard).close()
      const hash = createHash('sha256')
      for await (const bytes of createReadStream(join(dir, head.shards, path))) hash.update(bytes)
      const sha256 = hash.digest('hex')
      if (sha256 !== shard.sha256)
        check.fail(at, `its SHA-256 is ${sha256}; the promotion says ${shard.sha256}`, advices.restore)
    })
  }
}
