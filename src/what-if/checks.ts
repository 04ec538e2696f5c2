import type { Rule } from '../annotate/annotator.ts'
import type { RuleSetup } from './change-rules.ts'
import type { Conditions, Marks } from './conditions.ts'

/** A rule where it is looked at: in the gate that is step `step`, or behind all steps. */
export interface Check {
  readonly rule: Rule
  readonly step: number
  readonly condition: number
}

/** Behind all steps. */
export const lastStep = Number.POSITIVE_INFINITY

/** All rules of a setup in the order in which a document meets them: the gates', then those of `rules()`. */
export function checksOf({ steps, rules }: RuleSetup, conditions: Conditions): Check[] {
  const check = (rule: Rule, step: number) => ({ rule, step, condition: conditions.numberOf(rule) })
  const gates = steps.flatMap((step, i) => ('gate' in step ? step.gate.map(rule => check(rule, i)) : []))
  return [...gates, ...rules.map(rule => check(rule, lastStep))]
}

export const passes = -1
export const unmeasured = -2

/**
 * The first check that drops a row, `passes`, or `unmeasured` where it depends on what was not measured: the row stands stopped, and
 * `measured` is the first step behind that which measures; for a row that was measured whole it is `lastStep`.
 */
export function findCheck(checks: readonly Check[], marks: Marks, row: number, measured: number): number {
  for (let i = 0; i < checks.length; i++) {
    if (checks[i].step > measured || (checks[i].step === lastStep && measured !== lastStep)) return unmeasured
    if (marks[checks[i].condition][row] === 1) return i
  }
  return measured === lastStep ? passes : unmeasured
}

/** For each step the first one from there on that measures, or `lastStep`. */
export function measuringFrom({ steps }: Pick<RuleSetup, 'steps'>): number[] {
  const found: number[] = []
  for (let i = steps.length - 1, next = lastStep; i >= 0; i--) {
    if ('writes' in steps[i]) next = i
    found[i] = next
  }
  return found
}
