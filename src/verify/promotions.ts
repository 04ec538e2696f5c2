import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import type { Head } from '../feed/files/head.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import { readPromoted } from '../feed/plan/promoted.ts'
import type { Promotion } from '../feed/plan/promotion.ts'
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

/** Holds each promotion of a feed against the runs that it names. Returns what could not be told, in sentences. */
export async function verifyPromotions(
  run: RunReader,
  { folder, head }: FoundHead,
  controls: readonly ControlEntry[],
  hasEnded: boolean,
  checks: { readonly plan: Check; readonly shards: Check },
): Promise<string[]> {
  if (!head) return []
  const feed = { dir: join(run.dir, folder), head, controls, run, hasEnded }
  const where = fileAt(`${folder}/control.json`)
  const unknown: string[] = []
  await checks.plan.attempt(where, advices.restore, async () => {
    for await (const judged of recomputePromotions(feed)) {
      const who = `the promotion at step ${judged.step}${folder === 'feed' ? '' : ` of ${folder}`}`
      for (const what of judged.problems) checks.plan.fail(where, `${who}: ${what}`, advices.report)
      if (judged.unknown !== null) unknown.push(`${who}: ${judged.unknown}.`)
    }
  })
  const named = new Set<string>()
  for (const { promote } of controls)
    if (promote) for (const file of await hashPromoted(feed, folder, promote, checks.shards)) named.add(file)
  for (const name of await listFiles(join(feed.dir, 'promoted'))) {
    const file = join(folder, 'promoted', name)
    if (!named.has(file)) checks.shards.note(`${file} is of a promotion that was not recorded, and may be deleted`)
  }
  return unknown
}

/** Looks at the bytes of another run's shards, as this feed has them. Returns the files of the promotion, from the run's folder. */
async function hashPromoted(
  { dir, head }: { readonly dir: string; readonly head: Head },
  folder: string,
  promotion: Promotion,
  check: Check,
): Promise<string[]> {
  const list = join(folder, promotion.selection)
  const shards = await check.attempt(fileAt(list), advices.restore, () => readPromoted(dir, promotion))
  const others = (shards ?? []).map(({ shard }) => shard).filter(({ path }) => path.startsWith('..'))
  for (const [path, shard] of new Map(others.map(one => [one.path, one]))) {
    const at = fileAt(join('shards', path))
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
  return [list, ...others.map(({ path }) => join('shards', path))]
}
