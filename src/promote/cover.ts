import { join } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { cutUnwritten } from '../feed/files/bind.ts'
import { type Head, rootOf } from '../feed/files/head.ts'
import { readCut } from '../feed/files/read-cut.ts'
import { type CutShard, hasBit } from '../feed/plan/blocks.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import { Planner } from '../feed/plan/planner.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import { openShard } from '../shards/shard.ts'
import { RowSet } from './row-set.ts'

/** A feed, the run that it was begun from, and the control entries that it has. */
export interface RunFeed {
  readonly dir: string
  readonly head: Head
  readonly controls: readonly ControlEntry[]
  readonly run: RunReader
  /** Whether that run has come to its end. */
  readonly hasEnded: boolean
}

/** What the steps before one have taken: rows, and of each domain the address of the last one. */
export interface Covered {
  readonly rows: RowSet
  readonly lastByDomain: ReadonlyMap<string, Address>
  /** All domains that the feed has, planned or not. */
  readonly domains: ReadonlySet<string>
  /** Of the last of these steps, as it is planned again. */
  readonly digest: string
  /** Steps that are passed over there, and that can't be planned as the shards end before: what is said to come behind them never comes. */
  readonly missingSteps: number
}

/**
 * The rows of all blocks that the steps before `step`, and those that are passed over there, have taken samples of. A block is never cut in two: the rest of its samples is fed
 * after the promotion, so that a document of which a piece was fed is fed to its end, and none is begun again.
 */
export async function coverBefore(feed: RunFeed, step: number): Promise<Covered> {
  const domains = new Set<string>()
  const { planner, digest, missingSteps } = await planBefore(feed, step, domains)
  const rows = new RowSet()
  const lastByDomain = new Map<string, Address>()
  for (const [domain, shards] of planner.plannedShards()) {
    domains.add(domain)
    for (const shard of shards) {
      const last = addRows(join(feed.dir, feed.head.shards, shard.path), shard, rows)
      lastByDomain.set(domain, Math.max(last, lastByDomain.get(domain) ?? -1))
    }
  }
  return { rows, lastByDomain, domains, digest, missingSteps }
}

/** Plans these steps again, without writing. `domains`: those of the run are added to it. */
async function planBefore(
  { dir, head, controls, run, hasEnded }: RunFeed,
  step: number,
  domains: Set<string>,
): Promise<{ planner: Planner; digest: string; missingSteps: number }> {
  const pathOf = (path: string) => join(dir, head.shards, path)
  const planner = new Planner(
    { ...head, feed: rootOf(head) },
    async spec => readCut(dir, spec, head) ?? cutUnwritten(spec, head, pathOf),
    dir,
  )
  for (const entry of controls) planner.control(entry)
  let digest = rootOf(head)
  let missingSteps = 0
  const plan = async () => {
    while (planner.steps < step) {
      const next = await planner.nextStep()
      if (!next) return
      digest = next.step.digest
    }
    // What the feed passes over before the step is fed in none, and what is left of its blocks is fed after it.
    if (planner.steps === step) missingSteps = await planner.passOver()
  }
  await plan()
  for await (const entry of readManifest(run.log)) {
    domains.add(entry.domain)
    planner.add(entry)
    await plan()
  }
  if (hasEnded) planner.end()
  await plan()
  if (planner.steps < step) throw refuseOther(dir)
  return { planner, digest, missingSteps }
}

export function refuseOther(dir: string): HeadraceError {
  return new HeadraceError('corrupt', `the feed in ${dir} is not what its shards give: see headrace verify`)
}

/** Adds a shard's rows that its block has. Returns the last one's address. */
function addRows(path: string, shard: CutShard, rows: RowSet): Address {
  using file = openShard(path, shard)
  let [at, last] = [0, -1]
  for (const batch of file.batches(['slot', 'row'])) {
    const [slots, rowNumbers] = ['slot', 'row'].map(name => numbers(batch, name))
    for (let i = 0; i < batch.rows; i++, at++) {
      if (shard.bits && !hasBit(shard.bits, at)) continue
      last = addressOf(slots[i], rowNumbers[i])
      rows.add(last)
    }
  }
  return last
}
