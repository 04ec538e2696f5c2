import { encodePacked } from '../../batch/arrow/ipc.ts'
import type { Batch } from '../../batch/batch.ts'
import type { State } from '../../decide/state.ts'
import type { HeadraceError } from '../../errors.ts'
import type { Append, Commit, Owner, Position } from '../../log/log.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { choiceAppend, chooseFrom } from '../../record/choices.ts'
import { addDeadSamples, clearPassed, heldError, writeHold } from '../../record/hold.ts'
import { encodeKept } from '../../record/kept.ts'
import { topics } from '../../record/layout.ts'
import { NoteWriter, wholePosition } from '../../record/long-notes.ts'
import { type DecideNote, readDecideNote, splitDecideNote } from '../../record/notes.ts'
import { listReleases } from '../../record/release.ts'
import { decodeScored } from '../../record/scored.ts'
import { markKept, markOfEntry } from '../../record/sequel.ts'
import { endAppends, positionsOf, type SlotEntry, SlotReader, slotAppend } from '../../record/slots.ts'
import { bareOf } from '../../record/text-log.ts'
import type { Trip } from '../../record/trip.ts'
import type { RunContext } from '../context.ts'
import { decideSlot } from './decide-slot.ts'
import { catchUpTo, checkDeciders } from './decide-state.ts'
import { GuardRails, type SlotFates } from './guard-rails.ts'
import { SlotCounts } from './slot-counts.ts'

/** Most bytes and slots that are committed together: few bytes, as a crash undoes them, and few slots, as reading one reads its commit. */
const groupBytesMax = 8 * 1024 * 1024
const groupSlotsMax = 64

/**
 * The ordered stage that decides, for its owner. It takes slots 0, 1, 2 ... as they are committed and commits what was kept and dropped
 * with its position. Its tables are sealed after that, so they may lag, and are caught up from the log. `onSealed` is told how far they are.
 */
export async function decideAll(
  context: RunContext,
  owner: Owner,
  state: State,
  upstreamDone: AbortSignal,
  onSealed: (slot: number) => void,
): Promise<void> {
  const { log, shape, lead, plan, dir, watch } = context
  const from = await positionsOf(log, 'decide', shape.partitions)
  watch({ kind: 'stage-began', stage: 'decide', slot: from[0].slot, note: from[0].note })
  checkDeciders(context, state)
  await catchUpTo({ ...context, log: bareOf(log) }, state, from[0].slot)
  const committed = await wholePosition(log, 'decide', from[0])
  const note = readDecideNote(committed)
  lead.report('decide', from[0].slot)
  let isWaiting = await clearPassed(dir, from[0].slot)
  if (note.ended) return
  const readsTexts = plan.storedText === 'kept' || plan.deciders.some(({ reads }) => reads.includes('text'))
  await using reader = new SlotReader(readsTexts ? log : bareOf(log), topics.scored, from, upstreamDone)
  const rails = new GuardRails(plan.guards, note.guards)
  const notes = new NoteWriter('decide')
  const counts = new SlotCounts(note.totals, notes.changed)
  for (;;) {
    const group = await decideGroup({ context, reader, state, rails, counts })
    const { slot } = group
    if (slot !== null) {
      await owner.commit(commitOf(group, slot, notes))
      if (isWaiting) isWaiting = await clearPassed(dir, slot)
    }
    // The tables have the effect of the slot that is held, so they are not sealed: the next start brings them up to the log.
    if (group.held.length) throw await hold(context, group.held)
    if (slot === null) return
    await state.seal(slot, group.mark)
    onSealed(slot)
    lead.report('decide', slot)
    if (group.end) return
  }
}

async function hold({ dir, watch }: RunContext, trips: readonly Trip[]): Promise<HeadraceError> {
  const written = await writeHold(dir, trips)
  watch({ kind: 'held', slot: written.slot, trips: written.trips })
  return heldError(dir, written)
}

function commitOf({ positions, note, appends }: Group, slot: number, notes: NoteWriter): Commit {
  const noted = notes.write(slot, splitDecideNote(note))
  return { positions: positions.map(one => ({ ...one, note: noted.note })), appends: [...appends, ...noted.appends] }
}

/** What slots are decided with. */
interface Deciding {
  readonly context: RunContext
  readonly reader: SlotReader
  readonly state: State
  readonly rails: GuardRails
  readonly counts: SlotCounts
}

/** Slots to commit together. */
interface Group {
  readonly positions: readonly Position[]
  readonly note: DecideNote
  readonly appends: readonly Append[]
  readonly end: boolean
  /** The slot after the last, or null when there is none. */
  readonly slot: number | null
  /** Of the last slot; null where there is none. */
  readonly mark: number | null
  /** What holds the slot after the last, where guard rails do. */
  readonly held: readonly Trip[]
}

