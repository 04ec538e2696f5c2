import { test } from 'node:test'

/** Gives what a suite examines, made anew at each call. */
export type Open<Subject> = () => Subject | Promise<Subject>

/** One promise of a port in one line, and a check that throws when an implementation breaks it. */
export interface SuiteRule<Subject> {
  readonly rule: string
  readonly check: (open: Open<Subject>) => Promise<void>
}

/** A port's contract as a list of rules. */
export type Suite<Subject> = readonly SuiteRule<Subject>[]

/** A suite as a table of rules, each with its check; they run in this order. */
export function suiteOf<Subject>(checks: Readonly<Record<string, SuiteRule<Subject>['check']>>): Suite<Subject> {
  return Object.entries(checks).map(([rule, check]) => ({ rule, check }))
}

/** Makes the function that registers a suite: every rule is a test of its own with `node:test`. */
export function registering<Subject>(suite: Suite<Subject>): (name: string, open: Open<Subject>) => void {
  return (name, open) => {
    for (const { rule, check } of suite) test(`${name}: ${rule}`, () => check(open))
  }
}

/** The rules that an implementation breaks, without a test runner. An empty list is a pass. */
export async function findBrokenRules<Subject>(
  suite: Suite<Subject>,
  open: Open<Subject>,
): Promise<{ readonly rule: string; readonly error: unknown }[]> {
  const broken: { rule: string; error: unknown }[] = []
  for (const { rule, check } of suite)
    try {
      await check(open)
    } catch (error) {
      broken.push({ rule, error })
    }
  return broken
}
