import type { Rule } from '../annotate/annotator.ts'
import { HeadraceError } from '../errors.ts'
import { checkObject, listOf, name, number, optional, resolveOptions, text } from '../options.ts'

/** Thresholds by the column that they are of, or false for no rule. */
export type Overrides = Readonly<Record<string, Threshold | false>>
export type Threshold = Partial<Omit<Rule, 'column'>>

export const thresholdOptions = {
  reason: optional("the drop's reason; that of the rule that it replaces, or one made of the column's name", name),
  below: optional('drops what is below it', number()),
  above: optional('drops what is above it', number()),
  oneOf: optional('drops what is none of these', listOf(text, 1)),
  noneOf: optional('drops what is one of these', listOf(text, 1)),
}

/** Overrides without what is undefined. Whether there are such columns is known when the pipeline is laid out. */
export function checkOverrides(who: string, overrides: Overrides): Overrides {
  checkObject(who, overrides)
  const given = Object.entries(overrides).filter(([, threshold]) => threshold !== undefined)
  const check = (column: string, threshold: Threshold | false) =>
    threshold === false ? false : checkThreshold(`${who} for '${column}'`, threshold)
  return Object.fromEntries(given.map(([column, threshold]) => [column, check(column, threshold)]))
}

function checkThreshold(who: string, threshold: Threshold): Threshold {
  resolveOptions(who, thresholdOptions, threshold)
  const given = Object.entries(threshold).filter(([, value]) => value !== undefined)
  if (!given.some(([name]) => name !== 'reason'))
    throw new HeadraceError(
      'bad-option',
      `${who} has no bound: give below, above, oneOf or noneOf, or false for no rule`,
    )
  return Object.fromEntries(given)
}

/** Rules under overrides: a column's rules are replaced as a whole; a new column's come last. */
export function replaceRules(defaults: readonly Rule[], overrides: Overrides): Rule[] {
  const resolved: Rule[] = []
  const done = new Set<string>()
  for (const rule of defaults) {
    const override = overrides[rule.column]
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
