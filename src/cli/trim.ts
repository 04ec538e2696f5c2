import { join } from 'node:path'
import { makeFolder } from '../disk/durable-file.ts'
import { type Lock, lockDirectory } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { type BlockToGo, planTrim, restoreBlocks, trimBlocks } from '../feed/change/trim.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { findHold } from '../feed/files/holds.ts'
import { readTrim, type Trim, trimmedStep } from '../feed/files/trim-file.ts'
import { findTrainers, type Trainer } from '../inspect/trainers.ts'
import { readStanding } from '../record/standing.ts'
import { rowsFolder } from '../rows/row-file.ts'
import { countRowsBefore, removeRowsBefore } from '../rows/trim-rows.ts'
import { nameAuthor } from './change-feed.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { locateFeed, openFoundFeed, readShardsOf } from './find-feed.ts'
import { noteOf } from './note.ts'
import { formatBytes, formatCount, formatPlural, formatTable } from './table.ts'
import { cleanName, cleanPath, formatPairs, pageWidth } from './wrap.ts'

export const trimCommand: Command = {
  name: 'trim',
  usage: '[FEED]',
  summary: 'Lets go of what of a feed no trainer will read again: blocks and rows before the oldest checkpoint.',
  details:
    "FEED is a feed's folder, or a run's name or folder (default: the run of --dir and --run). Trainers report which checkpoints they keep (headrace.Reports of the Python package); steps before the oldest of all are not needed. Without --apply it says what would go, and touches nothing. The ledger, shards, forks and what was taken down stay. Whoever asks for a step that was let go is told when and why. --restore makes all blocks again from the shards, the same bytes; rows are made again by headrace materialise. Stopped, the same command goes on.",
  options: {
    ...runOptions,
    'before-step': {
      value: 'STEP',
      help: 'lets go of what steps before this one alone need, also where no trainer has reported',
    },
    apply: { help: 'does it' },
    restore: { help: 'makes the blocks again that were let go' },
    note: { value: 'TEXT', help: 'why: whoever asks for a step that is gone is told' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const note = noteOf(args, 'trim') ?? ''
    const given = args.text('before-step') === undefined ? null : args.count('before-step', 0, 1)
    if (args.flag('restore')) {
      if (given !== null || args.flag('apply')) throw refuse('--restore makes blocks again: it goes with no other')
      return restore(args, terminal)
    }
    const dir = await locateFeed(args)
    const { head, trainers } = await findTrainers(dir)
    const step = chooseStep(given, await readTrim(dir).then(trimmedStep), trainers)
    const oldest = trainers.flatMap(({ trainer, checkpoint }): Trim['trainers'] =>
      checkpoint ? [[trainer, checkpoint.oldest]] : [],
    )
    const trim: Trim = { step, who: nameAuthor(), at: new Date().toISOString(), note, trainers: oldest }
    const planned = args.flag('apply') ? await apply(dir, head, trim) : await plan(dir, head, step)
    show(dir, { ...planned, step, trainers, isApplied: args.flag('apply') }, args.flag('json'), terminal)
    return 0
  },
}

/** The first step that is still needed. */
function chooseStep(given: number | null, trimmed: number, trainers: readonly Trainer[]): number {
  const needed = trainers.filter(({ checkpoint }) => checkpoint !== null)
  const strange = trainers.find(({ fault }) => fault !== null)
  const gone = 'if that training is over for good, remove its folder of trainers/'
  if (strange && given === null)
    throw refuse(
      `trainer '${cleanName(strange.trainer)}': ${cleanName(strange.fault!, 300)}; ${gone}, or name --before-step`,
    )
  if (given === null && needed.length === 0)
    throw refuse('no trainer has reported a checkpoint, so that nobody knows what is needed: name --before-step')
  const open = trainers.find(({ checkpoint }) => checkpoint === null)
  if (given === null && open)
    throw refuse(
      `trainer '${cleanName(open.trainer)}' has reported no checkpoint and may begin again at step 0; ${gone}, or name --before-step`,
    )
  const oldest = needed.filter(({ fault }) => fault === null).sort((a, b) => oldestOf(a) - oldestOf(b))[0]
  if (given !== null && oldest && given > oldestOf(oldest))
    throw refuse(
      `--before-step is ${given}, and trainer '${cleanName(oldest.trainer)}' keeps a checkpoint of step ${oldestOf(oldest)}; ${gone}`,
    )
  // A checkpoint before what is gone can't be gone on from, whatever is done now.
  return Math.max(trimmed, given ?? oldestOf(oldest))
}

const oldestOf = ({ checkpoint }: Trainer) => checkpoint!.oldest

interface Planned {
  readonly blocks: readonly BlockToGo[]
  readonly rows: { readonly files: number; readonly bytes: number }
}

async function plan(dir: string, head: Head, step: number): Promise<Planned> {
  return { blocks: await planTrim(dir, head, step), rows: await countRowsBefore(join(dir, rowsFolder), step) }
}

async function apply(dir: string, head: Head, trim: Trim): Promise<Planned> {
  await using lock = await lockTrimmed(dir)
  const holder = await findHold(dir)
  if (holder)
    throw new HeadraceError(
      'locked',
      `the feed in ${dir} is being exported by process ${holder.pid} on ${holder.host}: wait for it`,
    )
  const planned = await plan(dir, head, trim.step)
  await trimBlocks(dir, planned.blocks, trim, lock.check)
  await removeRowsBefore(join(dir, rowsFolder), trim.step, lock.check)
  return planned
}

/** Whoever writes rows has the same lock. */
async function lockTrimmed(dir: string): Promise<Lock> {
  await makeFolder(join(dir, rowsFolder))
  return lockDirectory(join(dir, rowsFolder))
}

async function restore(args: ParsedArgs, terminal: Terminal): Promise<number> {
  const dir = await locateFeed(args)
  await using feed = await openFoundFeed(args, dir)
  await using lock = await lockTrimmed(dir)
  const head = (await readHead(dir))!
  // What a feed of several runs is planned from is all named in its control entries.
  const hasEnded = feed.run ? (await readStanding(feed.run.log, feed.run.run)).shard.ended : true
  const { blocks, bytes } = await restoreBlocks(dir, head, { shards: readShardsOf(feed), hasEnded }, lock.check)
  if (args.flag('json')) terminal.out.write(`${JSON.stringify({ feed: dir, restored: blocks, bytes })}\n`)
  else
    terminal.out.write(
      `made again ${formatPlural(blocks, 'block')} of ${cleanPath(dir)}, ${formatBytes(bytes)}: it can be read from step 0 on\n`,
    )
  return 0
}

interface Shown extends Planned {
  readonly step: number
  readonly trainers: readonly Trainer[]
  readonly isApplied: boolean
}

function show(
  dir: string,
  { blocks, rows, step, trainers, isApplied }: Shown,
  isJson: boolean,
  terminal: Terminal,
): void {
  const blockBytes = blocks.reduce((sum, { bytes }) => sum + bytes, 0)
  if (isJson) {
    const sums = { blocks: blocks.length, blockBytes, rows: rows.files, rowBytes: rows.bytes }
    terminal.out.write(`${JSON.stringify({ feed: dir, step, applied: isApplied, ...sums })}\n`)
    return
  }
  const kept = trainers.map(({ trainer, checkpoint }) => [
    trainer,
    checkpoint ? formatCount(checkpoint.step) : '-',
    checkpoint ? formatCount(checkpoint.oldest) : '-',
  ])
  if (kept.length > 0) terminal.out.write(`${formatTable([['trainer', 'checkpoint', 'oldest kept'], ...kept])}\n`)
  const pairs: [string, string][] = [
    ['feed', cleanPath(dir)],
    ['needed', `from step ${formatCount(step)} on`],
    ['blocks', `${formatPlural(blocks.length, 'file')}, ${formatBytes(blockBytes)}`],
    ['rows', `${formatPlural(rows.files, 'file')}, ${formatBytes(rows.bytes)}`],
  ]
  terminal.out.write(formatPairs(pairs, pageWidth(terminal), 0))
  const [done, todo] = ['let go', 'nothing is touched: --apply lets go of them']
  const isAny = blocks.length + rows.files > 0
  terminal.out.write(isAny ? `${isApplied ? done : todo}\n` : 'there is nothing to let go of\n')
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace trim --help`)
}
