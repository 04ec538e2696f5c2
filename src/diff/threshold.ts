import type { Rule } from '../annotate/annotator.ts'
import type { RecordedReasons } from '../record/reasons.ts'
import { type RunFile, segmentAt } from '../record/run-file.ts'

/** What a run says of the threshold of a reason. */
export type Threshold =
  | { readonly known: true; readonly rules: readonly Rule[] }
  /** The similarity from which on a document is a copy. */
  | { readonly known: true; readonly similarity: number }
  /** `why`: an older version did not record it, or this reason has none. */
  | { readonly known: false; readonly why: 'not-recorded' | 'none' }

/** The threshold of a reason for the documents of a slot. */
export function thresholdOf({ segments }: RunFile, slot: number, reason: string): Threshold {
  const { reasons } = segmentAt(segments, slot)
  const rules = reasons ? rulesOf(reasons).filter(rule => rule.reason === reason) : []
  if (rules.length > 0) return { known: true, rules }
  const decider = reasons?.deciders?.find(({ reasons }) => reasons.includes(reason))
  const similarity = decider?.options.similarity
  if (typeof similarity === 'number') return { known: true, similarity }
  return { known: false, why: reasons?.deciders ? 'none' : 'not-recorded' }
}

/** All rules; one that stands at a gate and at the end is one. */
function rulesOf({ steps, rules }: RecordedReasons): Rule[] {
  const all = [...steps.flatMap(step => ('gate' in step ? step.gate : [])), ...rules]
  return [...new Map(all.map(rule => [JSON.stringify(rule), rule])).values()]
}

/**
 * How far a value lies beyond a threshold, in the value's own unit: positive where it removes the document. Null where that is no number:
 * of lists, or where several columns have rules for one reason.
 */
export function distanceBeyond(threshold: Threshold, value: number | string | null): number | null {
  if (!threshold.known || typeof value !== 'number') return null
  if ('similarity' in threshold) return value - threshold.similarity
  if (new Set(threshold.rules.map(({ column }) => column)).size !== 1) return null
  const distances = threshold.rules.flatMap(({ below, above }) => [
    ...(below === undefined ? [] : [below - value]),
    ...(above === undefined ? [] : [value - above]),
  ])
  return distances.length ? Math.max(...distances) : null
}

/** The one column that the rules of a threshold are about, or null. */
export function columnOf(threshold: Threshold): string | null {
  if (!threshold.known || 'similarity' in threshold) return null
  const columns = new Set(threshold.rules.map(({ column }) => column))
  return columns.size === 1 ? [...columns][0] : null
}
