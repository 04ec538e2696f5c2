import type { Rule } from '../annotate/annotator.ts'
import { documentFields } from '../batch/contract.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RunReader } from '../record/run-reader.ts'
import { loadPlan, referToRun } from './load-plan.ts'

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

/** Reads them while the pipeline is still the one that the run was made with; otherwise there are none. */
export async function readReasons(run: RunReader): Promise<Reasons> {
  const plan = await loadPlan(referToRun(run.run)).catch(() => null)
  if (plan === null || plan.decideFingerprint !== run.run.segments.at(-1)!.decide)
    return { thresholds: new Map(), unmeasured: new Map() }
  return { thresholds: findThresholds(plan), unmeasured: findUnmeasured(plan) }
}

function findThresholds(plan: Plan): Map<string, string> {
  const gates = plan.steps.flatMap(step => ('gate' in step ? step.gate : []))
  const found = new Map<string, Set<string>>()
  for (const rule of [...gates, ...plan.rules])
    found.set(rule.reason, (found.get(rule.reason) ?? new Set()).add(describeRule(rule)))
  return new Map([...found].filter(([, texts]) => texts.size === 1).map(([reason, texts]) => [reason, [...texts][0]]))
}

function findUnmeasured(plan: Plan): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const before = new Set<string>(documentFields.map(field => field.name))
  for (const [i, step] of plan.steps.entries()) {
    if ('annotator' in step) for (const field of step.annotator.writes) before.add(field.name)
    else {
      const after = plan.steps.slice(i).flatMap(later => ('annotator' in later ? later.annotator.writes : []))
      const columns = new Set(after.map(field => field.name).filter(name => !before.has(name)))
      for (const { reason } of step.gate) if (!found.has(reason)) found.set(reason, columns)
    }
  }
  return found
}
