import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Append, Entry, Owner, Position, SpreadLog } from '../../log/log.ts'
import { annotatedAppends } from '../annotated.ts'
import { type RunContext, topics } from '../context.ts'
import { slotAppend } from '../slots.ts'
import { decodeRaw } from './raw.ts'

/** A context whose log shares out partitions. */
export interface SpreadContext extends RunContext {
  readonly log: SpreadLog
}

interface InFlight {
  readonly slot: number
  readonly offset: bigint
  readonly isEnd: boolean
  readonly result: Promise<readonly Append[]>
  isSettled: boolean
}

/**
 * Annotates a partition of a spread run: slot by slot from `raw`, measured by the pool in any order, committed in the order of slots.
 * Ends after the `end` slot, or, once `stop` aborts, when what was begun is committed. `slotsMax`: how many slots to hold at once.
 */
export async function annotatePartition(
  context: SpreadContext,
  partition: number,
  stop: AbortSignal,
  slotsMax: () => number,
): Promise<void> {
  const { log, failed } = context
  await using owner = await log.ownPartition('annotate', partition)
  const position = await log.position('annotate', partition)
  if (hasEnded(position)) return
  const over = new AbortController()
  const signal = AbortSignal.any([stop, over.signal])
  const entries = log.read({ topic: topics.raw, partition, offset: position.offset }, signal)[Symbol.asyncIterator]()
  const window: InFlight[] = []
  let next = Math.max(position.slot, partition)
  try {
    let reading: Promise<IteratorResult<Entry>> | null = stop.aborted ? null : readNext(entries)
    while (reading || window.length > 0) {
      failed.throwIfAborted()
      if (window.length > 0 && (!reading || window.length >= slotsMax() || !(await isFirst(reading, window[0])))) {
        await commitReady(context, owner, partition, window)
        continue
      }
      const { done, value } = await reading!
      const isLast = done || stop.aborted || value.headers.end === '1'
      reading = isLast ? null : readNext(entries)
      if (done || stop.aborted) continue
      checkEntry(context, value, next)
      window.push(begin(context, value, next))
      next += context.shape.partitions
    }
  } finally {
    // A read that waits for what is loaded next ends before the reader can be closed.
    over.abort()
    await entries.return?.()
  }
}

/** Whether a partition's position is behind its `end` slot. */
export function hasEnded({ note }: Position): boolean {
  return note !== '' && JSON.parse(note).ended === true
}

function readNext(entries: AsyncIterator<Entry>): Promise<IteratorResult<Entry>> {
  const reading = entries.next()
  // A failure is met when it is waited for.
  reading.catch(() => {})
  return reading
}

/** Whether the next entry is there before the oldest slot in flight is done. */
function isFirst(reading: Promise<unknown>, { result }: InFlight): Promise<boolean> {
  return Promise.race([reading.then(() => true), result.then(() => false)])
}

function checkEntry({ plan }: RunContext, { headers, partition }: Entry, expected: number): void {
  if (Number(headers.slot) !== expected)
    throw new HeadraceError(
      'corrupt',
      `${topics.raw}/${partition}: slot ${expected} was expected and ${headers.slot} came: a commit was lost or doubled; replay the run's input as another run`,
    )
  if (headers.end !== '1' && headers.fingerprint !== plan.annotateFingerprint)
    throw new HeadraceError(
      'bad-pipeline',
      `slot ${headers.slot} was loaded for another pipeline than this process has: start it with the pipeline of the run`,
    )
}

function begin(context: RunContext, { headers, offset, value }: Entry, slot: number): InFlight {
  const { partitions } = context.shape
  const isEnd = headers.end === '1'
  const result = isEnd
    ? Promise.resolve([slotAppend(topics.scored, slot, partitions, new Uint8Array(0), { end: '1' })])
    : annotatedAppends(context, slot, decodeRaw(value))
  const entry = { slot, offset, isEnd, result, isSettled: false }
  const settle = () => {
    entry.isSettled = true
  }
  entry.result.then(settle, settle)
  return entry
}

/** Commits the oldest slot in flight and all that are ready behind it. */
async function commitReady(context: RunContext, owner: Owner, partition: number, window: InFlight[]): Promise<void> {
  const appends: Append[] = []
  let bytes = 0
  let last: InFlight
  do {
    last = window[0]
    const result = await last.result
    window.shift()
    bytes += result.reduce((sum, { value }) => sum + value.length, 0)
    appends.push(...result)
  } while (window[0]?.isSettled && bytes < limits.commitBytesMax / 2)
  context.failed.throwIfAborted()
  const slot = last.slot + context.shape.partitions
  const note = last.isEnd ? JSON.stringify({ ended: true }) : ''
  await owner.commit({ positions: [{ partition, offset: last.offset + 1n, slot, note }], appends })
}
