/** What the file system was asked to do. `write` is also a vectored write, `sync` also a sync of the data alone. */
export type Operation = 'create' | 'write' | 'sync' | 'rename' | 'truncate' | 'link' | 'unlink' | 'mkdir'

/** A moment of an operation: before it is asked for, after it was done, or with half of a write done. */
export type Moment = 'before' | 'after' | 'torn'

/** A point at which a run is killed. The n-th passing of a point is the n-th such operation in one life of the process. */
export interface Point {
  readonly name: string
  readonly operation: Operation
  readonly moment: Moment
  /** The operation's path below the run's folder; of a rename or a link, the new name. */
  readonly path: RegExp
  /** Passed only by a process that finds what a kill at this other point left. */
  readonly behind?: string
}

/** Something that a kill here leaves: a lock, claims, a commit that may be torn. */
const anyKill = 'annotate.frame.written'

const point = (name: string, operation: Operation, moment: Moment, path: RegExp, behind?: string): Point => ({
  ...{ name, operation, moment, path },
  ...(behind === undefined ? {} : { behind }),
})

/**
 * A stage's journal. A process begins by claiming the stage, by a name of its own, and with a file that is born whole under its final
 * name; a commit is a frame at the end of that file and a sync.
 */
function journalPoints(stage: string): Point[] {
  const folder = new RegExp(`^log/${stage}$`)
  const file = new RegExp(`^log/${stage}/[^/]+\\.journal$`)
  const draft = new RegExp(`^log/${stage}/[^/]+\\.draft$`)
  const claim = new RegExp(`^log/${stage}/[^/]+\\.owner$`)
  return [
    point(`${stage}.claim.made`, 'create', 'after', claim),
    point(`${stage}.claim.untaken`, 'rename', 'before', claim, anyKill),
    point(`${stage}.claim.taken`, 'rename', 'after', claim, anyKill),
    point(`${stage}.draft.created`, 'create', 'after', draft),
    point(`${stage}.draft.torn`, 'write', 'torn', draft),
    point(`${stage}.draft.written`, 'write', 'after', draft),
    point(`${stage}.draft.unsynced`, 'sync', 'before', draft),
    point(`${stage}.draft.removed`, 'unlink', 'after', draft, `${stage}.draft.torn`),
    point(`${stage}.born.before`, 'rename', 'before', file),
    point(`${stage}.born.after`, 'rename', 'after', file),
    point(`${stage}.folder.unsynced`, 'sync', 'before', folder),
    point(`${stage}.folder.synced`, 'sync', 'after', folder),
    // A file whose commits the next process has copied into its own.
    point(`${stage}.copied.unremoved`, 'unlink', 'before', file, `${stage}.sync.after`),
    point(`${stage}.copied.removed`, 'unlink', 'after', file, `${stage}.sync.after`),
    point(`${stage}.frame.before`, 'write', 'before', file),
    point(`${stage}.frame.torn`, 'write', 'torn', file),
    point(`${stage}.frame.written`, 'write', 'after', file),
    point(`${stage}.sync.before`, 'sync', 'before', file),
    point(`${stage}.sync.after`, 'sync', 'after', file),
  ]
}

/** A file that is written aside in `folder`, synced, renamed, and the folder synced. Both are patterns. */
function filePoints(name: string, folderPath: string, fileName: string): Point[] {
  const path = folderPath ? `${folderPath}/${fileName}` : fileName
  const aside = new RegExp(`^${path}\\.tmp$`)
  const file = new RegExp(`^${path}$`)
  const folder = new RegExp(`^${folderPath || '\\.'}$`)
  return [
    point(`${name}.created`, 'create', 'after', aside),
    point(`${name}.torn`, 'write', 'torn', aside),
    point(`${name}.written`, 'write', 'after', aside),
    point(`${name}.sync.before`, 'sync', 'before', aside),
    point(`${name}.rename.before`, 'rename', 'before', file),
    point(`${name}.rename.after`, 'rename', 'after', file),
    point(`${name}.folder.unsynced`, 'sync', 'before', folder),
    point(`${name}.folder.synced`, 'sync', 'after', folder),
  ]
}

const state = /^state\/decide\.tables$/
const ledger = /^feed\/steps\/[^/]+\.jsonl$/

/** Every named point. A harness that never reaches one of them fails, so the table stays true. */
export const points: readonly Point[] = [
  ...filePoints('run', '', 'run\\.json'),
  ...journalPoints('annotate'),
  ...journalPoints('decide'),
  // Between the decider's commit and its seal, in the seal, and between the seal and the next slot.
  point('state.seal.before', 'write', 'before', state),
  point('state.seal.torn', 'write', 'torn', state),
  point('state.seal.after', 'write', 'after', state),
  point('state.tail.uncut', 'truncate', 'before', state, 'state.seal.torn'),
  point('state.tail.cut', 'truncate', 'after', state, 'state.seal.torn'),
  point('shard.folder.made', 'mkdir', 'after', /^shards\/[^/]+$/),
  ...filePoints('shard.file', 'shards/[^/]+', '[^/]+\\.arrow'),
  // The first of these comes before the manifest's commit.
  ...journalPoints('shard'),
  ...filePoints('block', 'feed/blocks/[^/]+', '[^/]+\\.arrow'),
  point('ledger.uncut', 'truncate', 'before', ledger),
  point('ledger.cut', 'truncate', 'after', ledger),
  point('ledger.append.before', 'write', 'before', ledger),
  point('ledger.append.torn', 'write', 'torn', ledger),
  point('ledger.append.written', 'write', 'after', ledger),
  point('ledger.sync.before', 'sync', 'before', ledger),
  point('ledger.sync.after', 'sync', 'after', ledger),
  ...filePoints('head', 'feed', 'head\\.json'),
  point('lock.draft.torn', 'write', 'torn', /^lock\.[^/]*-[^/]*$/),
  point('lock.draft.written', 'write', 'after', /^lock\.[^/]*-[^/]*$/),
  point('lock.taken', 'link', 'after', /^lock$/),
  point('lock.break.taken', 'link', 'after', /^lock\.break$/, anyKill),
  point('lock.break.left', 'unlink', 'after', /^lock\.break$/, anyKill),
  point('lock.release.before', 'unlink', 'before', /^lock$/),
  point('lock.release.after', 'unlink', 'after', /^lock$/),
]

/** Kills that are not bound to a named point. */
export const unnamed = {
  /** The n-th moment before or after any operation on the run's folder. */
  effect: 'effect',
  /** So many milliseconds after the start, by another process. */
  random: 'random',
} as const

/** Whether a point is at this moment of an operation. */
export function isAt(one: Point, operation: Operation, moment: Moment, path: string): boolean {
  return one.operation === operation && one.moment === moment && one.path.test(path)
}
