import type { Rule } from '../annotate/annotator.ts'
import type { Overrides } from '../pipeline/overrides.ts'
import { replaceRules } from '../pipeline/replace-rules.ts'
import type { RecordedStep } from '../record/reasons.ts'

/** Of what decides a document, its rules: the steps of measuring with the gates among them, and the rules behind all. */
export interface RuleSetup {
  readonly steps: readonly RecordedStep[]
  readonly rules: readonly Rule[]
}

/** The rules with others in the place of some columns' own, in gates too. */
export function changeRules(setup: RuleSetup, overrides: Overrides): RuleSetup {
  const gated = new Set(setup.steps.flatMap(step => ('gate' in step ? step.gate.map(rule => rule.column) : [])))
  const steps = setup.steps.map(step =>
    'gate' in step ? { gate: replaceRules(step.gate, within(step.gate, overrides)) } : step,
  )
  const ruled = new Set(setup.rules.map(rule => rule.column))
  // A new rule stands behind all others; one of a gate alone stays there.
  const own = Object.entries(overrides).filter(([column]) => ruled.has(column) || !gated.has(column))
  return { steps, rules: replaceRules(setup.rules, Object.fromEntries(own)) }
}

function within(gate: readonly Rule[], overrides: Overrides): Overrides {
  const columns = new Set(gate.map(rule => rule.column))
  return Object.fromEntries(Object.entries(overrides).filter(([column]) => columns.has(column)))
}
