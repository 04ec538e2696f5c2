import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Batch } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { topics } from '../run/context.ts'
import { openLogToRead } from '../run/open-log.ts'
import type { RunReader } from './run-reader.ts'
import { Check, type CheckResult, isMissing } from './verify-check.ts'
import { FateCheck } from './verify-fates.ts'
import { type FoundHead, findHead, verifyFeed } from './verify-feed.ts'
import { JournalScan } from './verify-journal.ts'
import { KeptByShard } from './verify-sealed.ts'
import { checkStrays, listShards, readVerifiedManifest, verifyShards } from './verify-shards.ts'
import { groupSlots, type SlotGroup, SlotOrder } from './verify-slots.ts'
import { statePath, verifyState } from './verify-state.ts'
import { chooseSteps, verifySteps } from './verify-steps.ts'
import { TotalsCount } from './verify-totals.ts'

/** What a verification found. `checks` are in the order of a document's way. */
export interface Verification {
  readonly checks: readonly CheckResult[]
  readonly isSound: boolean
  /** Bytes of journals, state and shards that were read. */
  readonly bytes: number
}

export interface VerifyOptions {
  /** Published steps that are read as trainers read them. Default 32. */
  readonly steps?: number
  /** Told what is read, and how many bytes were. */
  readonly onProgress?: (doing: string, bytes: number) => void
}

/**
 * Reads everything that a run has recorded and says what holds. Never writes. A run that is at work is verified as far as it had come
 * when this began: what a stage has is looked at before what the stage before it has.
 */
export async function verifyRun(run: RunReader, options: VerifyOptions = {}): Promise<Verification> {
  const { steps = 32, onProgress = () => {} } = options
  if (run.run.log)
    throw new HeadraceError(
      'bad-option',
      `the log of this run is ${run.run.log}: verify reads one in the run's folder, byte by byte, and can't yet read it there`,
    )
  const checks = makeChecks()
  const seen = await look(run.dir)
  await using shard = await JournalScan.open(run.dir, 'shard', checks.journals)
  await using decide = await JournalScan.open(run.dir, 'decide', checks.journals)
  await using annotate = await JournalScan.open(run.dir, 'annotate', checks.journals)
  const scans = [shard, decide, annotate]
  const bytesOf = () => scans.reduce((sum, scan) => sum + scan.bytes, 0)
  const manifest = await readVerifiedManifest(shard, run.run, checks.manifest)
  checkStrays(seen.shards, manifest, checks.shards)
  const sealed = new KeptByShard(manifest.entries)
  const totals = new TotalsCount(checks.totals)
  const fates = new FateCheck(checks, run.run.segments, totals, sealed)
  const reached = await verifySlots(run, annotate, decide, fates, totals, checks, () => onProgress('slots', bytesOf()))
  checkTail(shard, checks, seen.head?.head?.ended && !manifest.note?.ended ? 'the feed has ended' : null)
  const past = manifest.slot > reached.kept ? `the sharding stage has taken slots before ${manifest.slot}` : null
  checkTail(decide, checks, past)
  await checkState(run, seen.stateBytes, reached, decide.isDamaged, checks)
  onProgress('shards', bytesOf())
  const isLogWhole = !decide.isDamaged && checks.headers.failures === 0
  const shardBytes = await verifyShards(run.dir, manifest, sealed, isLogWhole, checks)
  onProgress('feed', bytesOf() + shardBytes)
  if (seen.head) {
    const isWhole = !shard.isDamaged && checks.manifest.failures === 0
    const feed = await verifyFeed(run.dir, seen.head, manifest, isWhole, checks, count => chooseSteps(count, steps))
    if (feed) await verifySteps(run, feed.head, feed.steps, checks.steps)
  } else if (run.run.feed && manifest.entries.length)
    checks.ledger.note('no step is published yet: the next start does it')
  const all = Object.values(checks)
  return {
    checks: all,
    isSound: all.every(check => check.failures === 0),
    bytes: bytesOf() + shardBytes + seen.stateBytes,
  }
}

function makeChecks() {
  return {
    journals: new Check('journals', 'frames'),
    slots: new Check('slots', 'slots'),
    headers: new Check('headers', 'batches'),
    fates: new Check('fates', 'rows'),
    totals: new Check('totals', 'commits'),
    state: new Check('state', 'seals'),
    manifest: new Check('manifest', 'shards'),
    shards: new Check('shards', 'files'),
    blocks: new Check('blocks', 'files'),
    ledger: new Check('ledger', 'steps'),
    plan: new Check('plan', 'steps'),
    steps: new Check('steps', 'read'),
  }
}
type Checks = ReturnType<typeof makeChecks>

interface Seen {
  readonly head: FoundHead | null
  readonly stateBytes: number
  readonly shards: readonly string[]
}

