/**
 * The log: the only thing between stages. It moves bytes and knows nothing of what they mean.
 *
 * A topic belongs to the stage that writes it and is named `<stage>.<topic>`. Each partition is a sequence of entries with rising
 * offsets; offsets are addresses, may have gaps, and order nothing across partitions. A stage owns its topics and its positions
 * and changes both in one atomic commit.
 */
export interface Cursor {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface Entry extends Cursor {
  readonly headers: Readonly<Record<string, string>>
  /** Owned by the reader: its ArrayBuffer holds nothing else and may be transferred. */
  readonly value: Uint8Array
}

/** An entry whose value is read in parts: of most of it, its reader may have no need. */
export interface PartialEntry extends Cursor {
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the value. */
  readonly length: number
  /** Reads `bytes` bytes of the value from `at` on, which lie in it. They are not held against the value's checksum. */
  readPart(at: number, bytes: number): Promise<Uint8Array>
}

/** What a stage has finished: `offset` to read next, `slot` expected next, and a note of its own (JSON). */
export interface Position {
  readonly partition: number
  readonly offset: bigint
  readonly slot: number
  readonly note: string
}

export interface Append {
  readonly topic: string
  readonly partition: number
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

export interface Commit {
  readonly positions: readonly Position[]
  readonly appends: readonly Append[]
}

export interface Log extends AsyncDisposable {
  /**
   * Committed entries from a cursor on, in order, without end: it waits for more until `signal` aborts, then yields what is
   * committed and ends. Entries that were trimmed away are an error (`trimmed`), never skipped.
   */
  read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry>
  /** What is committed now from a cursor on, without reading the values. Only of a log that can read a part of one. */
  readPartial?(from: Cursor): AsyncIterable<PartialEntry>
  /** The first offset that can be read and the one that the next append gets. */
  bounds(topic: string, partition: number): Promise<{ readonly first: bigint; readonly next: bigint }>
  /** A stage's committed position, or offset 0 and slot 0. Anyone may ask. */
  position(stage: string, partition: number): Promise<Position>
  /** Makes the caller the stage's only owner. The former owner's next commit fails with `fenced`. Read positions after this. */
  own(stage: string): Promise<Owner>
}

export interface Owner extends AsyncDisposable {
  /** All of it becomes visible and durable, or nothing. Commits of one owner happen in the order of the calls. */
  commit(commit: Commit): Promise<void>
}

/** A piece of a run's work: one partition of a spread stage, or a whole ordered stage as its partition 0. */
export interface Share {
  readonly stage: string
  readonly partition: number
}

/** What a member does with its shares. Calls for one share never overlap: what comes back while it is given up is taken after that. */
export interface ShareHandler {
  /** The share is this process's to try: own it, then work. Must not throw. */
  take(share: Share): void
  /** Gives it up. Resolves when nothing of it will be committed any more: only then may others get it. Must not reject. */
  give(share: Share): Promise<void>
  /**
   * All shares are lost, those that are being given up too: the group has counted this process as gone and gives them to others. The
   * process joins anew by itself, and may be told to take some of them again.
   */
  lose(): void
}

/** Being one of the processes that share out a run. Disposing gives every share and then leaves, so that others have them at once. */
export interface Membership extends AsyncDisposable {
  /** Rejects when the group can't be kept up with: the brokers are away for longer than is tried again, or refuse. Never resolves. */
  readonly failed: Promise<never>
}

/** A log on which the partitions of a stage can have owners of their own, in processes that share them out. */
export interface SpreadLog extends Log {
  /**
   * As `own`, for one partition of a spread stage: its position, and its partition of the stage's topics. Fences the former owner of
   * that partition alone.
   */
  ownPartition(stage: string, partition: number): Promise<Owner>
  /**
   * Joins the processes that share out these stages; shares may be taken before it resolves. Membership only says who tries: owning
   * says who may.
   */
  join(stages: readonly string[], handler: ShareHandler): Promise<Membership>
}

/** What a log also does for its operator: retention. */
export interface Topics {
  /** Entries before this offset are no longer needed. May keep more than asked. */
  trim(topic: string, partition: number, before: bigint): Promise<void>
}

export const startPosition = (partition: number): Position => ({ partition, offset: 0n, slot: 0, note: '' })

/** The stage that writes a topic. */
export function stageOf(topic: string): string {
  return topic.slice(0, topic.indexOf('.'))
}

/** Entries that are committed now from a cursor on, to be read in parts; of a log that reads whole values, these are there already. */
export async function* readPartially(log: Log, from: Cursor): AsyncIterable<PartialEntry> {
  if (log.readPartial) return yield* log.readPartial(from)
  for await (const { value, ...entry } of log.read(from, AbortSignal.abort()))
    yield { ...entry, length: value.length, readPart: async (at, bytes) => value.subarray(at, at + bytes) }
}

/** All entries of a partition that are committed now. */
export async function* readCommitted(log: Log, topic: string, partition = 0, from = 0n): AsyncIterable<Entry> {
  yield* log.read({ topic, partition, offset: from }, AbortSignal.abort())
}
