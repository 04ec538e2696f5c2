import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Batch } from '../batch/batch.ts'
import { listFiles } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { withPromotedRuns } from '../promote/recompute.ts'
import { Ahead } from '../record/ahead.ts'
import { bindingOf, findBreak } from '../record/binding.ts'
import { JoinedLog } from '../record/joined-log.ts'
import { topics } from '../record/layout.ts'
import { openLogToRead } from '../record/open-log.ts'
import type { RunFile } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'
import { findOtherTables } from '../record/sequel.ts'
import { bareOf } from '../record/text-log.ts'
import { BoundScan } from './bound.ts'
import { advices, byteAt, Check, fileAt } from './check.ts'
import { FateCheck } from './fates.ts'
import { checkFeedEnd, type FedManifest, type FoundHead, findForks, findHead, verifyFeed } from './feed.ts'
import { verifyInput } from './input.ts'
import { JoinedScan } from './joined-scan.ts'
import { JournalScan } from './journal.ts'
import type { StageScan } from './log.ts'
import { type FoundPromotions, notePromotedStrays, readControlsOf, verifyPromotions } from './promotions.ts'
import { readKeptElsewhere } from './recalled.ts'
import { verifyRows } from './row-files.ts'
import { KeptByShard } from './sealed.ts'
import { checkStrays, readVerifiedManifest, verifyShards } from './shards.ts'
import { groupSlots, type SlotGroup, SlotOrder } from './slots.ts'
import { findStates, type StateFile, verifyState } from './state.ts'
import { chooseSteps, verifySteps } from './steps.ts'
import { verifyTakeDowns } from './take-downs.ts'
import { type Stage, TopicScan } from './topics.ts'
import { TotalsCount } from './totals.ts'
import { WholeNotes } from './whole-notes.ts'

// Verifying has readers of its own, of journals, tables, slots and feeds, beside those that runs use: a reader that both shared would not
// see its own mistakes. What it takes of `record/` is where things lie and what they are called.

/** What a verification found. `checks` are in the order of a document's way. */
export interface Verification {
  readonly checks: readonly Check[]
  readonly isSound: boolean
  /** Bytes of the log, state, shards and input that were read. */
  readonly bytes: number
  /** What of such a run can't be checked, in sentences. */
  readonly unchecked: readonly string[]
}

export interface VerifyOptions {
  /** Published steps that are read as trainers read them. Default 32. */
  readonly steps?: number
  /** Told what is read, and how many bytes were. */
  readonly onProgress?: (doing: string, bytes: number) => void
}

/**
 * Reads everything that a run has recorded, and its input where that is there, and says what holds. Never writes. A run that is at work is verified as far as it had come
 * when this began: what a stage has is looked at before what the stage before it has.
 */
export async function verifyRun(run: RunReader, options: VerifyOptions = {}): Promise<Verification> {
  const { steps = 32, onProgress = () => {} } = options
  const { partitions } = run.run
  const checks = makeChecks(run)
  // Feed, tables and shards are looked at before the log is opened, so that it holds all that these were made of.
  const foundHead = await findHead(run.dir)
  const forks = await findForks(run.dir)
  const states = await findStates(run.dir)
  const shardFiles = await listFiles(join(run.dir, 'shards'))
  await using shard = await openScan(run, 'shard', checks)
  await using decide = await openScan(run, 'decide', checks)
  await using annotate = await openScan(run, 'annotate', checks)
  await checkBreak(run, checks)
  const scans = [shard, decide, annotate]
  const bytesOf = () => scans.reduce((sum, scan) => sum + scan.bytes, 0)
  const manifest = await readVerifiedManifest(shard, run.run, checks.manifest)
  checkStrays(shardFiles, manifest, checks.shards)
  const sealed = new KeptByShard(manifest.entries, run.first)
  const totals = new TotalsCount(checks.totals)
  if (run.first > 0) totals.skip(`slots before ${run.first} were trimmed`)
  const fates = new FateCheck(checks, run.run, totals, sealed, await readKeptElsewhere(run))
  const order = (topic: string) => new SlotOrder(topic, checks.slots, partitions, run.first)
  const orders = { scored: order(topics.scored), kept: order(topics.kept) }
  const onSlot = () => onProgress('slots', bytesOf())
  await verifySlots({ annotate, decide, first: run.first, orders, fates, totals, checks, onSlot })
  const decided = orders.kept.reached
  const hasEnded = foundHead?.head?.ended && foundHead.head.endedBy === undefined
  checkTail(shard, checks, hasEnded && !manifest.note?.ended ? 'the feed has ended' : null)
  const taken = `the sharding stage has taken slots before ${manifest.slot}`
  checkTail(decide, checks, manifest.slot > decided ? taken : null)
  for (const state of states) await checkState(run, state, decided, decide.isDamaged, checks)
  onProgress('shards', bytesOf())
  const isLogWhole = !decide.isDamaged && checks.headers.failures === 0
  const { bytes: shardBytes, damaged } = await verifyShards(run.dir, manifest, sealed, isLogWhole, checks)
  onProgress('feed', bytesOf() + shardBytes)
  const controls = await readControlsOf(run.dir, 'feed')
  checkFeedEnd(foundHead, manifest.note?.fed ?? null, controls, checks.ledger)
  const promotions: FoundPromotions = { unknown: [], files: new Set() }
  const feeds = [...(foundHead ? [foundHead] : []), ...forks]
  for (const feed of feeds)
    await verifyOneFeed(run, feed, { ...manifest, damaged }, { promotions, checks, stepsMax: steps })
  await notePromotedStrays(run.dir, feeds, promotions, checks.shards)
  if (!foundHead && run.run.feed && manifest.entries.length && !manifest.note?.fed)
    checks.ledger.note('no step is published yet: the next start does it')
  const readBytes = bytesOf() + shardBytes + states.reduce((sum, state) => sum + state.bytes, 0)
  const input = await verifyInput(run, checks.input, () => onProgress('input', readBytes))
  const all = Object.values(checks)
  return {
    checks: all,
    isSound: all.every(check => check.failures === 0),
    bytes: readBytes + input.bytes,
    unchecked: [...uncheckedOf(run), ...promotions.unknown, ...input.unchecked],
  }
}

