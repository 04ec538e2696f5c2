import type { Plan } from '../../pipeline/plan.ts'
import { topics } from '../../record/layout.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { decodeScored, textLengths, withoutTexts } from '../../record/scored.ts'
import { readSlot } from '../../record/slots.ts'
import { annotateStored } from '../measure/stored-slot.ts'
import type { SegmentPlan } from './replay-plan.ts'

/** Slots that are tried: one in each third of a segment, as corpora are seldom mixed. */
const triesMax = 3

/** What some slots of a segment took, which a replay of the others may be guessed by. */
export interface Sample {
  readonly slots: number
  /** Bytes of `scored` as they stand in the log, and of texts, of a slot. */
  readonly logBytes: number
  readonly textBytes: number
  /** Seconds of one thread that measuring a slot takes; null where records of the source are needed, which are not read to guess. */
  readonly seconds: number | null
}

/** Tries what a replay would measure on some of the slots `[from, to)` of a segment, and keeps nothing. */
export async function sampleReplay(
  plan: Plan,
  reader: RunReader,
  segment: SegmentPlan,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Sample> {
  const tries = Math.min(triesMax, to - from)
  const tried = { logBytes: 0, textBytes: 0, seconds: 0 }
  const isTimed = segment.kind !== 'anew' && segment.whySource === null
  for (let i = 0; i < tries; i++) {
    const slot = from + Math.floor(((i + 0.5) * (to - from)) / tries)
    const entry = await readSlot(reader.log, topics.scored, reader.run.partitions, slot)
    // As a replay gets it: texts that the run does not store may still be there.
    const value = withoutTexts(entry!.value)
    const scored = decodeScored(value)
    tried.logBytes += value.length
    tried.textBytes += textLengths(scored)[scored.rows]
    if (isTimed && segment.kind === 'stored') tried.seconds += await timeMeasuring(plan, segment, value)
  }
  const { logBytes, textBytes, seconds } = tried
  return {
    slots: tries,
    logBytes: logBytes / tries,
    textBytes: textBytes / tries,
    seconds: isTimed ? seconds / tries : null,
  }
}

/** Seconds of the second of two goes: the first loads models and compiles. */
async function timeMeasuring(plan: Plan, { before }: SegmentPlan, value: Uint8Array): Promise<number> {
  const measure = () => annotateStored(plan, { value, dead: null, before, base: null }, [], null, () => {})
  await measure()
  const started = process.cpuUsage()
  await measure()
  const { user, system } = process.cpuUsage(started)
  return (user + system) / 1e6
}
