import type { Rule } from '../annotate/annotator.ts'
import { documentFields } from '../batch/contract.ts'
import type { RecordedReasons } from '../record/reasons.ts'
import type { RunReader } from '../record/run-reader.ts'

/** A threshold in words: `gopherWords < 50`. */
export function describeRule({ column, below, above, oneOf, noneOf }: Rule): string {
  const parts = [
    below === undefined ? '' : `${column} < ${below}`,
    above === undefined ? '' : `${column} > ${above}`,
    oneOf ? `${column} is not one of ${oneOf.join(', ')}` : '',
    noneOf ? `${column} is one of ${noneOf.join(', ')}` : '',
  ]
  return parts.filter(Boolean).join(' or ')
}

/** What the pipeline of a run says of the reasons of its drops. */
export interface Reasons {
  /** The threshold of a reason that has one alone. */
  readonly thresholds: ReadonlyMap<string, string>
  /** For a reason that a gate drops for, the columns that only annotators behind it write: they hold no measurement. */
  readonly unmeasured: ReadonlyMap<string, ReadonlySet<string>>
}

/** What the run has recorded of them, for the slots that are decided last; none in a run of an older version. */
export function readReasons({ run }: RunReader): Reasons {
  const recorded = run.segments.at(-1)!.reasons ?? { steps: [], rules: [] }
  return { thresholds: findThresholds(recorded), unmeasured: findUnmeasured(recorded) }
}

function findThresholds({ steps, rules }: RecordedReasons): Map<string, string> {
  const gates = steps.flatMap(step => ('gate' in step ? step.gate : []))
  const found = new Map<string, Set<string>>()
  for (const rule of [...gates, ...rules])
    found.set(rule.reason, (found.get(rule.reason) ?? new Set()).add(describeRule(rule)))
  return new Map([...found].filter(([, texts]) => texts.size === 1).map(([reason, texts]) => [reason, [...texts][0]]))
}

function findUnmeasured({ steps }: RecordedReasons): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const before = new Set<string>(documentFields.map(field => field.name))
  for (const [i, step] of steps.entries()) {
    if ('writes' in step) for (const column of step.writes) before.add(column)
    else {
      const after = steps.slice(i).flatMap(later => ('writes' in later ? later.writes : []))
      const columns = new Set(after.filter(name => !before.has(name)))
      for (const { reason } of step.gate) if (!found.has(reason)) found.set(reason, columns)
    }
  }
  return found
}