interface FeedReading {
  readonly promotions: FoundPromotions
  readonly checks: Checks
  readonly stepsMax: number
}

/** A feed: its ledger, plan and blocks, what was taken down from it, its promotions, and some steps as trainers read them. */
async function verifyOneFeed(
  run: RunReader,
  found: FoundHead,
  manifest: FedManifest,
  { promotions, checks, stepsMax }: FeedReading,
): Promise<void> {
  const read = await verifyFeed(run.dir, found, manifest, checks, (count, first) => chooseSteps(count, stepsMax, first))
  if (!read) return
  const masks = await verifyTakeDowns(run, found.folder, checks.plan)
  const controls = await readControlsOf(run.dir, found.folder)
  await withPromotedRuns(run, controls, findOther => {
    // What a promotion brought has its text in the other run's log.
    const findOwner = (path: string) => (path.startsWith('..') ? findOther(path) : run)
    const place = { home: run.dir, tokenizer: run.run.tokenizer, findOwner, masks }
    return verifySteps(place, found.folder, read, checks.steps)
  })
  await verifyRows(run.dir, found, checks.rows)
  await verifyPromotions(run, found, controls, manifest.note?.ended ?? false, { promotions, checks })
}

function uncheckedOf({ run, first }: RunReader): string[] {
  const texts: string[] = []
  if (run.id === undefined)
    texts.push(
      "This run has no id, as an older version began it: that its log, its tables and trimmed.json are not those of another run of the same pipeline can't be checked.",
    )
  if (first > 0)
    texts.push(`Slots before ${first} were trimmed: what they held, and totals that count them, can't be checked.`)
  if (run.log !== null)
    texts.push(
      "Kafka does not keep which entries were committed together, and of a stage's notes only the last: that each commit was whole, and the totals in its note, can't be checked.",
    )
  return texts
}

function makeChecks({ run }: RunReader) {
  return {
    run: new Check('run', 'commits'),
    log: run.log === null ? new Check('journals', 'frames') : new Check('topics', 'entries'),
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
    rows: new Check('rows', 'files'),
    input: new Check('input', 'files'),
  }
}
type Checks = ReturnType<typeof makeChecks>

/** What a stage of a run has committed now: a log in the run's folder is read byte by byte, one on Kafka as its readers get it. */
async function openScan({ dir, run, log, first }: RunReader, stage: Stage, { log: check, run: bound }: Checks) {
  const bare = bareOf(log)
  const scan: StageScan =
    run.log === null
      ? await JournalScan.open(dir, stage, check, first > 0)
      : await TopicScan.open(bare, stage, run, check)
  if (stage === 'annotate' && run.log === null && bare instanceof JoinedLog)
    return new BoundScan(new JoinedScan(scan, bare, check), bindingOf(run), bound)
  // Who annotates a share of a spread run may not see its folder, nor its id.
  const held = run.spread && stage === 'annotate' ? scan : new BoundScan(scan, bindingOf(run), bound)
  return stage === 'annotate' || run.log !== null ? held : new WholeNotes(held, stage, check, first > 0)
}

