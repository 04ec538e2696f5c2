import { HeadraceError } from '../../errors.ts'
import type { Append, Entry, Owner, SpreadLog } from '../../log/log.ts'
import { topics } from '../../record/layout.ts'
import { isEnded } from '../../record/notes.ts'
import { slotAppend } from '../../record/slots.ts'
import type { RunContext } from '../context.ts'
import { type PendingSlot, SlotWindow } from '../load/slot-window.ts'
import { finishSlot } from '../measure/slot-work.ts'
import { watchOwner } from '../own-stage.ts'
import { decodeRaw } from './raw.ts'

/** A context whose log shares out partitions. */
export interface SpreadContext extends RunContext {
  readonly log: SpreadLog
}

interface AnnotatingSlot extends PendingSlot {
  readonly slot: number
  readonly offset: bigint
  readonly isEnd: boolean
}
type Window = SlotWindow<AnnotatingSlot>

/**
 * Annotates a partition of a spread run: slots from `raw`, measured by the pool in any order, committed in their own. Ends after the `end`
 * slot, or, once `stop` aborts, when what was begun is committed. `slotsMax`: how many slots to hold at once.
 */
export async function annotatePartition(
  context: SpreadContext,
  partition: number,
  stop: AbortSignal,
  slotsMax: () => number,
): Promise<void> {
  const { log, failed } = context
  await using owner = watchOwner(await log.ownPartition('annotate', partition), 'annotate', context)
  const position = await log.position('annotate', partition)
  if (isEnded([position])) return
  const over = new AbortController()
  const signal = AbortSignal.any([stop, over.signal])
  const entries = log.read({ topic: topics.raw, partition, offset: position.offset }, signal)[Symbol.asyncIterator]()
  const window = new SlotWindow<AnnotatingSlot>()
  let next = Math.max(position.slot, partition)
  try {
    let reading: Promise<IteratorResult<Entry>> | null = stop.aborted ? null : readNext(entries)
    while (reading || window.length > 0) {
      failed.throwIfAborted()
      if (window.length > 0 && (!reading || window.length >= slotsMax() || !(await isFirst(reading, window.oldest)))) {
        await commitReady(context, owner, partition, window)
        continue
      }
      const { done, value } = await reading!
      const isLast = done || stop.aborted || value.headers.end === '1'
      reading = isLast ? null : readNext(entries)
      if (done || stop.aborted) continue
      checkEntry(context, value, next)
      const { offset, headers } = value
      window.push({ slot: next, offset, isEnd: headers.end === '1', result: encode(context, value, next) })
      next += context.shape.partitions
    }
  } finally {
    // A read that waits for what is loaded next ends before the reader can be closed.
    over.abort()
    await entries.return?.()
  }
}

function readNext(entries: AsyncIterator<Entry>): Promise<IteratorResult<Entry>> {
  const reading = entries.next()
  // A failure is met when it is waited for.
  reading.catch(() => {})
  return reading
}

/** Whether the next entry is there before the oldest slot in flight is done. */
function isFirst(reading: Promise<unknown>, { result }: PendingSlot): Promise<boolean> {
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
  // Which texts stay is in no fingerprint.
  const { texts = 'all' } = headers
  if (headers.end !== '1' && texts !== plan.storedText)
    throw new HeadraceError(
      'bad-pipeline',
      `slot ${headers.slot} was loaded by a pipeline with store({ text: '${texts}' }), and this process has '${plan.storedText}': start it with the pipeline of the run`,
    )
}

/** A slot's entries: its rows, measured, or the `end` as it came. */
async function encode(context: RunContext, { headers, value }: Entry, slot: number): Promise<Append[]> {
  if (headers.end !== '1') return finishSlot(context, slot, decodeRaw(value))
  return [slotAppend(topics.scored, slot, context.shape.partitions, new Uint8Array(0), { end: '1' })]
}

/** Commits the oldest slot in flight and all that are ready behind it. */
async function commitReady(context: RunContext, owner: Owner, partition: number, window: Window): Promise<void> {
  const { slots, appends } = await window.takeReady()
  const last = slots.at(-1)!
  context.failed.throwIfAborted()
  const slot = last.slot + context.shape.partitions
  const note = last.isEnd ? JSON.stringify({ ended: true }) : ''
  await owner.commit({ positions: [{ partition, offset: last.offset + 1n, slot, note }], appends })
}
