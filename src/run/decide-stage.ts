import { join } from 'node:path'
import { decodeBatch, encodeBatch } from '../batch/ipc.ts'
import { missingColumn } from '../batch/rows.ts'
import type { State } from '../decide/state.ts'
import { openTables } from '../decide/tables.ts'
import { assert, HeadraceError } from '../errors.ts'
import type { Append, Position } from '../log/log.ts'
import { stageFields } from '../pipeline/plan.ts'
import { choiceAppend, chooseFrom } from './choices.ts'
import { type RunContext, topics } from './context.ts'
import { decideSlot, keepAgain } from './decide.ts'
import { GuardRails, type SlotFates, type Trip } from './guard.ts'
import { addDeadSamples, clearPassed, heldError, writeHold } from './hold.ts'
import { listEntries } from './inbox.ts'
import { type DecideTotals, restoreTotals } from './progress.ts'
import { endAppends, isEnded, positionsAt, positionsOf, type SlotEntry, SlotReader, slotAppend } from './slots.ts'

/** Bytes of slots that are decided before they are committed together. Little, as their effect on the state is undone by a crash. */
const groupBytesMax = 8 * 1024 * 1024
/** And slots, as each read of one reads the header of its commit. */
const groupSlotsMax = 64

/**
 * The ordered stage that decides. It takes slots 0, 1, 2 ... as they are committed, whoever measured them, and commits what was kept
 * and dropped with its position. Its tables are sealed after the log's commit, so they may lag and are caught up from the log.
 */
