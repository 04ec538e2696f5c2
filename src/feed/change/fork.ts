import { rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { makeFolder, type OnEffect, syncFolder, writeDurably } from '../../disk/durable-file.ts'
import { isMissing, listFiles } from '../../disk/files.ts'
import { writeJson } from '../../disk/json-file.ts'
import { shareFile } from '../../disk/share-file.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'
import { readControls } from '../files/control-file.ts'
import { feedId, type Head, identityOf, readHead, rootOf, writeHead } from '../files/head.ts'
import { LedgerReader, ledgerPath } from '../files/ledger.ts'
import { describeTrim, readTrim, type TrimFile, trimmedStep, writeTrim } from '../files/trim-file.ts'
import type { ControlEntry } from '../plan/control.ts'
import type { Skip } from '../plan/fork.ts'
import { takeDownsFrom } from './take-down.ts'

/** Folders of a feed whose files are written once. */
const sharedFolders = ['blocks', 'trimmed', 'promoted', 'joined', 'take-downs']

/** Where a feed is to part from another, and what of that it passes over. */
export interface ForkOrder {
  /** Its first own step. */
  readonly at: number
  readonly skip: Skip | null
  readonly note: string | null
}

/**
 * Makes the feed in `to` that has the first steps of the one in `from`, which stays as it is; `reopenFeed` then plans it on. Returns false
 * where this very fork is there. It is true at one moment, when the folder gets its name; until then it is `to` with `.tmp` behind it,
 * which the next try removes. One process at a time. Files of blocks are shared, as nobody ever writes into one.
 */
export async function forkFeed(from: string, to: string, order: ForkOrder, onEffect?: OnEffect): Promise<boolean> {
  const parent = await readHead(from)
  if (!parent) throw new HeadraceError('not-found', `there is no feed in ${from}`)
  checkOrder(parent, order)
  checkTrim(from, await readTrim(from), order)
  const ledger = new LedgerReader(from, parent)
  const head = await headOfFork(parent, ledger, order, relative(to, resolve(from, parent.shards)).split(sep).join('/'))
  const known = await readHead(to)
  if (known?.feed === head.feed) {
    // Who made it may have been stopped before its name lasted.
    await syncFolder(dirname(to))
    return false
  }
  if (known) throw new HeadraceError('bad-option', `${to} holds another feed: give this fork another --name`)
  const draft = `${to}.tmp`
  await rm(draft, { recursive: true, force: true })
  await makeFolder(draft)
  await copySteps(ledger, draft, head, onEffect)
  for (const folder of sharedFolders) await shareFiles(join(from, folder), join(draft, folder))
  // Behind the blocks: what a trim that began meanwhile takes away is in it.
  const trim = await readTrim(from)
  checkTrim(from, trim, order)
  if (trim) await writeTrim(draft, trim, onEffect)
  await writeJson(join(draft, 'control.json'), controlsOfFork(await readControls(from), parent, order), onEffect)
  await writeHead(draft, head, onEffect)
  try {
    onEffect?.(`rename ${to}`)
    await rename(draft, to)
    await syncFolder(dirname(to))
  } catch (error) {
    throw wrapDiskError(error, `renaming ${draft}`)
  }
  return true
}

function checkOrder({ steps }: Head, { at, skip }: ForkOrder): void {
  const refuse = (what: string) => new HeadraceError('bad-option', `${what}. See: headrace fork --help`)
  if (at > steps) throw refuse(`--at is ${at}, and the feed has ${steps} steps`)
  if (!skip) return
  const [first, last] = skip
  if (first < at) throw refuse(`--skip begins with step ${first}, before the fork does: name step ${at} or a later one`)
  if (last < first) throw refuse(`--skip ends with step ${last}, before it begins`)
  if (last >= steps)
    throw refuse(`--skip ends with step ${last}, and the feed has ${steps} steps: nobody has read that`)
}

/** Behind what was let go a fork has all that it goes on with; before it, nothing to plan its own steps beside. */
function checkTrim(from: string, trim: TrimFile | null, { at }: ForkOrder): void {
  if (!trim || at >= trimmedStep(trim)) return
  throw new HeadraceError('trimmed', `step ${at} can't be forked: ${describeTrim(from, trim)}`)
}

async function headOfFork(parent: Head, ledger: LedgerReader, { at, skip }: ForkOrder, shards: string): Promise<Head> {
  const digest = at === 0 ? rootOf(parent) : (await ledger.open(at - 1)).digest
  const forks = [...(parent.forks ?? []), { feed: parent.feed, step: at, digest, skip }]
  const identity = { ...identityOf(parent), version: parent.ledger ? parent.version : (2 as const), forks }
  return { ...identity, feed: feedId(identity), shards, steps: at, digest, ended: false, leftover: {} }
}

/** The entries of the feed that it parts from stay as they were counted, those of later steps too: the fork plans what that would plan. */
function controlsOfFork(
  controls: readonly ControlEntry[],
  { feed }: Head,
  { at, skip, note }: ForkOrder,
): ControlEntry[] {
  return [
    ...controls,
    { step: at, fork: { feed, skip }, ...(note !== null && { note }) },
    ...takeDownsFrom(at, controls),
  ]
}

/** Copies the ledger's lines before the fork: a file that steps are still added to can't be shared. */
async function copySteps(ledger: LedgerReader, to: string, { steps, segmentSteps }: Head, onEffect?: OnEffect) {
  await makeFolder(join(to, 'steps'))
  for (let first = 0; first < steps; first += segmentSteps) {
    const lines: string[] = []
    for (let step = first; step < Math.min(steps, first + segmentSteps); step++) lines.push(await ledger.read(step))
    await writeDurably(join(to, ledgerPath(first, segmentSteps)), [Buffer.from(`${lines.join('\n')}\n`)], onEffect)
  }
}

async function shareFiles(from: string, to: string): Promise<void> {
  const folders = new Set<string>()
  for (const name of await listFiles(from)) {
    if (name.endsWith('.tmp')) continue
    const path = join(to, name)
    if (!folders.has(dirname(path))) await makeFolder(dirname(path))
    folders.add(dirname(path))
    await shareFile(join(from, name), path).catch(error => {
      // One that was let go since it was listed: whether the fork needs it is judged behind this.
      if (!isMissing(error)) throw error
    })
  }
  for (const folder of folders) await syncFolder(folder)
}