/** What a start refuses by positions alone. Where these can't be read, the log's own check says so. */
async function checkBreak({ dir, run, log }: RunReader, { run: check }: Checks): Promise<void> {
  const found = await findBreak(dir, run, log).catch(error => {
    if (error instanceof HeadraceError && error.code === 'corrupt') return null
    throw error
  })
  if (found) check.fail(fileAt('run.json'), found.message, advices.restore)
}

interface SlotReading {
  readonly annotate: StageScan
  readonly decide: StageScan
  /** Slots before it were trimmed. */
  readonly first: number
  readonly orders: { readonly scored: SlotOrder; readonly kept: SlotOrder }
  readonly fates: FateCheck
  readonly totals: TotalsCount
  readonly checks: Checks
  readonly onSlot: () => void
}

/** Reads both stages of slots side by side: each slot as it was measured, and as it was decided. */
async function verifySlots(reading: SlotReading): Promise<void> {
  const { annotate, decide, first, orders, fates, totals, checks, onSlot } = reading
  const decided = new Ahead(groupSlots(decide.commits(), topics.kept, topics.drops, first, checks.slots))
  const measured = groupSlots(annotate.commits(), topics.scored, topics.dead, first, checks.slots)
  const decideOne = async (group: SlotGroup, before: Parameters<FateCheck['decided']>[1]) => {
    if (!orders.kept.take(group)) return
    if (!group.isEnd) await fates.decided(group, before)
    totals.compare(group)
  }
  for await (const group of measured) {
    onSlot()
    if (!orders.scored.take(group)) continue
    const batches = group.isEnd ? { scored: null, dead: null } : await fates.annotated(group)
    for (let next = await decided.peek(); next && next.slot <= group.slot; next = await decided.peek()) {
      await decided.take()
      if (next.slot === group.slot) checkMark(next, group, checks.run)
      await decideOne(next, next.slot === group.slot ? wholeOf(group, batches) : null)
    }
  }
  const beyond = await decided.peek()
  checkTail(annotate, checks, beyond ? `the deciding stage has taken slot ${beyond.slot}` : null)
  if (beyond && !annotate.isDamaged && !annotate.tail)
    checks.slots.fail(beyond.main, `slot ${beyond.slot} is decided and was never measured`, advices.restore)
  for (let next = beyond; next; next = await decided.peek()) {
    await decided.take()
    await decideOne(next, null)
  }
}

/** A decided slot says which bytes it was made of, since there may be two copies of a run that went on apart. */
function checkMark(decided: SlotGroup, { main: { value } }: SlotGroup, check: Check): void {
  const { scored: mark } = decided.main.headers
  if (mark === undefined || !value || crc32(value) === Number.parseInt(mark, 16)) return
  const what = `slot ${decided.slot} was decided from other rows than are measured under its number: one is of another time`
  check.fail(decided.main, what, advices.restore)
}

function wholeOf({ main, side }: SlotGroup, { scored, dead }: { scored: Batch | null; dead: Batch | null }) {
  return scored && (!side || dead) ? { scored, dead, deadRows: Number(main.headers.dead ?? dead?.rows ?? 0) } : null
}

/** A torn tail is what a crash leaves, unless a later stage has used what stood there: then committed bytes were lost. */
function checkTail({ tail }: StageScan, { log }: Checks, used: string | null): void {
  if (!tail) return
  const what = `${tail.bytes} bytes are no whole frame`
  const usual = 'as a crash or a commit under way leaves; the next start cuts them'
  if (used) log.fail(byteAt(tail.file, tail.at), `${what}, and ${used}: they were committed`, advices.restore)
  else log.note(`${tail.file}: ${what} from byte ${tail.at} on, ${usual}`)
}

async function checkState(
  { dir, run, log, first }: RunReader,
  file: StateFile,
  decided: number,
  isDamaged: boolean,
  { state }: Checks,
): Promise<void> {
  if (file.bytes === 0) return
  const owner = { identity: run.segments[0].state, run: bindingOf(run) }
  const sealed = await verifyState(dir, file, owner, state)
  if (sealed === null) return
  const { slot } = sealed
  // A start beside this may have cut the file and sealed further slots since the log was looked at.
  if (slot > decided && !isDamaged && slot > (await decidedNow(dir, run)))
    state.fail(
      fileAt(file.path),
      `it holds slots before ${slot}, and the log only those before ${decided}`,
      advices.state,
    )
  else if (!isDamaged && slot <= decided && (await findOtherTables(dir, run, log, sealed, first)))
    state.fail(fileAt(file.path), `it was filled with another slot ${slot - 1} than the log holds`, advices.state)
  else if (slot < decided) state.note(`${file.path} lags ${decided - slot} slots, which the next start enters again`)
}

async function decidedNow(dir: string, run: RunFile): Promise<number> {
  await using log = await openLogToRead(dir, run)
  return (await log.position('decide', 0)).slot
}
