import { join } from 'node:path'
import { type OnEffect, syncFolder } from '../../disk/durable-file.ts'
import { listFiles, removeFile, sizeOf } from '../../disk/files.ts'
import { HeadraceError } from '../../errors.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import { cutUnwritten, hashBlock, listBlock } from '../files/bind.ts'
import { BlockFile } from '../files/block-file.ts'
import { readControls } from '../files/control-file.ts'
import { type Head, rootOf } from '../files/head.ts'
import { LedgerReader } from '../files/ledger.ts'
import { type LetGoBlock, letGoPath, readLetGo, writeLetGo } from '../files/let-go-block.ts'
import { readCut } from '../files/read-cut.ts'
import { readTrim, type Trim, type TrimFile, trimmedStep, withTrim, writeTrim } from '../files/trim-file.ts'
import { type BlockSpec, blockIdentity, blockPath, type CutSamples, writeBlock } from '../plan/blocks.ts'
import { Planner } from '../plan/planner.ts'
import { snapshotUpTo } from '../plan/step-lines.ts'

/** A file of a block, by its path from the feed's folder. */
export interface BlockToGo {
  readonly path: string
  readonly bytes: number
}

/**
 * The files of blocks that no step from `step` on needs, nor any that will be planned: all their samples were fed by steps before it. Those of a
 * trim that was stopped are among them.
 */
export async function planTrim(dir: string, head: Head, step: number): Promise<BlockToGo[]> {
  const trim = await readTrim(dir)
  const [before, listed] = [trimmedStep(trim), new Set(trim?.blocks)]
  if (step < before || step > head.steps)
    throw new HeadraceError(
      'bad-option',
      `step ${step} is no place to trim to: the feed in ${dir} has steps ${before} to ${head.steps - 1}`,
    )
  const fed = await readFed(dir, head, before, step)
  const anew = new Map<string, number>()
  for (const { block, cut } of fed.values()) anew.set(block, Math.max(cut, anew.get(block) ?? 0))
  const found: BlockToGo[] = []
  for (const name of await listFiles(join(dir, 'blocks'))) {
    const path = `blocks/${name}`
    if (!name.endsWith('.arrow')) continue
    using file = new BlockFile(dir, path)
    const { domain, number, epoch, cut = 0 } = file.identity
    const own = fed.get(nameOf(domain, number, epoch, cut))
    // What is left of a block whose length changed was cut anew, and the new one is fed.
    const isFed = own !== undefined && (own.end === file.samples || anew.get(own.block)! > cut)
    if (isFed || listed.has(path)) found.push({ path, bytes: (await sizeOf(join(dir, path))) ?? 0 })
  }
  return found
}

const nameOf = (domain: string, number: number, epoch: number, cut: number) => `${number} ${epoch} ${cut} ${domain}`

/** A cut of a block, and the sample of it up to which steps went. */
interface FedCut {
  /** The block, whatever cut. */
  readonly block: string
  readonly cut: number
  readonly end: number
}

/** What steps before `to` took: in each pass a block's samples are fed in their order. Blocks of steps before `from` are gone. */
async function readFed(dir: string, head: Head, from: number, to: number): Promise<Map<string, FedCut>> {
  const fed = new Map<string, FedCut>()
  const ledger = new LedgerReader(dir, head)
  for (let step = from > 0 ? snapshotUpTo(from - 1, head) : 0; step < to; step++)
    for (const [domain, ranges] of Object.entries((await ledger.open(step)).domains))
      for (const { block, epoch, cut = 0, to: end } of ranges)
        fed.set(nameOf(domain, block, epoch, cut), { block: nameOf(domain, block, epoch, 0), cut, end })
  return fed
}

/**
 * Lets go of blocks. What planning needs of them lasts first, then `trimmed.json`, and then they are removed: stopped at any moment, the same
 * again goes on. Where there are none nothing is written, as all steps can be read that could be before. One process at a time.
 */
export async function trimBlocks(
  dir: string,
  blocks: readonly BlockToGo[],
  trim: Trim,
  onEffect: OnEffect = () => {},
): Promise<void> {
  if (blocks.length === 0) return
  for (const { path } of blocks) await writeLetGo(dir, path, onEffect)
  const before = await readTrim(dir)
  const paths = blocks.map(({ path }) => path)
  const file = withTrim(before, paths, trim)
  if (file === before) await syncFolder(dir)
  else await writeTrim(dir, file, onEffect)
  for (const path of paths) {
    onEffect(`remove ${path}`)
    await removeFile(join(dir, path))
  }
}

