import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Step, Total } from '../../../src/feed/files/steps.ts'
import { openStep } from '../../../src/feed/files/steps.ts'
import type { BlockSpec } from '../../../src/feed/plan/blocks.ts'
import type { ControlEntry } from '../../../src/feed/plan/control.ts'
import { isPassedOver, placeEntries, placeStep, type Skip } from '../../../src/feed/plan/fork.ts'
import { Planner } from '../../../src/feed/plan/planner.ts'
import type { ManifestEntry } from '../../../src/shards/manifest.ts'
import { drawFrom } from '../../random.ts'

const skips = (...list: Skip[]): ControlEntry[] => list.map(skip => ({ step: skip[0], fork: { feed: 'f', skip } }))

test('a step stands in the plan behind all that forks passed over, each as steps were numbered then', () => {
  const cases: [ControlEntry[], number[], passed: number[]][] = [
    [[], [0, 1, 2, 3, 4, 5], []],
    [[{ step: 2, fork: { feed: 'f', skip: null } }], [0, 1, 2, 3, 4, 5], []],
    [skips([2, 2]), [0, 1, 3, 4, 5, 6], [2]],
    [skips([2, 4]), [0, 1, 5, 6, 7, 8], [2, 3, 4]],
    [skips([2, 4], [2, 2]), [0, 1, 6, 7, 8, 9], [2, 3, 4, 5]],
    [skips([2, 4], [1, 3]), [0, 7, 8, 9, 10, 11], [1, 2, 3, 4, 5, 6]],
    [skips([2, 4], [0, 0]), [1, 5, 6, 7, 8, 9], [0, 2, 3, 4]],
  ]
  for (const [entries, places, passed] of cases) {
    assert.deepEqual(
      places.map((_, step) => placeStep(step, entries)),
      places,
    )
    assert.deepEqual(
      Array.from({ length: 20 }, (_, place) => place).filter(place => isPassedOver(place, entries)),
      passed,
    )
  }
  const later = [{ step: 3, batch: 2 }, ...skips([2, 4]), { step: 3, batch: 1 }]
  assert.deepEqual(
    placeEntries(later).map(([, place]) => place),
    [3, 2, 6],
  )
})

/** What of a shard no plan looks at. */
const unread = { rows: 1, textBytes: 0, bytes: 0, sha256: '', tokenizer: '', fingerprint: '' }

/** Shards of three domains in the order of a seed, a slot each. */
function makeManifest(draw: (below: number) => number): ManifestEntry[] {
  const numbers = [0, 0, 0]
  return Array.from({ length: 12 + draw(30) }, (_, slot) => {
    const of = draw(3)
    const at = { slot, row: 0 }
    return {
      ...unread,
      path: `${of}/${numbers[of]}`,
      domain: `d${of}`,
      number: numbers[of]++,
      tokens: 20 + draw(90),
      first: at,
      last: at,
    }
  })
}

async function plan(entries: readonly ManifestEntry[], controls: readonly ControlEntry[], stride: number) {
  const options = { feed: 'f', length: 10, batch: 4, mixture: null, blockTokens: 300, blockSlotsMax: 1000 }
  const planner = new Planner({ ...options, dry: 'repeat', repeatMax: 2 }, async ({ shards }: BlockSpec) => {
    const tokens = shards.reduce((sum, shard) => sum + shard.tokens, 0)
    const samples = Int32Array.from({ length: Math.ceil(tokens / 10) }, (_, i) => Math.min(10, tokens - 10 * i))
    return { tokens: samples, sha256: null }
  })
  for (const entry of controls) planner.control(entry)
  const steps: Step[] = []
  const drain = async () => {
    for (let next = await planner.nextStep(); next; next = await planner.nextStep())
      steps.push(openStep(next.line, steps.length, steps.at(-1)?.digest ?? 'f'))
  }
  for (const [i, entry] of entries.entries()) {
    planner.add(entry)
    if (i % stride === 0) await drain()
  }
  planner.end()
  await drain()
  return { steps, leftover: { ...(await planner.leftover()) } }
}

/** Throws unless a fork holds what it should of the feed that it parted from. */
function checkFork(whole: readonly Step[], fork: readonly Step[], at: number, [from, to]: Skip): void {
  const kept = [...whole.slice(0, from), ...whole.slice(to + 1)]
  assert.deepEqual(
    fork.map(step => [step.step, step.domains, step.mixture, step.tokens]),
    kept.map((step, i) => [i, step.domains, step.mixture, step.tokens]),
  )
  assert.deepEqual(fork.slice(0, at), whole.slice(0, at), 'its lines before it are the same')
  for (const [i, { digest, totals }] of fork.entries()) {
    assert.equal(digest === whole[i]?.digest, i < at, 'and no later one is')
    const fed = Object.values(totals).reduce((sum: number, total: Total) => sum + total.tokens, 0)
    assert.equal(
      fed,
      fork.slice(0, i + 1).reduce((sum, step) => sum + step.tokens, 0),
      'totals count what was fed',
    )
  }
}

test('a fork holds what the feed holds without what it skips, under changes of mixture, whenever it is planned', async () => {
  const seed = Date.now() % 1e6
  const draw = drawFrom(seed)
  for (let round = 0; round < 10; round++) {
    const entries = makeManifest(draw)
    const changes: ControlEntry[] = Array.from({ length: draw(3) }, () => ({
      step: draw(12),
      ...(draw(2) ? { batch: 2 + draw(4) } : { mixture: { d0: 1 + draw(3), d1: 1 } }),
    }))
    const whole = await plan(entries, changes, 1 + draw(5))
    const at = draw(whole.steps.length - 1)
    const from = at + draw(whole.steps.length - at - 1)
    const skip: Skip = [from, from + draw(whole.steps.length - from)]
    const entry = { step: at, fork: { feed: 'f', skip } }
    const fork = await plan(entries, [...changes, entry], 1 + draw(5))
    const told = `seed ${seed}, round ${round}: at ${at}, skip ${skip}`
    checkFork(whole.steps, fork.steps, at, skip)
    assert.deepEqual(fork.leftover, whole.leftover, told)
    for (const wrong of [
      [from, skip[1] + 1],
      [from + 1, skip[1] + 1],
    ] as const)
      if (wrong[1] < whole.steps.length) assert.throws(() => checkFork(whole.steps, fork.steps, at, wrong), told)
  }
})
