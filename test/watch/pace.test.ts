import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { keepLook, paceOf } from '../../src/watch/pace.ts'
import type { RunLook } from '../../src/watch/run-look.ts'
import { makeLook } from './looks.ts'

/** A look a second: so many slots and bytes then, and documents of one domain, of which so many were kept. */
const lookAt = (second: number, slot: number, documents: number, kept: number, more: Partial<RunLook> = {}) =>
  makeLook({
    at: 1000 * second,
    stages: [
      { stage: 'annotate', slot, lag: null },
      { stage: 'decide', slot: slot - 1, lag: 1 },
    ],
    readBytes: slot * 1e6,
    documents,
    kept,
    dropped: { short: documents - kept },
    byDomain: { web: { documents, kept } },
    ...more,
  })
const keepAll = (looks: readonly RunLook[]) => looks.reduce<RunLook[]>(keepLook, [])

test('one look has no rates', () => {
  const { rateSeconds, bytesPerSecond, stages, recentSeconds, domains, rising } = paceOf([lookAt(5, 10, 100, 50)])
  assert.deepEqual([rateSeconds, bytesPerSecond, recentSeconds, rising], [null, null, null, []])
  assert.deepEqual(
    stages.map(one => [one.slot, one.slotsPerSecond, one.lag]),
    [
      [10, null, null],
      [9, null, 1],
    ],
  )
  assert.deepEqual(domains, [{ domain: 'web', documents: 100, kept: 50, recent: { documents: 0, kept: 0 }, parts: [] }])
})

test('rates are of the last ten seconds, what was kept of late is of the last minute, and older looks are gone', () => {
  // A slot a second and all kept for two minutes, then four a second, of which a quarter is kept.
  const looks = Array.from({ length: 240 }, (_, i) => {
    const late = Math.max(0, i - 200)
    return lookAt(i, 1 + i + 3 * late, 10 * (i + 3 * late), 10 * (i - late) + 10 * late)
  })
  const kept = keepAll(looks)
  assert.equal(kept.length, 61)
  const pace = paceOf(kept)
  assert.deepEqual([pace.rateSeconds, pace.bytesPerSecond, pace.stages[1].slotsPerSecond], [10, 4e6, 4])
  assert.deepEqual([pace.recentSeconds, pace.recentDocuments], [60, 10 * (60 + 3 * 39)])
  const [{ recent, parts }] = pace.domains
  assert.deepEqual(recent, { documents: 1770, kept: 600 })
  assert.deepEqual(
    parts.map(part => part.kept / part.documents),
    [1, 120 / 210, 0.25, 0.25, 0.25],
  )
  const share = (all: RunLook) => all.dropped.short / all.documents!
  assert.equal(pace.rising[0].points.toFixed(6), (100 * (1170 / 1770 - share(looks[239]))).toFixed(6))
})

const odd: [what: string, looks: RunLook[], state: string, rates: unknown[]][] = [
  [
    'a process that began anew',
    [lookAt(0, 9, 90, 9, { cpuSeconds: 50 }), lookAt(1, 9, 90, 9, { cpuSeconds: 1 })],
    'running',
    [0, 0],
  ],
  ['looks at one moment', [lookAt(3, 9, 90, 9), lookAt(3, 9, 90, 9)], 'running', [null, null]],
  ['a look that knows more', [makeLook({ at: 0 }), lookAt(2, 9, 90, 9, { cpuSeconds: 1 })], 'running', [null, null]],
  ['looks far apart', [lookAt(0, 1, 0, 0), lookAt(200, 201, 0, 0), lookAt(400, 801, 0, 0)], 'running', [3e6, null]],
  [
    'a spread run that rests',
    [lookAt(0, 9, 90, 9, { state: 'quiet' }), lookAt(1, 9, 90, 9, { state: 'quiet' })],
    'quiet',
    [0, null],
  ],
  [
    'a spread run at work',
    [lookAt(0, 8, 90, 9, { state: 'quiet' }), lookAt(1, 9, 90, 9, { state: 'quiet' })],
    'running',
    [1e6, null],
  ],
]
test('looks that do not follow each other as they should', () => {
  for (const [what, looks, state, rates] of odd) {
    const pace = paceOf(keepAll(looks))
    assert.deepEqual([pace.state, pace.bytesPerSecond, pace.cores], [state, ...rates], what)
  }
})

test('what is kept is bounded, however fast somebody looks', () => {
  const looks = keepAll(Array.from({ length: 1000 }, (_, i) => lookAt(i / 100, i, i, i)))
  assert.equal(looks.length, limits.looksMax)
})

test('reasons are sorted by what they rose, and those that fell are left out', () => {
  const before = makeLook({ documents: 1000, dropped: { fell: 500, same: 100, rose: 0 }, dead: 0 })
  const after = makeLook({
    at: 60_000,
    documents: 1100,
    dropped: { fell: 500, same: 110, rose: 55, fresh: 5 },
    dead: 30,
  })
  assert.deepEqual(
    paceOf([before, after]).rising.map(({ reason, points }) => `${reason} ${points.toFixed(1)}`),
    ['rose 50.0', 'dead 27.3', 'fresh 4.5'],
  )
})
