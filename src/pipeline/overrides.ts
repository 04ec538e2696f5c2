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
