import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import { tellRun } from '../../../src/page/live/tell-run.ts'
import { paceOf } from '../../../src/watch/pace.ts'
import type { RunLook } from '../../../src/watch/run-look.ts'
import { hold, makeLook } from '../../watch/looks.ts'

const tell = (look: Partial<RunLook>, error: string | null = null) =>
  tellRun(paceOf([makeLook(look)]), error, 'runs/a', 5000)

const counted = (name: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, i]))

test('of very many domains and reasons the largest are told, and the rest are counted', () => {
  const byDomain = Object.fromEntries(
    Object.entries(counted('d', 4000)).map(([name, documents]) => [name, { documents, kept: 1 }]),
  )
  const told = tell({ documents: 10, byDomain, dropped: counted('r', 300) })
  assert.deepEqual([told.domains.length, told.domainsLeft], [limits.liveNamesMax, 4000 - limits.liveNamesMax])
  assert.deepEqual([told.domains[0].domain, told.reasons[0]], ['d3999', { reason: 'r299', count: 299 }])
  // One that dropped nothing is none.
  assert.deepEqual([told.reasons.length, told.reasonsLeft], [limits.liveNamesMax, 299 - limits.liveNamesMax])
  assert.equal(told.dropped, (299 * 300) / 2)
  assert.ok(JSON.stringify(told).length < 20_000)
})

// The state and the reason that are told.
const states: [what: string, look: Partial<RunLook>, error: string | null, state: string, why: string | null][] = [
  ['at work', { state: 'running' }, null, 'running', null],
  ['a reason', { state: 'running', why: 'not yet at work: shard' }, null, 'running', 'not yet at work: shard'],
  [
    'a look that failed',
    { state: 'running', why: 'x' },
    'the run in a was removed',
    'running',
    'the run in a was removed',
  ],
  ['held, and its process still ends', { state: 'running', hold }, null, 'running', null],
  ['held', { state: 'stopped', hold }, null, 'held', null],
  ['ended', { state: 'ended' }, null, 'ended', null],
]
for (const [what, look, error, state, why] of states)
  test(what, () => {
    const told = tell(look, error)
    assert.deepEqual([told.state, told.why, told.at], [state, why, 5])
    if (!look.hold) return assert.equal(told.hold, null)
    assert.deepEqual(told.hold, {
      slot: 71,
      trips: ["domain 'web': 812 of 1,000 rows removed (81.2%) in slots 64 to 71, above 50.0%"],
      command: 'headrace release --dir runs --run a --who NAME --why TEXT',
    })
  })
