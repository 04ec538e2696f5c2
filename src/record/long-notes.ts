import { type Fields, isCount, isFields, isObjectOf, isRecordOf } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Append, type Log, type Position, readCommitted } from '../log/log.ts'
import { topics } from './layout.ts'
import { offsetOfSlot } from './slot-reader.ts'
import { emptyCounts } from './totals.ts'

/**
 * A note grows with the domains of a run, and each commit has one. Up to `limits.noteLengthMax` it stands in the position whole. Of a
 * longer one the position has what is no count by name; those are in a topic of the stage, `decide.notes` or `shard.notes`, in the same
 * commit: now and then all, and between those that changed. The position's `parts` says which entries they are, by the slots of their
 * positions. So a commit costs what is new, and a start reads no more than twice the note.
 */
export type NotedStage = 'decide' | 'shard'

/** Counts by name of a note, by what is counted. Names come from documents. */
export type NamedCounts = Readonly<Record<string, Readonly<Record<string, unknown>>>>
/** A note, and the same without its counts by name. */
export interface SplitNote {
  readonly note: object
  readonly brief: object
  readonly named: NamedCounts
}

/** Slots after which all counts are written again though few changed: trimming keeps what was written since. */
const wholeSlotsMax = 512

const topicOf = { decide: topics.decideNotes, shard: topics.shardNotes } as const

/** Names whose counts have changed since they were last written. */
export class ChangedNames {
  #names = new Map<string, Set<string>>()

  add(counted: string, name: string): void {
    const names = this.#names.get(counted) ?? new Set()
    this.#names.set(counted, names.add(name))
  }

  take(): ReadonlyMap<string, ReadonlySet<string>> {
    const taken = this.#names
    this.#names = new Map()
    return taken
  }
}

interface Parts {
  readonly from: number
  readonly to: number
}

/** Writes the notes of a stage, one a commit, for its owner. The first long one is written whole. */
export class NoteWriter {
  readonly changed = new ChangedNames()
  readonly #topic: string
  /** The entries of the last long note; null before there is one. */
  #parts: Parts | null = null
  #wholeLength = 0
  #changedLength = 0

  constructor(stage: NotedStage) {
    this.#topic = topicOf[stage]
  }

  /** The position's note, and what goes into the same commit. */
  write(slot: number, { note, brief, named }: SplitNote): { note: string; appends: Append[] } {
    const changed = this.changed.take()
    if (this.#parts === null) {
      const text = JSON.stringify(note)
      if (text.length <= limits.noteLengthMax) return { note: text, appends: [] }
    }
    const appends = this.#isWholeDue(slot) ? [this.#writeWhole(slot, named)] : this.#writeChanged(slot, named, changed)
    return { note: JSON.stringify({ ...brief, parts: this.#parts }), appends }
  }

  #isWholeDue(slot: number): boolean {
    return this.#parts === null || this.#changedLength > this.#wholeLength || slot - this.#parts.from >= wholeSlotsMax
  }

  #writeWhole(slot: number, named: NamedCounts): Append {
    const value = Buffer.from(JSON.stringify(named))
    this.#parts = { from: slot, to: slot }
    this.#wholeLength = value.length
    this.#changedLength = 0
    return { topic: this.#topic, partition: 0, headers: { slot: String(slot), whole: '1' }, value }
  }

  #writeChanged(slot: number, named: NamedCounts, changed: ReturnType<ChangedNames['take']>): Append[] {
    if (changed.size === 0) return []
    const value = Buffer.from(JSON.stringify(pickNames(named, changed)))
    this.#parts = { from: this.#parts!.from, to: slot }
    this.#changedLength += value.length
    return [{ topic: this.#topic, partition: 0, headers: { slot: String(slot), whole: '0' }, value }]
  }
}

function pickNames(named: NamedCounts, changed: ReturnType<ChangedNames['take']>): NamedCounts {
  const picked = emptyCounts<Record<string, unknown>>()
  for (const [counted, names] of changed) {
    picked[counted] = emptyCounts()
    for (const name of names) picked[counted][name] = named[counted][name]
  }
  return picked
}

/** The entries that a position's note needs, or null where it is whole. */
export function partsOf(note: string): Parts | null {
  // Most notes have none, and need not be parsed for that.
  if (!note.includes('"parts":')) return null
  const parts = parseFields(note)?.parts
  return isObjectOf({ from: isCount, to: isCount })(parts) ? (parts as Parts) : null
}

/** The position with its whole note. Throws 'corrupt' where the entries that it needs are not there. */
export async function wholePosition<P extends Pick<Position, 'note'>>(
  log: Log,
  stage: NotedStage,
  position: P,
): Promise<P> {
  const parts = partsOf(position.note)
  if (parts === null) return position
  const fold = new NoteFold(stage)
  const topic = topicOf[stage]
  for await (const entry of readCommitted(log, topic, 0, await offsetOfSlot(log, topic, 0, 1, parts.from))) {
    if (Number(entry.headers.slot) > parts.to) break
    fold.add(entry)
  }
  const note = fold.whole(position.note)
  if (note !== null) return { ...position, note }
  throw new HeadraceError(
    'corrupt',
    `${topic} does not hold what stage '${stage}' noted at slots ${parts.from} to ${parts.to}: restore the log from a copy, or replay its input as another run`,
  )
}

/** Makes whole notes from the entries of a stage, in their order. Entries of other topics are passed over. */
export class NoteFold {
  readonly #topic: string
  #named: Record<string, Record<string, unknown>> | null = null
  #parts: Parts = { from: -1, to: -1 }

  constructor(stage: NotedStage) {
    this.#topic = topicOf[stage]
  }

  /** Whether an entry with all counts came. */
  get hasBegun(): boolean {
    return this.#named !== null
  }

  add({ topic, headers, value }: Pick<Append, 'topic' | 'headers'> & { readonly value: Uint8Array | null }): void {
    if (topic !== this.#topic || value === null) return
    const slot = Number(headers.slot)
    const isWhole = headers.whole === '1'
    if (isWhole) this.#named = emptyCounts()
    if (this.#named === null) return
    for (const [counted, counts] of Object.entries(parseNamed(value, topic, slot)))
      this.#named[counted] = Object.assign(this.#named[counted] ?? emptyCounts(), counts)
    this.#parts = { from: isWhole ? slot : this.#parts.from, to: slot }
  }

  /** The whole note of a position whose entries came last, or null where they did not all come. */
  whole(note: string): string | null {
    const parts = partsOf(note)
    if (parts === null) return note
    const brief = parseFields(note)
    if (!brief || !this.#named || this.#parts.from !== parts.from || this.#parts.to !== parts.to) return null
    return JSON.stringify(joinNote(brief, this.#named))
  }
}

/** Of a sharding note, `domains` stands beside the totals; all other counts are totals. */
function joinNote({ parts, totals, ...brief }: Fields, { domains, ...counts }: NamedCounts): Fields {
  return { ...brief, ...(domains && { domains }), totals: { ...(totals as Fields), ...counts } }
}

function parseFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : null
  } catch {
    return null
  }
}

function parseNamed(value: Uint8Array, topic: string, slot: number): NamedCounts {
  const named = parseFields(Buffer.from(value).toString())
  if (isRecordOf(isFields)(named)) return named as NamedCounts
  throw new HeadraceError('corrupt', `${topic}: the entry of slot ${slot} is no note: restore the log from a copy`)
}
