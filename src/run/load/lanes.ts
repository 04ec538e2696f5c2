import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { LanePosition, LoadPosition } from '../../record/notes.ts'
import type { ReadSplit } from '../../record/splits.ts'
import { deadWithin, rangesWithin } from '../../sources/line-ranges.ts'
import { type Chunk, offsetAtEnd, type ReadPosition, type Source, type Split } from '../../sources/source.ts'

export interface LoadedSlot {
  readonly chunks: readonly Chunk[]
  /** Where loading goes on once this slot is committed. */
  readonly after: LoadPosition
}

export const startLoadPosition = (lanes: number): LoadPosition => ({
  turn: 0,
  lanes: Array.from({ length: lanes }, (_, lane) => ({ split: lane, offset: 0, line: 1 })),
})

/** Splits by their number, of which those that no lane comes to any more may be gone. */
export type SplitRow = Pick<readonly Split[], 'length' | 'at'>

/** Whether a loader at this position is past the split with this number. */
export function isRead(index: number, { lanes }: LoadPosition): boolean {
  const { split, offset } = lanes[index % lanes.length]
  return split > index || (split === index && offset === offsetAtEnd)
}

/** What a chunk counts at least, so that dead or tiny files do not make a slot without end. */
const chunkBytesMin = 256

/** Cuts splits into slots. Split k belongs to lane k mod W; lanes give a slot each in turn, so slots depend on the source's files alone. */
export class Lanes {
  readonly #source: Source
  readonly #splits: SplitRow
  readonly #signal: AbortSignal
  readonly #lanes: Lane[]
  readonly #tell: (waiting: string) => void
  #read: ReadSplit[] = []
  #turn: number

  /**
   * `splits` may grow while this is in use. What `next` gives after `signal` aborted is cut short and must not be used. `tell` is told
   * what the source waits for.
   */
  constructor(
    source: Source,
    splits: SplitRow,
    from: LoadPosition,
    signal: AbortSignal,
    tell: (waiting: string) => void = () => {},
  ) {
    this.#source = source
    this.#splits = splits
    this.#signal = signal
    this.#tell = tell
    this.#turn = from.turn
    this.#lanes = from.lanes.map(position => ({ position, committed: position, chunks: null, ahead: null }))
  }

  /** The next slot, or null when no lane has more now. A lane without a further split is passed over. */
  async next(): Promise<LoadedSlot | null> {
    for (const lane of this.#lanes) lane.ahead ??= this.#fillAhead(lane)
    for (let tried = 0; tried < this.#lanes.length; tried++) {
      const lane = this.#lanes[this.#turn]
      this.#turn = (this.#turn + 1) % this.#lanes.length
      let filled = await lane.ahead!
      // Splits may have come since the lane was found empty.
      if (filled.chunks.length === 0) filled = await this.#fill(lane)
      lane.ahead = null
      // An empty one has gone past splits that ended where its last slot did, or had nothing.
      lane.committed = filled.after
      if (filled.chunks.length > 0) return { chunks: filled.chunks, after: this.position() }
    }
    return null
  }

  /** Where loading goes on after what `next` gave. */
  position(): LoadPosition {
    return { turn: this.#turn, lanes: this.#lanes.map(lane => lane.committed) }
  }

  /** Lets go of the splits that are being read. */
  async close(): Promise<void> {
    for (const { ahead, chunks } of this.#lanes) {
      await ahead?.catch(() => {})
      await chunks?.return?.()
    }
  }

  #fillAhead(lane: Lane): Promise<Filled> {
    const filled = this.#fill(lane)
    // Nobody waits for it yet: what it fails with is told when its turn comes.
    filled.catch(() => {})
    return filled
  }

  /** The splits that were read to their end since the last call: those of slots that are handed out, and of one ahead. */
  takeRead(): ReadSplit[] {
    const read = this.#read
    this.#read = []
    return read
  }

  /** Gathers chunks until they are about a slot; small files share one. */
  async #fill(lane: Lane): Promise<Filled> {
    const chunks: Chunk[] = []
    let bytes = 0
    while (bytes < limits.slotBytes / 2 && lane.position.split < this.#splits.length && !this.#signal.aborted) {
      lane.chunks ??= this.#readSplit(this.#splits.at(lane.position.split)!, lane.position)
      const { done, value } = await lane.chunks.next()
      if (done) {
        // A reader that the signal ended has not finished its split.
        if (this.#signal.aborted) break
        lane.chunks = null
        const { split: number, seen } = lane.position
        if (seen !== undefined) this.#read.push({ number, seen })
        lane.position = { split: lane.position.split + this.#lanes.length, offset: 0, line: 1 }
        continue
      }
      checkLines(value)
      chunks.push(value)
      bytes += Math.max(value.bytes.length, chunkBytesMin)
      lane.position = { split: lane.position.split, ...value.next }
    }
    return { chunks, after: lane.position }
  }

  /** The chunks of a split; of one that is read again, those with the records that are meant. */
  async *#readSplit(split: Split, from: ReadPosition): AsyncGenerator<Chunk> {
    const { again, stamp } = split
    if (!again) return yield* this.#source.read(split, from, this.#signal, this.#tell)
    const last = again.lines.at(-1)![1]
    for await (const chunk of this.#source.read({ name: again.of, stamp, again }, from, this.#signal, this.#tell)) {
      if (chunk.line > last) return
      const only = rangesWithin(again.lines, chunk.line, chunk.next.line)
      const dead = deadWithin(again.lines, chunk)
      if (only.length || dead.length) yield { ...chunk, dead, only }
    }
  }
}

function checkLines({ split, next }: Chunk): void {
  if (next.line - 1 <= limits.lineMax) return
  throw new HeadraceError(
    'limit',
    `${split} has more than ${limits.lineMax} records, the most of a file: cut it in parts`,
  )
}

interface Lane {
  /** How far it was read, which is one slot ahead of what was handed out. */
  position: LanePosition
  /** After the last slot that was handed out. */
  committed: LanePosition
  chunks: AsyncIterator<Chunk> | null
  ahead: Promise<Filled> | null
}

type Filled = { readonly chunks: Chunk[]; readonly after: LanePosition }
