import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { addressOf } from '../decide/decider.ts'
import { listFiles } from '../disk/files.ts'
import { readTakeDown } from '../feed/files/take-down-file.ts'
import type { PlannedShard } from '../feed/plan/promotion.ts'
import { readShardList } from '../feed/plan/shard-list.ts'
import type { RunReader } from '../record/run-reader.ts'
import { emptyShardTotals } from '../record/totals.ts'
import { openShard } from '../shards/shard.ts'
import { advices, Check, fileAt } from './check.ts'
import { type FedManifest, type FoundHead, findForks, findHead, verifyFeed } from './feed.ts'
import { readControlsOf } from './promotions.ts'
import { verifyRows } from './row-files.ts'
import { chooseSteps, verifySteps } from './steps.ts'
import { FoundMasks } from './take-downs.ts'
import type { Verification } from './verify.ts'

export interface VerifyUnionOptions {
  /** Published steps that are read as trainers read them. Default 32. */
  readonly steps?: number
  /** The run that a shard is of, by its path from the shards folder; null where it is gone. */
  readonly findOwner: (path: string) => RunReader | null
  /** Holds what the feed records of its runs against these. Returns, in sentences, what it could not tell. */
  readonly judgeJoins: (check: Check) => Promise<readonly string[]>
}

/**
 * Reads all that lies in the home of a feed of several runs, and says what holds: the shards by their hashes, the ledger and the plan from the
 * record alone, blocks byte by byte, and some steps as trainers read them. Never writes.
 */
export async function verifyUnion(home: string, options: VerifyUnionOptions): Promise<Verification> {
  const checks = {
    joins: new Check('joins', 'joins'),
    shards: new Check('shards', 'files'),
    blocks: new Check('blocks', 'files'),
    ledger: new Check('ledger', 'steps'),
    plan: new Check('plan', 'steps'),
    steps: new Check('steps', 'read'),
    rows: new Check('rows', 'files'),
  }
  const own = await findHead(home)
  const feeds = [...(own ? [own] : []), ...(await findForks(home))]
  const unchecked = await options.judgeJoins(checks.joins)
  const shards = await verifyUnionShards(home, feeds, checks.shards)
  for (const found of feeds) await verifyOneFeed(home, found, shards.damaged, options, checks)
  const all = Object.values(checks)
  return { checks: all, isSound: all.every(check => check.failures === 0), bytes: shards.bytes, unchecked }
}

type Checks = Readonly<Record<'blocks' | 'ledger' | 'plan' | 'steps' | 'rows', Check>>

async function verifyOneFeed(
  home: string,
  found: FoundHead,
  damaged: ReadonlySet<string>,
  { steps = 32, findOwner }: VerifyUnionOptions,
  checks: Checks,
): Promise<void> {
  // Nothing is planned from but what control entries name, and that is all there.
  const note = { domains: {}, totals: emptyShardTotals(), fed: null, ended: true }
  const manifest: FedManifest = { entries: [], note, slot: 0, noteAt: fileAt(''), isWhole: true, damaged }
  const read = await verifyFeed(home, found, manifest, checks, (count, first) => chooseSteps(count, steps, first))
  if (!read || !found.head) return
  const masks = await readMasks(home, found.folder, checks.plan)
  const place = { home, tokenizer: found.head.tokenizer, findOwner, masks }
  await verifySteps(place, found.folder, read, checks.steps)
  await verifyRows(home, found, checks.rows)
}

/** What must be masked, as the lists of a feed say. Which documents are copies of the named ones is not looked for again. */
async function readMasks(home: string, folder: string, check: Check): Promise<FoundMasks> {
  const masks = new FoundMasks()
  for (const { step, takeDown } of await readControlsOf(home, folder)) {
    if (!takeDown) continue
    const where = fileAt(`${folder}/${takeDown.list}`)
    const list = await check.attempt(where, advices.restore, () => readTakeDown(join(home, folder), takeDown))
    for (const [slot, row] of list?.rows ?? []) masks.add(addressOf(slot, row), step, takeDown.blank)
    check.note(`${where.file}: copies of the documents that it names are not looked for again`)
  }
  return masks
}

/** Hashes the shards that any of the feeds names, and tells of files that none does. */
async function verifyUnionShards(
  home: string,
  feeds: readonly FoundHead[],
  check: Check,
): Promise<{ readonly damaged: ReadonlySet<string>; readonly bytes: number }> {
  const known = new Map<string, PlannedShard['shard']>()
  for (const { folder } of feeds)
    for (const { join: joined } of await readControlsOf(home, folder))
      for (const { selection } of joined?.runs ?? []) {
        const where = fileAt(join(folder, selection))
        const list = await check.attempt(where, advices.restore, () => readShardList(join(home, folder), selection))
        for (const { shard } of list ?? []) known.set(shard.path, shard)
      }
  const damaged = new Set<string>()
  let bytes = 0
  for (const [path, shard] of known) {
    check.counted++
    bytes += shard.bytes
    if (!(await isShard(home, path, shard, check))) damaged.add(path)
  }
  for (const name of await listFiles(join(home, 'shards')))
    if (!known.has(name)) check.note(`shards/${name} is of a run that did not join, and may be deleted`)
  return { damaged, bytes }
}

async function isShard(home: string, path: string, shard: PlannedShard['shard'], check: Check): Promise<boolean> {
  const at = fileAt(join('shards', path))
  const found = await check.attempt(at, advices.restore, async () => {
    const file = join(home, 'shards', path)
    openShard(file, shard).close()
    const hash = createHash('sha256')
    for await (const part of createReadStream(file)) hash.update(part)
    return hash.digest('hex')
  })
  if (found === shard.sha256) return true
  if (found) check.fail(at, `its SHA-256 is ${found}; the feed says ${shard.sha256}`, advices.restore)
  return false
}
