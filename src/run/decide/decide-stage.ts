import { decodeBatch, encodeBatch } from '../../batch/arrow/ipc.ts'
import type { State } from '../../decide/state.ts'
import type { HeadraceError } from '../../errors.ts'
import type { Append, Owner, Position } from '../../log/log.ts'
import { choiceAppend, chooseFrom } from '../../record/choices.ts'
import { addDeadSamples, clearPassed, heldError, writeHold } from '../../record/hold.ts'
import { topics } from '../../record/layout.ts'
import { readDecideNote } from '../../record/notes.ts'
import { listReleases } from '../../record/release.ts'
import { endAppends, positionsOf, type SlotEntry, SlotReader, slotAppend } from '../../record/slots.ts'
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
  await catchUpTo(context, state, from[0].slot)
  const note = readDecideNote(from[0])
  lead.report('decide', from[0].slot)
  let isWaiting = await clearPassed(dir, from[0].slot)
  if (note.ended) return
  const reader = new SlotReader(log, topics.scored, from, upstreamDone)
  const rails = new GuardRails(plan.guards, note.guards)
  const counts = new SlotCounts(note.totals)
  try {
    for (;;) {
      const group = await decideGroup({ context, reader, state, rails, counts })
      const { positions, appends, slot } = group
      if (slot !== null) {
        await owner.commit({ positions, appends })
        if (isWaiting) isWaiting = await clearPassed(dir, slot)
      }
      // The tables have the effect of the slot that is held, so they are not sealed: the next start brings them up to the log.
      if (group.held.length) throw await hold(context, group.held)
      if (slot === null) return
      await state.seal(slot)
      onSealed(slot)
      lead.report('decide', slot)
      if (group.end) return
    }
  } finally {
    await reader.close()
  }
}

async function hold({ dir, watch }: RunContext, trips: readonly Trip[]): Promise<HeadraceError> {
  const written = await writeHold(dir, trips)
  watch({ kind: 'held', slot: written.slot, trips: written.trips })
  return heldError(dir, written)
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
  readonly positions: Position[]
  readonly appends: Append[]
  readonly end: boolean
  /** The slot after the last, or null when there is none. */
  readonly slot: number | null
  /** What holds the slot after the last, where guard rails do. */
  readonly held: readonly Trip[]
}

/** Decides the next slot and those that are ready behind it. */
async function decideGroup(deciding: Deciding): Promise<Group> {
  const { context, reader, rails, counts } = deciding
  const { totals } = counts
  const { plan, shape, failed } = context
  const appends: Append[] = []
  const positions = (ended: boolean) => {
    const guards = plan.guards.length ? rails.note() : undefined
    return reader.positions(JSON.stringify({ totals, ended, guards }))
  }
  let bytes = 0
  let slots = 0
  let slot: number | null = null
  do {
    // A slot that is held must leave no trace in the note: with guards it is made before each.
    const before = plan.guards.length && slot !== null ? positions(false) : []
    const entry = await reader.next()
    failed.throwIfAborted()
    if (!entry) break
    if (entry.isEnd) {
      appends.push(...endAppends(topics.kept, entry.slot, shape.partitions))
      return { positions: positions(true), appends, end: true, slot: entry.slot + 1, held: [] }
    }
    const decided = decideEntry(deciding, entry)
    const { choices, held } = await judge(context, rails, entry.slot, decided.fates)
    if (held.length) return { positions: before, appends, end: false, slot, held }
    appends.push(...decided.appends, ...choices.map(choiceAppend))
    bytes += entry.value.length
    slot = entry.slot + 1
  } while (bytes < groupBytesMax && ++slots < groupSlotsMax && (await reader.isReady()))
  return { positions: positions(false), appends, end: false, slot, held: [] }
}

/** Counts a slot for the guard rails; what is outside its band is held, unless somebody has released it. */
async function judge(context: RunContext, rails: GuardRails, slot: number, fates: SlotFates) {
  const trips = rails.add(slot, fates)
  const { choices, held } = chooseFrom(trips.length ? await listReleases(context.dir) : [], trips)
  for (const choice of choices) rails.release(choice)
  return { choices, held: held.length ? await addDeadSamples(context, slot, held) : held }
}

function decideEntry(
  { context: { plan, shape }, state, counts }: Deciding,
  { slot, value, headers }: SlotEntry,
): { appends: Append[]; fates: SlotFates } {
  const { batch: scored } = decodeBatch(value)
  const { kept, drops } = decideSlot(plan, scored, slot, state, counts)
  const dead = Number(headers.dead)
  counts.totals.documents += dead
  counts.totals.dead += dead
  const fingerprint = plan.decideFingerprint
  const rows = String(kept.rows)
  const appends = [slotAppend(topics.kept, slot, shape.partitions, encodeBatch(kept), { fingerprint, rows })]
  if (drops.rows)
    appends.push({
      topic: topics.drops,
      partition: 0,
      headers: { fingerprint, slot: String(slot) },
      value: encodeBatch(drops),
    })
  return { appends, fates: { scored, drops, dead } }
}
