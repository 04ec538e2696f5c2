import type { Rule } from '../annotate/annotator.ts'
import type { Overrides, Threshold } from './overrides.ts'

/** Rules under overrides: a column's rules are replaced as a whole; a new column's come last. */
export function replaceRules(defaults: readonly Rule[], overrides: Overrides): Rule[] {
  const resolved: Rule[] = []
  const done = new Set<string>()
  for (const rule of defaults) {
    // A column may have any name, as `constructor`.
    const override = Object.hasOwn(overrides, rule.column) ? overrides[rule.column] : undefined
    if (override === undefined) resolved.push(rule)
    else if (override !== false && !done.has(rule.column)) resolved.push(makeRule(rule.reason, override, rule.column))
    done.add(rule.column)
  }
  for (const [column, override] of Object.entries(overrides))
    if (override !== false && !done.has(column)) resolved.push(makeRule(reasonFor(column, override), override, column))
  return resolved
}

const makeRule = (reason: string, override: Threshold, column: string): Rule =>
  Object.freeze({ reason, ...override, column })

function reasonFor(column: string, threshold: Threshold): string {
  const name = column.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  if (threshold.oneOf || threshold.noneOf) return `${name}-not-selected`
  return threshold.below !== undefined ? `${name}-too-low` : `${name}-too-high`
}
