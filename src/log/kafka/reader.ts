import type { Cluster, Lane } from '../../kafka/cluster.ts'
import { isCode } from '../../kafka/errors.ts'
import { fetchCommitted } from '../../kafka/fetch.ts'
import type { Committed, StoredRecord } from '../../kafka/records.ts'
import { trimmedError } from '../errors.ts'
import type { Cursor, Entry } from '../log.ts'

/** Of the first fetch, which nothing is fetched beside: many who read want one entry. A broker gives a larger batch whole. */
const firstBytesMax = 64 * 1024
/** How long a broker holds a fetch that has nothing to answer. */
const waitMs = 500

export interface Reading {
  readonly cluster: Cluster
  /** Kafka's name of the topic. */
  readonly topic: string
  readonly from: Cursor
  /** Bounds of the partition with all that was committed before the call. */
  bounds(): Promise<{ readonly first: bigint; readonly next: bigint }>
  readonly bytesMax?: number
}

/**
 * Entries of a partition, as the port's `read` promises them. One response is handed out while the next is fetched. The end is exact:
 * when `signal` aborts the committed end is asked for, and reached, by what was handed out, not by what was fetched.
 */
export async function* readPartition(reading: Reading, signal: AbortSignal): AsyncIterable<Entry> {
  const { cluster, from } = reading
  const lane = cluster.lane()
  let next = from.offset
  let end: bigint | null = null
  let fetching: Promise<Committed> | null = null
  try {
    for (let isFirst = true; ; isFirst = false) {
      if (signal.aborted && end === null) end = await endOf(reading, next)
      if (end !== null && next >= end) return
      fetching ??= fetchNext(isFirst ? { ...reading, bytesMax: firstBytesMax } : reading, next, lane, signal)
      if (!(await isDone(fetching, signal, end))) continue
      const { records, next: after }: Committed = await fetching
      fetching = isFirst || (end !== null && after >= end) ? null : fetchNext(reading, after, lane, signal)
      for (const record of records) yield entryOf(from, record)
      next = after
    }
  } finally {
    // A request on its way would hold up the lane's next user.
    if (!fetching) cluster.keepLane(lane)
    else
      fetching.then(
        () => cluster.keepLane(lane),
        () => cluster.keepLane(lane),
      )
  }
}

/** Waits for a fetch; false when the signal aborted first and the end is not known yet. */
function isDone(fetching: Promise<Committed>, signal: AbortSignal, end: bigint | null): Promise<boolean> {
  if (end !== null || signal.aborted) return Promise.resolve(end !== null)
  return new Promise((resolve, reject) => {
    const stop = () => resolve(false)
    signal.addEventListener('abort', stop)
    fetching.then(() => resolve(true), reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

async function endOf({ bounds, from }: Reading, next: bigint): Promise<bigint> {
  const { first, next: end } = await bounds()
  if (next < first) throw trimmedError(from, next, first)
  return end
}

function fetchNext(reading: Reading, from: bigint, lane: Lane, signal: AbortSignal): Promise<Committed> {
  const { cluster, topic, bytesMax } = reading
  const { partition } = reading.from
  const wait = signal.aborted ? 0 : waitMs
  const fetch = { topic, partition, from, waitMs: wait, lane, ...(bytesMax && { bytesMax }) }
  const fetched = cluster
    .retry(() => fetchCommitted(cluster, fetch))
    .catch(async error => {
      if (!isCode(error, 'OFFSET_OUT_OF_RANGE')) throw error
      // Below the first offset it was trimmed; above the last one it is still to come. It is never set to another.
      await endOf(reading, from)
      await new Promise(resolve => setTimeout(resolve, wait / 5))
      return { records: [], next: from }
    })
  // A rejection that nobody waits for would end the process; whoever does wait still gets it.
  fetched.catch(() => {})
  return fetched
}

function entryOf({ topic, partition }: Cursor, { offset, headers, value }: StoredRecord): Entry {
  // A copy: the response holds other entries too.
  return { topic, partition, offset, headers, value: new Uint8Array(value) }
}