/** How far that which comes after the log goes now. It is looked at before the log: what it was made of, the log then holds. */
async function look(dir: string): Promise<Seen> {
  const head = await findHead(dir)
  const stateBytes = await stat(join(dir, statePath)).then(
    found => found.size,
    error => {
      if (isMissing(error)) return 0
      throw error
    },
  )
  const shards = await listShards(dir)
  return { head, stateBytes, shards }
}

/** The slot after the last one that was decided. */
interface Reached {
  readonly kept: number
}

/** Reads both journals of slots side by side: each slot as it was measured, and as it was decided. */
async function verifySlots(
  run: RunReader,
  annotate: JournalScan,
  decide: JournalScan,
  fates: FateCheck,
  totals: TotalsCount,
  checks: Checks,
  onSlot: () => void,
): Promise<Reached> {
  const { partitions } = run.run
  const decided = new Ahead(groupSlots(decide.frames(), topics.kept, topics.drops))
  const measured = groupSlots(annotate.frames(), topics.scored, topics.dead)
  const orders: { scored?: SlotOrder; kept?: SlotOrder } = {}
  if (decide.beginsLate) totals.skip('the log begins late')
  const decideOne = async (group: SlotGroup, before: Parameters<FateCheck['decided']>[1]) => {
    orders.kept ??= new SlotOrder(topics.kept, checks.slots, partitions, decide.beginsLate ? group.slot : 0)
    if (!orders.kept.take(group)) return
    if (!group.isEnd) await fates.decided(group, before)
    totals.compare(group)
  }
  for await (const group of measured) {
    onSlot()
    orders.scored ??= new SlotOrder(topics.scored, checks.slots, partitions, annotate.beginsLate ? group.slot : 0)
    if (!orders.scored.take(group)) continue
    const batches = group.isEnd ? { scored: null, dead: null } : await fates.annotated(group)
    for (let next = await decided.peek(); next && next.slot <= group.slot; next = await decided.peek()) {
      await decided.take()
      await decideOne(next, next.slot === group.slot ? wholeOf(group, batches) : null)
    }
  }
  const beyond = await decided.peek()
  checkTail(annotate, checks, beyond ? `the deciding stage has taken slot ${beyond.slot}` : null)
  if (beyond && !annotate.isDamaged && !annotate.tail)
    checks.slots.fail(
      beyond.main.file,
      `byte ${beyond.main.at}`,
      `slot ${beyond.slot} is decided and was never measured`,
      'restore log/annotate from a copy',
    )
  for (let next = beyond; next; next = await decided.peek()) {
    await decided.take()
    await decideOne(next, null)
  }
  return { kept: orders.kept?.next ?? 0 }
}

function wholeOf({ main, side }: SlotGroup, { scored, dead }: { scored: Batch | null; dead: Batch | null }) {
  return scored && (!side || dead) ? { scored, dead, deadRows: Number(main.headers.dead ?? dead?.rows ?? 0) } : null
}

/** An iterator whose next item can be looked at. */
class Ahead<T> {
  readonly #items: AsyncIterator<T>
  #next: T | null | undefined

  constructor(items: AsyncIterable<T>) {
    this.#items = items[Symbol.asyncIterator]()
  }

  async peek(): Promise<T | null> {
    if (this.#next === undefined) {
      const { done, value } = await this.#items.next()
      this.#next = done ? null : (value as T)
    }
    return this.#next
  }

  async take(): Promise<void> {
    if (await this.peek()) this.#next = undefined
  }
}

/** A torn tail is what a crash leaves, unless a later stage has used what stood there: then committed bytes were lost. */
function checkTail({ tail }: JournalScan, { journals }: Checks, used: string | null): void {
  if (!tail) return
  const what = `${tail.bytes} bytes are no whole frame`
  if (used)
    journals.fail(
      tail.file,
      `byte ${tail.at}`,
      `${what}, and ${used}: they were committed`,
      'restore the file from a copy, or run the pipeline again with another --run',
    )
  else
    journals.note(
      `${tail.file}: ${what} from byte ${tail.at} on, as a crash or a commit under way leaves; the next start cuts them`,
    )
}

async function checkState(
  { dir, run }: RunReader,
  bytes: number,
  { kept }: Reached,
  isDamaged: boolean,
  { state }: Checks,
): Promise<void> {
  if (bytes === 0) return
  const reach = await verifyState(dir, bytes, run.segments[0].state, state)
  if (!reach) return
  // A start beside this may have cut the file and sealed further slots since the log was looked at.
  if (reach.slot > kept && !isDamaged && reach.slot > (await decidedNow(dir)))
    state.fail(
      statePath,
      '',
      `it holds slots before ${reach.slot}, and the log only those before ${kept}`,
      'delete the folder state, and the next start rebuilds it from the log',
    )
  else if (reach.slot < kept)
    state.note(`${statePath} lags ${kept - reach.slot} slots, which the next start enters again`)
}

async function decidedNow(dir: string): Promise<number> {
  await using log = await openLogToRead(dir, { log: null, logConfig: null })
  return (await log.position('decide', 0)).slot
}
