import type { Annotator } from '../../annotate/annotator.ts'
import { HeadraceError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'

/** What a run is of: the fingerprint of all that it makes, and the hashes of the files that its operators read, by name. */
export interface PlanIdentity {
  readonly fingerprint: string
  readonly resources: readonly (readonly [name: string, sha256: string])[]
}

export function identifyPlan(plan: Plan): PlanIdentity {
  const annotators: Annotator[] = plan.steps.flatMap(step => ('annotator' in step ? [step.annotator] : []))
  const all = plan.tokenizer ? [...annotators, plan.tokenizer] : annotators
  const resources = all.flatMap(one => one.resources.map(({ name, sha256 }) => [name, sha256] as const))
  return { fingerprint: plan.shardFingerprint, resources }
}

/**
 * Throws 'source-changed' unless a plan that a worker made is that of its run: it is made anew on each thread, also on one that replaces
 * another days later, from files that may have been edited since.
 */
export function checkSamePlan(plan: Plan, expected: PlanIdentity): void {
  const { fingerprint, resources } = identifyPlan(plan)
  if (fingerprint === expected.fingerprint) return
  const was = new Map(expected.resources)
  const changed = resources.find(([name, sha256]) => was.has(name) && was.get(name) !== sha256)
  const what = changed
    ? `'${changed[0]}' has SHA-256 ${changed[1]}, and the run was begun with ${was.get(changed[0])}`
    : `the pipeline's fingerprint is ${fingerprint}, and the run's is ${expected.fingerprint}`
  throw new HeadraceError(
    'source-changed',
    `a file that the pipeline is made of was edited while the run was at work: for a worker that begins now ${what}; restore it, or give the same command again, which says what a start with the change would do`,
  )
}
