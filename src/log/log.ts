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

/** All entries of a partition that are committed now. */
export async function* readCommitted(log: Log, topic: string, partition = 0, from = 0n): AsyncIterable<Entry> {
  yield* log.read({ topic, partition, offset: from }, AbortSignal.abort())
}
