import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadraceError } from '../../src/errors.ts'
import type { ExampleFacts } from '../../src/value/examples.ts'
import { splitByGroups } from '../../src/value/split.ts'
import { drawFrom } from '../random.ts'

const sides = ['negatives', 'positives']
const fact = (target: number, group: string): ExampleFacts => ({ target, group, source: 's', words: 1, hash: 0 })
const split = (facts: ExampleFacts[]) => splitByGroups(facts, sides, ({ target }) => target)

test('whole groups are held out, a fifth of each side and no more than two', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = drawFrom(seed)
  const facts = Array.from({ length: 4000 }, () => fact(random(2), `group ${random(random(60) + 1)}`))
  const { isHeld, groups } = split(facts)
  for (const side of [0, 1]) {
    const own = facts.flatMap(({ target }, i) => (target === side ? [isHeld[i]] : []))
    const share = own.filter(Boolean).length / own.length
    assert.ok(share >= 0.2 && share <= 0.4, `seed ${seed}: ${share}`)
  }
  const held = new Set(facts.filter((_, i) => isHeld[i]).map(({ group }) => group))
  assert.ok(facts.every(({ group }, i) => isHeld[i] === held.has(group)))
  assert.equal(held.size, groups.held)
  assert.deepEqual(split(facts), split(facts.map(one => ({ ...one }))))
})

test('names of groups are strangers', () => {
  const facts = ['__proto__', 'constructor', 'toString', '', 'a', 'b', 'c', 'd'].flatMap(group =>
    Array.from({ length: 10 }, (_, i) => fact(i % 2, group)),
  )
  assert.equal(split(facts).groups.learned + split(facts).groups.held, 8)
})

const refusals: [what: string, facts: ExampleFacts[], message: RegExp][] = [
  [
    'positives of one group',
    [...Array(50)].flatMap((_, i) => [fact(1, 'one'), fact(0, `g${i % 9}`)]),
    /the positives are 50 texts of 1 group, the largest of 50: no whole group can be held out/,
  ],
  [
    'negatives of which one group is nearly all',
    [...Array(90)].flatMap((_, i) => [fact(0, i < 85 ? 'big' : 'small'), fact(1, `g${i % 9}`)]),
    /^$/,
  ],
]
for (const [what, facts, message] of refusals)
  test(`${what}: ${message.source === '^$' ? 'the small one is held out' : 'refused'}`, () => {
    if (message.source === '^$') assert.ok(facts.some(({ group }, i) => group === 'small' && split(facts).isHeld[i]))
    else
      assert.throws(
        () => split(facts),
        error => error instanceof HeadraceError && error.code === 'bad-option' && message.test(error.message),
      )
  })