/** What a feed is planned from, and whether no more of it will come: then its last blocks are smaller. */
export interface PlannedFrom {
  readonly shards: AsyncIterable<ManifestEntry>
  readonly hasEnded: boolean
}

/** What a restoring of blocks did: those that are there again, and their bytes. */
export interface Restored {
  readonly blocks: number
  readonly bytes: number
}

/**
 * Makes the blocks again that were let go, from the shards, as the planner asks for them: the same bytes, which is checked. The mark goes
 * last, so that the same again goes on where this is stopped. Throws `corrupt` where shards give another block or none, and the rest is there.
 */
export async function restoreBlocks(
  dir: string,
  head: Head,
  from: PlannedFrom,
  onEffect: OnEffect = () => {},
): Promise<Restored> {
  const trim = await readTrim(dir)
  const left = await findLeft(dir, trim)
  const work = { dir, head, left, onEffect, done: { blocks: 0, bytes: 0 } }
  await planAgain(work, from, trimmedStep(trim))
  const [missing] = left.keys()
  if (missing !== undefined)
    throw new HeadraceError('corrupt', `the shards in ${join(dir, head.shards)} no longer give ${missing}`)
  for (const path of trim?.blocks ?? []) {
    onEffect(`remove ${letGoPath(path)}`)
    await removeFile(join(dir, letGoPath(path)))
  }
  onEffect('remove trimmed.json')
  await removeFile(join(dir, 'trimmed.json'))
  await syncFolder(dir)
  return work.done
}

/** What is left of blocks whose files are missing. */
async function findLeft(dir: string, trim: TrimFile | null): Promise<Map<string, LetGoBlock>> {
  const left = new Map<string, LetGoBlock>()
  for (const path of trim?.blocks ?? []) {
    const found = readLetGo(dir, letGoPath(path))
    if (found && !isThere(dir, found)) left.set(path, found)
    if (!found && (await sizeOf(join(dir, path))) === null)
      throw new HeadraceError('corrupt', `${join(dir, letGoPath(path))} is missing: restore it from a copy`)
  }
  return left
}

function isThere(dir: string, { identity }: LetGoBlock): boolean {
  try {
    using file = new BlockFile(dir, identity)
    return file.samples >= 0
  } catch (error) {
    if (error instanceof HeadraceError && (error.code === 'trimmed' || error.code === 'not-found')) return false
    throw error
  }
}

interface Restoring {
  readonly dir: string
  readonly head: Head
  /** Those that are missing, by the paths of their files. */
  readonly left: Map<string, LetGoBlock>
  readonly onEffect: OnEffect
  readonly done: { blocks: number; bytes: number }
}

/** Plans the steps before one again, and publishes none. */
async function planAgain(work: Restoring, { shards, hasEnded }: PlannedFrom, end: number): Promise<void> {
  const { dir, head, left } = work
  const planner = new Planner({ ...head, feed: rootOf(head) }, spec => cutAgain(spec, work), dir)
  for (const entry of await readControls(dir)) planner.control(entry)
  for await (const entry of shards) planner.add(entry)
  if (hasEnded) planner.end()
  while (left.size > 0 && planner.steps < end) if (!(await planner.nextStep())) return
}

async function cutAgain(spec: BlockSpec, { dir, head, left, onEffect, done }: Restoring): Promise<CutSamples> {
  const pathOf = (path: string) => join(dir, head.shards, path)
  const identity = blockIdentity(spec, head)
  const [path, own] = [...left].find(([, block]) => JSON.stringify(block.identity) === identity) ?? []
  if (path === undefined) return readCut(dir, spec, head) ?? cutUnwritten(spec, head, pathOf)
  const samples = listBlock(spec, head, pathOf)
  if (own!.sha256 !== null && hashBlock(spec, head, samples) !== own!.sha256)
    throw new HeadraceError('corrupt', `the shards in ${join(dir, head.shards)} give another ${path} than was let go`)
  await writeBlock(dir, spec, head, samples, onEffect)
  left.delete(path)
  done.blocks++
  done.bytes += (await sizeOf(join(dir, blockPath(spec)))) ?? 0
  return { tokens: samples.tokens, sha256: own!.sha256 }
}
