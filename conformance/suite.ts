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

/** Registers every rule of a suite as a test of its own with `node:test`. */
export function registerSuite<Subject>(suite: Suite<Subject>, name: string, open: Open<Subject>): void {
  for (const { rule, check } of suite) test(`${name}: ${rule}`, () => check(open))
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
