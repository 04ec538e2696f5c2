import { HeadraceError } from '../../errors.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { isCode } from '../../kafka/errors.ts'
import { type Fetch, fetchCommitted, offsetsOf } from '../../kafka/fetch.ts'
import type { Position } from '../log.ts'
import type { Names, Scope } from './names.ts'
import type { Write } from './transaction.ts'

/**
 * What a stage has finished, as one record of a compacted topic: all its positions, and which commit wrote it. It is written in each
 * commit's transaction, so the last one that is committed is the truth. Of a spread stage each partition has such a record, in the
 * partition of the topic with its number: what one owner has under way hides nothing of another's. Committed offsets of a group are
 * not: their metadata holds 4096 bytes where notes are larger, and the broker drops them when a group was idle for a week.
 */
export interface StageState {
  readonly positions: ReadonlyMap<number, Position>
  /** Names the commit: its owner's producer id and epoch, and a number. Empty before the first. */
  readonly commit: string
}

export const emptyState: StageState = Object.freeze({ positions: new Map(), commit: '' })

/** Partitions of a stage mostly share a note, so notes stand once. */
export function encodeState({ positions, commit }: StageState): Buffer {
  const notes = [...new Set([...positions.values()].map(({ note }) => note))]
  const rows = [...positions.values()].map(({ partition, offset, slot, note }) => ({
    partition,
    offset: String(offset),
    slot,
    note: notes.indexOf(note),
  }))
  return Buffer.from(JSON.stringify({ commit, positions: rows, notes }))
}

export function decodeState(value: Uint8Array, where: string): StageState {
  try {
    const { commit, positions, notes } = JSON.parse(Buffer.from(value).toString()) as {
      commit: string
      positions: { partition: number; offset: string; slot: number; note: number }[]
      notes: string[]
    }
    const list = positions.map(row => ({ ...row, offset: BigInt(row.offset), note: notes[row.note] }))
    return { commit, positions: new Map(list.map(position => [position.partition, position])) }
  } catch {
    throw new HeadraceError(
      'corrupt',
      `${where} holds a record that Headrace did not write: no other program may write there`,
    )
  }
}

export function stateWrite(names: Names, { stage, partition = 0 }: Scope, state: StageState): Write {
  return {
    topic: names.positions(stage),
    partition,
    // Compaction keeps the last record of a key in each partition by itself.
    key: Buffer.from(stage),
    headers: {},
    value: encodeState(state),
  }
}

/**
 * Waits while a commit of an owner is being made visible. A broker answers when it has decided a commit and marks the partitions
 * after it, one by one: between the two a reader would see one partition with it and another without.
 */
export async function settle(cluster: Cluster, names: Names, scope: Scope): Promise<void> {
  const id = names.transaction(scope)
  await cluster.retry(async () => {
    if ((await transactionState(cluster, id)) === 'PrepareCommit')
      throw Object.assign(new Error(id), { apiId: 'CONCURRENT_TRANSACTIONS' })
  })
}

async function transactionState(cluster: Cluster, id: string): Promise<string> {
  const node = await cluster.coordinator('transaction', id)
  try {
    const { transactionStates } = await cluster.call(node, cluster.requests.describeTransactions, [[id]])
    return transactionStates[0].transactionState
  } catch (error) {
    // Nobody owned the stage yet, or not for so long that the broker forgot it.
    if (isCode(error, 'TRANSACTIONAL_ID_NOT_FOUND')) return 'Empty'
    throw error
  }
}

/** The last committed state. Looks back from the end: what lies before it was replaced. */
export async function readState(cluster: Cluster, names: Names, scope: Scope): Promise<StageState> {
  const { stage, partition = 0 } = scope
  const topic = names.positions(stage)
  if (!(await cluster.topic(topic))) return emptyState
  const { first, next } = await offsetsOf(cluster, topic, partition)
  for (let back = 4n; ; back *= 8n) {
    const from = next - first < back ? first : next - back
    const last = await lastRecord(cluster, { topic, partition, from }, next)
    if (last) return decodeState(last, topic)
    if (from === first) return emptyState
  }
}

async function lastRecord(cluster: Cluster, fetch: Fetch, end: bigint): Promise<Uint8Array | null> {
  let last: Uint8Array | null = null
  for (let at = fetch.from; at < end; ) {
    const { records, next } = await cluster.retry(() => fetchCommitted(cluster, { ...fetch, from: at }))
    last = records.at(-1)?.value ?? last
    at = next
  }
  return last
}