export async function runDecideStage(context: RunContext, upstreamDone: AbortSignal): Promise<void> {
  const { log, shape, progress } = context
  await using owner = await log.own('decide')
  const from = await positionsOf(log, 'decide', shape.partitions)
  context.checkOwner()
  await using state = await openState(context)
  checkDeciders(context, state)
  await catchUp(context, state, from)
  const note = from[0].note ? JSON.parse(from[0].note) : {}
  if (note.totals) progress.decide = restoreTotals(note.totals)
  progress.decided = from[0].slot
  const rails = new GuardRails(context.plan.guards, note.guards)
  let isWaiting = await clearPassed(context.dir, from[0].slot)
  if (isEnded(from)) return
  const reader = new SlotReader(log, topics.scored, from, upstreamDone)
  try {
    for (;;) {
      const { positions, appends, end, slot, held } = await decideGroup(context, reader, state, rails)
      if (slot !== null) {
        await owner.commit({ positions, appends })
        if (isWaiting) isWaiting = await clearPassed(context.dir, slot)
      }
      // The tables have the effect of the slot that is held, so they are not sealed: the next start brings them up to the log.
      if (held.length) {
        const hold = await writeHold(context.dir, held)
        context.watch?.({ kind: 'held', slot: hold.slot, trips: hold.trips })
        throw heldError(context.dir, hold)
      }
      if (slot === null) return
      await state.seal(slot)
      progress.decided = slot
      if (end) return
    }
  } finally {
    await reader.close()
  }
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
async function decideGroup(context: RunContext, reader: SlotReader, state: State, rails: GuardRails): Promise<Group> {
  const { plan, shape, progress } = context
  const appends: Append[] = []
  const positions = (ended: boolean) => {
    const guards = plan.guards.length ? rails.note() : undefined
    return reader.positions(JSON.stringify({ totals: progress.decide, ended, guards }))
  }
  let [bytes, slots] = [0, 0]
  let slot: number | null = null
  do {
    // A slot that is held must leave no trace in the note: with guards it is made before each.
    const before = plan.guards.length && slot !== null ? positions(false) : []
    const entry = await reader.next()
    context.failed.throwIfAborted()
    if (!entry) break
    if (entry.isEnd) {
      appends.push(...endAppends(topics.kept, entry.slot, shape.partitions))
      return { positions: positions(true), appends, end: true, slot: entry.slot + 1, held: [] }
    }
    const decided = decideEntry(context, entry, state, progress.decide)
    const { choices, held } = await judge(context, rails, entry.slot, decided.fates)
    if (held.length) return { positions: before, appends, end: false, slot, held }
    appends.push(...decided.appends, ...choices.map(choiceAppend))
    bytes += entry.value.length
    slot = entry.slot + 1
  } while (bytes < groupBytesMax && ++slots < groupSlotsMax && (await reader.isReady()))
  return { positions: positions(false), appends, end: false, slot, held: [] }
}

/** Counts a slot for the guard rails; what is outside its band is held, unless somebody has released it. */
async function judge({ dir, log }: RunContext, rails: GuardRails, slot: number, fates: SlotFates) {
  const trips = rails.add(slot, fates)
  const { choices, held } = chooseFrom(trips.length ? await listEntries(dir) : [], trips)
  for (const choice of choices) rails.release(choice)
  return { choices, held: held.length ? await addDeadSamples(log, slot, held) : held }
}

function decideEntry(
  context: RunContext,
  entry: SlotEntry,
  state: State,
  totals: DecideTotals,
): { appends: Append[]; fates: SlotFates } {
  const { plan, shape } = context
  const { batch: scored } = decodeBatch(entry.value)
  const { kept, drops } = decideSlot(plan, scored, entry.slot, state, totals)
  const dead = Number(entry.headers.dead)
  totals.documents += dead
  totals.dead += dead
  const headers = { fingerprint: plan.decideFingerprint }
  const appends = [
    slotAppend(topics.kept, entry.slot, shape.partitions, encodeBatch(kept), { ...headers, rows: String(kept.rows) }),
  ]
  if (drops.rows)
    appends.push({
      topic: topics.drops,
      partition: 0,
      headers: { ...headers, slot: String(entry.slot) },
      value: encodeBatch(drops),
    })
  return { appends, fates: { scored, drops, dead } }
}

function openState(context: RunContext): Promise<State> {
  const shapes = context.plan.deciders.flatMap(decider => decider.tables)
  return openTables({
    path: join(context.dir, 'state', 'decide.tables'),
    shapes,
    identity: context.plan.stateFingerprint,
  })
}

/** Binds every decider to a batch without rows, so that one that does not fit the columns fails before any work. */
function checkDeciders({ plan }: RunContext, state: State): void {
  const columns = Object.fromEntries(
    [...plan.fields, ...stageFields].map(field => [field.name, missingColumn(field, 0)]),
  )
  for (const decider of plan.deciders) {
    try {
      decider.open({ rows: 0, columns }, 0, state)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new HeadraceError(
        'bad-pipeline',
        `decider '${decider.name}' does not fit the annotators before it: ${error.message}`,
        error,
      )
    }
  }
}

/**
 * Brings tables that lag behind the log up to it: what the log says was kept is entered again, without writing. Whatever rules dropped
 * the others then need not be known any more.
 */
async function catchUp(context: RunContext, state: State, to: readonly Position[]): Promise<void> {
  const { log, shape, plan } = context
  const target = to[0].slot
  if (state.slot() > target)
    throw new HeadraceError(
      'corrupt',
      `the state in ${context.dir} holds slots before ${state.slot()} and the log only those before ${target}: an older log was put beside it; delete ${join(context.dir, 'state')} to rebuild it from the log`,
    )
  if (state.slot() === target) return
  const readFrom = async (topic: string) => {
    const from = await positionsAt(log, topic, shape.partitions, state.slot())
    return new SlotReader(log, topic, from, AbortSignal.abort())
  }
  const [scored, kept] = [await readFrom(topics.scored), await readFrom(topics.kept)]
  for (let entry = await scored.next(); entry && entry.slot < target; entry = await scored.next()) {
    const decided = await kept.next()
    assert(decided?.slot === entry.slot, `slot ${entry.slot} is decided and not in ${topics.kept}`)
    if (!entry.isEnd)
      keepAgain(plan, decodeBatch(entry.value).batch, decodeBatch(decided.value).batch, entry.slot, state)
    await state.seal(entry.slot + 1)
  }
  await Promise.all([scored.close(), kept.close()])
}
