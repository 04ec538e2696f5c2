import { join } from 'node:path'
import { decodeBatch, encodeBatch } from '../batch/ipc.ts'
import { missingColumn } from '../batch/rows.ts'
import type { State } from '../decide/state.ts'
import { openTables } from '../decide/tables.ts'
import { HeadraceError } from '../errors.ts'
import type { Append, Position } from '../log/log.ts'
import { stageFields } from '../pipeline/plan.ts'
import { type RunContext, topics } from './context.ts'
import { decideSlot } from './decide.ts'
import { type DecideTotals, emptyDecideTotals, restoreTotals } from './progress.ts'
import { endAppends, isEnded, positionsAt, positionsOf, type SlotEntry, SlotReader, slotAppend } from './slots.ts'

/** Bytes of slots that are decided before they are committed together. Little, as their effect on the state is undone by a crash. */
const groupBytesMax = 8 * 1024 * 1024
/** And slots, as each read of one reads the header of its commit. */
const groupSlotsMax = 64

/**
 * The ordered stage that decides. It takes slots 0, 1, 2 ... as they are committed, whoever measured them, and commits what was kept
 * and dropped with its position. Its tables are sealed after the log's commit, so they may lag and are caught up by deciding again.
 */
export async function runDecideStage(context: RunContext, upstreamDone: AbortSignal): Promise<void> {
  const { log, shape, progress } = context
  await using owner = await log.own('decide')
  const from = await positionsOf(log, 'decide', shape.partitions)
  await using state = await openState(context)
  checkDeciders(context, state)
  await catchUp(context, state, from)
  if (from[0].note) progress.decide = restoreTotals(JSON.parse(from[0].note).totals)
  progress.decided = from[0].slot
  if (isEnded(from)) return
  const reader = new SlotReader(log, topics.scored, from, upstreamDone)
  try {
    for (;;) {
      const { appends, end, slot } = await decideGroup(context, reader, state)
      if (slot === null) return
      const note = JSON.stringify({ totals: progress.decide, ended: end })
      await owner.commit({ positions: reader.positions(note), appends })
      await state.seal(slot)
      progress.decided = slot
      if (end) return
    }
  } finally {
    await reader.close()
  }
}

/** Decides the next slot and those that are ready behind it. `slot` is the one after the last, or null when there was none. */
async function decideGroup(
  context: RunContext,
  reader: SlotReader,
  state: State,
): Promise<{ appends: Append[]; end: boolean; slot: number | null }> {
  const appends: Append[] = []
  const { partitions } = context.shape
  let [bytes, slots] = [0, 0]
  let slot: number | null = null
  do {
    const entry = await reader.next()
    context.failed.throwIfAborted()
    if (!entry) break
    if (entry.isEnd) {
      appends.push(...endAppends(topics.kept, entry.slot, partitions))
      return { appends, end: true, slot: entry.slot + 1 }
    }
    appends.push(...decideEntry(context, entry, state, context.progress.decide))
    bytes += entry.value.length
    slot = entry.slot + 1
  } while (bytes < groupBytesMax && ++slots < groupSlotsMax && (await reader.isReady()))
  return { appends, end: false, slot }
}

function decideEntry(context: RunContext, entry: SlotEntry, state: State, totals: DecideTotals): Append[] {
  const { plan, shape } = context
  const { kept, drops } = decideSlot(plan, decodeBatch(entry.value).batch, entry.slot, state, totals)
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
  return appends
}

function openState(context: RunContext): Promise<State> {
  const shapes = context.plan.deciders.flatMap(decider => decider.tables)
  return openTables({
    path: join(context.dir, 'state', 'decide.tables'),
    shapes,
    identity: context.plan.decideFingerprint,
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

/** Brings tables that lag behind the log up to it: the same slots decided again, without writing. */
async function catchUp(context: RunContext, state: State, to: readonly Position[]): Promise<void> {
  const { log, shape } = context
  const target = to[0].slot
  if (state.slot() > target)
    throw new HeadraceError(
      'corrupt',
      `the state in ${context.dir} holds slots before ${state.slot()} and the log only those before ${target}: an older log was put beside it; delete ${join(context.dir, 'state')} to rebuild it from the log`,
    )
  if (state.slot() === target) return
  const from = await positionsAt(log, topics.scored, shape.partitions, state.slot())
  const reader = new SlotReader(log, topics.scored, from, AbortSignal.abort())
  for (let entry = await reader.next(); entry && entry.slot < target; entry = await reader.next()) {
    if (!entry.isEnd) decideEntry(context, entry, state, emptyDecideTotals())
    await state.seal(entry.slot + 1)
  }
  await reader.close()
}
