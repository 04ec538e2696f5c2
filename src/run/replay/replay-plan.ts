import { HeadraceError } from '../../errors.ts'
import { fingerprintSource } from '../../pipeline/fingerprint.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { RunFile, Segment } from '../../record/run-file.ts'
import {
  isBegun,
  type MeasuredBefore,
  type Measuring,
  needsTexts,
  planReuse,
  planRows,
  type Reuse,
} from '../measure/reuse.ts'
import { measuredWithoutTexts } from './source-texts.ts'

/** How the slots of a segment of the run that is replayed are got. */
export interface SegmentPlan {
  /** The first slot. It goes up to the next one's. */
  readonly from: number
  /** Every column is as it was; some hold, of each row those that it has; or nothing is known to hold. */
  readonly kind: 'same' | 'stored' | 'anew'
  readonly before: MeasuredBefore
  /** Rows by the steps that they went through, where some columns hold: those that a gate stopped, and the others last. */
  readonly groups: readonly { readonly reached: number; readonly reuse: Reuse }[]
  /** Why records must be read again, in words; null where they need not. */
  readonly whySource: string | null
  /** Texts of kept documents that are wanted and stored nowhere are read again, once these are known. */
  readonly readsLate: boolean
  /** Records that an annotator failed on may be measured now, and must be read again. */
  readonly retriesFailed: boolean
}

/** Lays out a replay. Throws where an inexact annotator would be asked again what it has answered, unless `recompute` names it. */
export function planReplay(
  plan: Plan,
  { segments, storedText }: Pick<RunFile, 'segments' | 'storedText'>,
  recompute: readonly string[],
): SegmentPlan[] {
  const lacksTexts = storedText !== undefined
  const planned = segments.map(segment => planSegment(plan, segment, lacksTexts))
  for (const { before, groups, kind } of planned) {
    if (kind === 'anew' && before.origin === undefined) refuseUnknown(plan, recompute)
    for (const { reuse } of groups) refuseAskingAgain(reuse, recompute)
  }
  return planned
}

function planSegment(plan: Plan, { from, annotate, origin, reasons }: Segment, lacksTexts: boolean): SegmentPlan {
  const steps = reasons?.steps ?? []
  const isPrinted = steps.every(step => !('writes' in step) || step.prints !== undefined)
  const before: MeasuredBefore = { origin: isPrinted ? origin : undefined, steps, ...(lacksTexts && { lacksTexts }) }
  const none = { from, before, groups: [], whySource: null, readsLate: false, retriesFailed: false }
  // What is asked for when tokens are made would be another text than the one that was measured.
  const asksLate = lacksTexts && planReuse(plan, measuredWithoutTexts(plan)).isAskedAgain
  const wantsTexts = !lacksTexts || needsTexts(plan) || asksLate
  const readsLate = !wantsTexts && (plan.tokenizer !== null || plan.storedText === 'kept')
  if (annotate === plan.annotateFingerprint && (!lacksTexts || !wantsTexts)) return { ...none, kind: 'same', readsLate }
  if (before.origin === undefined)
    return {
      ...none,
      kind: 'anew',
      whySource: 'an older version began the run, which did not record of which pipeline each column is',
    }
  if (before.origin !== fingerprintSource(plan.source))
    return { ...none, kind: 'anew', whySource: 'the source makes documents in another way' }
  const isGate = (i: number) => 'gate' in steps[i]
  const reached = [...[...steps.keys()].filter(isGate), steps.length]
  const planGroups = (wants: boolean) =>
    reached.map(count => ({ reached: count, reuse: planRows(plan, before, count, wants) }))
  const first = planGroups(wantsTexts)
  const needed = first.find(({ reuse }) => reuse.fromSource.size > 0)
  // Where records are read again, texts come with them.
  const groups = needed ? planGroups(true) : first
  const columns = needed && [...needed.reuse.fromSource].join(', ')
  return {
    from,
    kind: 'stored',
    before,
    groups,
    whySource:
      columns === undefined
        ? null
        : `${columns} as it came in is not stored, and ${nameAll(needed!.reuse.measured) || 'the new run'} needs it`,
    readsLate: readsLate && !needed,
    // A record that failed on one of the same steps fails again.
    retriesFailed: !isBegun(plan, steps),
  }
}

const nameAll = (measured: readonly Measuring[]) => measured.map(one => one.annotator.name).join(', ')

function refuseUnknown(plan: Plan, recompute: readonly string[]): void {
  const asked = plan.steps.flatMap(step => ('annotator' in step && !step.annotator.exact ? [step.annotator] : []))
  const name = asked.find(one => !recompute.includes(one.name))?.name
  if (name === undefined) return
  throw new HeadraceError(
    'bad-pipeline',
    `'${name}' may answer otherwise each time, and the run that is replayed does not record whether its answers hold: add --recompute ${name} to ask it again`,
  )
}

/** What an inexact annotator has answered is read back, and never asked again unasked. */
function refuseAskingAgain({ measured }: Reuse, recompute: readonly string[]): void {
  const again = measured.find(
    ({ annotator: { exact, name }, wasAsked }) => !exact && wasAsked && !recompute.includes(name),
  )
  if (!again) return
  const { name, writes } = again.annotator
  throw new HeadraceError(
    'bad-pipeline',
    `'${name}' may answer otherwise each time, and what it has answered (${writes.map(field => field.name).join(', ')}) is needed and not stored: add --recompute ${name} to ask it again`,
  )
}