/** Decides the next slot and those that are ready behind it. */
async function decideGroup(deciding: Deciding): Promise<Group> {
  const { context, reader, rails, counts } = deciding
  const { totals } = counts
  const { plan, shape, failed } = context
  const appends: (Append | Promise<Append>)[] = []
  const reached = (ended: boolean) => {
    const guards = plan.guards.length ? rails.note() : undefined
    return { positions: reader.positions(''), note: { totals, ended, guards } }
  }
  let bytes = 0
  let slots = 0
  let slot: number | null = null
  const end = (group: Omit<Group, 'appends' | 'mark'>) => settleGroup(group, appends)
  do {
    // A slot that is held must leave no trace in the note: with guards it is made before each.
    const before = plan.guards.length && slot !== null ? keepApart(reached(false)) : reached(false)
    const entry = await reader.next()
    failed.throwIfAborted()
    if (!entry) break
    if (entry.isEnd) {
      appends.push(...endAppends(topics.kept, entry.slot, shape.partitions))
      return end({ ...reached(true), end: true, slot: entry.slot + 1, held: [] })
    }
    const decided = decideEntry(deciding, entry)
    const { choices, held } = await judge(context, rails, entry.slot, decided.fates)
    if (held.length) return end({ ...before, end: false, slot, held })
    appends.push(...decided.appends, ...choices.map(choiceAppend))
    bytes += entry.value.length
    slot = entry.slot + 1
  } while (bytes < groupBytesMax && ++slots < groupSlotsMax && (await reader.isReady()))
  return end({ ...reached(false), end: false, slot, held: [] })
}

/** The group with its entries, which were made side by side. */
async function settleGroup(
  group: Omit<Group, 'appends' | 'mark'>,
  pending: readonly (Append | Promise<Append>)[],
): Promise<Group> {
  const appends = await Promise.all(pending)
  const last = group.end ? undefined : appends.findLast(({ topic }) => topic === topics.kept)
  return { ...group, appends, mark: last ? markKept(last) : null }
}

/** The same, which what is counted later does not change. */
function keepApart({ positions, note }: Pick<Group, 'positions' | 'note'>): Pick<Group, 'positions' | 'note'> {
  const text = JSON.stringify(note)
  return {
    positions,
    get note() {
      return readDecideNote({ note: text })
    },
  }
}

/** Counts a slot for the guard rails; what is outside its band is held, unless somebody has released it. */
async function judge(context: RunContext, rails: GuardRails, slot: number, fates: SlotFates) {
  const trips = rails.add(slot, fates)
  const { choices, held } = chooseFrom(trips.length ? await listReleases(context.dir) : [], trips)
  for (const choice of choices) rails.release(choice)
  return { choices, held: held.length ? await addDeadSamples(context, slot, held) : held }
}

function decideEntry(
  { context, state, counts }: Deciding,
  entry: SlotEntry,
): { appends: (Append | Promise<Append>)[]; fates: SlotFates } {
  const { plan, shape } = context
  const { slot, headers } = entry
  const scored = decodeScored(entry.value)
  const { kept, drops } = decideSlot(plan, scored, slot, state, counts)
  const dead = Number(headers.dead)
  counts.totals.documents += dead
  counts.totals.dead += dead
  const fingerprint = plan.decideFingerprint
  const about = { fingerprint, rows: String(kept.rows), scored: markOfEntry(entry) }
  const appendOf = (value: Uint8Array) => slotAppend(topics.kept, slot, shape.partitions, value, about)
  const isWanted = kept.rows > 0 && storesKept(plan, headers, scored)
  const append = isWanted ? addTexts(context, entry, kept, appendOf) : appendOf(encodeKept(kept))
  // A failure is met with the slots that it is committed with.
  if (append instanceof Promise) append.catch(() => {})
  const appends = [append]
  if (drops.rows)
    appends.push({
      topic: topics.drops,
      partition: 0,
      headers: { fingerprint, slot: String(slot) },
      value: encodePacked(drops),
    })
  return { appends, fates: { scored, drops, dead } }
}

/** Whether what is kept of a slot takes its texts along: not where a run that this one refers to has them. */
function storesKept({ storedText }: Plan, { texts }: SlotEntry['headers'], scored: Batch): boolean {
  return storedText === 'kept' && (texts !== undefined || !scored.columns.text)
}

async function addTexts(
  { pool }: RunContext,
  { slot, value }: SlotEntry,
  kept: Batch,
  appendOf: (value: Uint8Array) => Append,
): Promise<Append> {
  return appendOf(await pool.keepTexts(slot, { scored: value, kept: encodeKept(kept) }))
}
