import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Open, Suite } from '../../conformance/suite.ts'

/** An implementation with one mistake, and the rule that must catch it. */
export type Mutant<Subject> = readonly [rule: RegExp, mistake: string, open: Open<Subject>]

/** Tests that each mutant is caught by its rule, and that every rule catches one: a rule that lets its breach pass proves nothing. */
export function testMutants<Subject>(suite: Suite<Subject>, mutants: readonly Mutant<Subject>[]): void {
  const rulesOf = (pattern: RegExp) => suite.filter(({ rule }) => pattern.test(rule))
  for (const [pattern, mistake, open] of mutants)
    test(`it is caught when ${mistake}`, async () => {
      const [found, ...others] = rulesOf(pattern)
      assert.ok(found && others.length === 0, `${pattern} is not the name of one rule`)
      await assert.rejects(found.check(open))
    })
  test('every rule catches a mistake', () => {
    const idle = suite.filter(({ rule }) => !mutants.some(([pattern]) => pattern.test(rule)))
    assert.deepEqual(idle, [])
  })
}
