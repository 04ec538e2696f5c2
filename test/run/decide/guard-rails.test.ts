import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8From } from '../../../src/batch/batch.ts'
import { limits } from '../../../src/limits.ts'
import { type GuardOptions, planGuards } from '../../../src/pipeline/guard.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import type { GuardNote, Trip } from '../../../src/record/trip.ts'
import { GuardRails, type SlotFates } from '../../../src/run/decide/guard-rails.ts'
import { randomFrom } from '../../random.ts'

const fields = [{ name: 'language', kind: 'utf8' as const }]
const planned = (...guards: GuardOptions[]) =>
  planGuards('p', guards.reduce((built, guard) => built.guard(guard), pipeline('p')).guards, fields, ['x', 'y'])

interface Row {
  readonly domain: string
  readonly language?: string
  readonly reason?: string
}

/** A slot's fates: rows with their reasons, empty for kept ones. */
function fatesOf(rows: readonly Row[], dead = 0): SlotFates {
  const removed = rows.flatMap(({ reason }, row) => (reason ? [{ row, reason }] : []))
  return {
    scored: {
      rows: rows.length,
      columns: {
        row: { kind: 'u32', values: Uint32Array.from(rows, (_, i) => 2 * i) },
        line: { kind: 'u32', values: Uint32Array.from(rows, (_, i) => i + 1) },
        id: utf8From(rows.map((_, i) => `id${i}`)),
        file: utf8From(rows.map(() => 'f.jsonl')),
        domain: utf8From(rows.map(({ domain }) => domain)),
        language: utf8From(rows.map(({ language }) => language ?? 'en')),
      },
    },
    drops: {
      rows: removed.length,
      columns: {
        row: { kind: 'u32', values: Uint32Array.from(removed, ({ row }) => 2 * row) },
        reason: utf8From(removed.map(({ reason }) => reason)),
      },
    },
    dead,
  }
}

/** A slot in short: `web:3/10` is ten rows of web, three of them removed for x (`3y` for y); `dead:2` is two dead rows. */
function slotOf(text: string): SlotFates {
  const rows: Row[] = []
  let dead = 0
  for (const [, name, count, reason, all] of text.matchAll(/(\S+):(\d+)(y?)(?:\/(\d+))?/g)) {
    if (name === 'dead') dead += Number(count)
    const [domain, language] = name.split('.')
    for (let i = 0; i < Number(all ?? 0); i++)
      rows.push({ domain, language, reason: i < Number(count) ? reason || 'x' : '' })
  }
  return fatesOf(rows, dead)
}

/** What leaves its band at the first slot where something does, as `slot group removed/rows`. */
function firstTrips(guards: readonly GuardOptions[], slots: readonly string[]): string[] {
  const rails = new GuardRails(planned(...guards))
  for (const [slot, text] of slots.entries()) {
    const trips = rails.add(slot, slotOf(text))
    if (trips.length) return trips.map(trip => `${trip.slot} ${trip.group} ${trip.removed}/${trip.rows}`)
  }
  return []
}

const rates: [what: string, options: GuardOptions, slots: string[], trips: string[]][] = [
  ['a share at its upper bound is inside', { by: 'all', above: 0.5 }, ['a:500/1000'], []],
  ['one row more is outside', { by: 'all', above: 0.5 }, ['a:501/1000'], ['0 all 501/1000']],
  ['a share at its lower bound is inside', { by: 'all', below: 0.1 }, ['a:100/1000'], []],
  ['one row less is outside', { by: 'all', below: 0.1 }, ['a:99/1000'], ['0 all 99/1000']],
  ['both bounds', { by: 'all', below: 0.1, above: 0.5 }, ['a:300/1000'], []],
  ['above 0: any removal is outside', { by: 'all', above: 0 }, ['a:0/1000', 'a:1/1'], ['1 all 1/1001']],
  ['above 1 never is', { by: 'all', above: 1 }, ['a:1000/1000'], []],
  ['below 1: anything kept is outside', { by: 'all', below: 1, rowsMin: 3 }, ['a:2/3'], ['0 all 2/3']],
  ['too few rows are not judged', { by: 'all', above: 0.5 }, ['a:999/999'], []],
  ['until they are enough', { by: 'all', above: 0.5 }, ['a:999/999', 'a:0/1'], ['1 all 999/1000']],
  ['slots of a window add up', { by: 'all', above: 0.5, rowsMin: 10 }, ['a:4/10', 'a:7/10'], ['1 all 11/20']],
  [
    'the next window begins anew',
    { by: 'all', above: 0.5, rowsMin: 10, windowSlots: 1 },
    ['a:4/10', 'a:6/10'],
    ['1 all 6/10'],
  ],
  [
    'what was before the window is forgotten',
    { by: 'all', above: 0.5, rowsMin: 10, windowSlots: 2 },
    ['a:0/90', 'a:0/90', 'a:6/10'],
    ['2 all 6/10'],
  ],
  ['within it, it counts', { by: 'all', above: 0.5, rowsMin: 10, windowSlots: 3 }, ['a:0/90', 'a:0/90', 'a:6/10'], []],
  [
    'a minimum of rows is of one window',
    { by: 'all', above: 0.5, rowsMin: 10, windowSlots: 2 },
    ['a:0/0', 'a:9/9', 'a:9/9', 'a:1/1'],
    ['3 all 10/10'],
  ],
  ['a slot without rows is nothing', { by: 'all', below: 0.5, rowsMin: 1 }, ['a:0/0'], []],
  ['domains are judged apart', { by: 'domain', above: 0.5, rowsMin: 10 }, ['a:6/10 b:0/90'], ['0 a 6/10']],
  ['all of them together', { by: 'all', above: 0.5, rowsMin: 10 }, ['a:6/10 b:0/90'], []],
  ['several at once', { by: 'domain', above: 0.5, rowsMin: 10 }, ['a:6/10 b:0/90 c:10/10'], ['0 a 6/10', '0 c 10/10']],
  ['each with its own minimum', { by: 'domain', above: 0.5, rowsMin: 10 }, ['a:9/9 b:0/90'], []],
  [
    'named domains alone',
    { by: 'domain', only: ['b'], above: 0.5, rowsMin: 10 },
    ['a:10/10 b:1/10', 'b:10/10'],
    ['1 b 11/20'],
  ],
  [
    'domains that have names of JavaScript',
    { by: 'domain', above: 0.5, rowsMin: 2 },
    ['__proto__:2/2 constructor:1/2'],
    ['0 __proto__ 2/2'],
  ],
  ['languages', { by: 'language', above: 0.5, rowsMin: 10 }, ['a.en:1/10 b.zh:6/10 c.en:1/10'], ['0 zh 6/10']],
  ['a reason is a share of all rows', { by: 'reason', above: 0.5, rowsMin: 10 }, ['a:6/10 b:0/2'], []],
  ['over all domains', { by: 'reason', above: 0.5, rowsMin: 10 }, ['a:6/10 b:1/2'], ['0 x 7/12']],
  ['reasons are judged apart', { by: 'reason', above: 0.4, rowsMin: 10 }, ['a:5/10 b:8y/10'], []],
  ['named reasons alone', { by: 'reason', only: ['y'], above: 0.4, rowsMin: 10 }, ['a:9/10 b:1y/10', 'b:10y/10'], []],
  [
    'a reason that never comes',
    { by: 'reason', only: ['y'], below: 0.01, rowsMin: 10 },
    ['a:9/9', 'a:1/1'],
    ['1 y 0/10'],
  ],
  ['dead rows are rows, and removed', { by: 'all', above: 0.5, rowsMin: 10 }, ['a:0/4 dead:6'], ['0 all 6/10']],
  ['and a reason', { by: 'reason', above: 0.5, rowsMin: 10 }, ['a:1/4 dead:6'], ['0 dead 6/10']],
  ['that can be named', { by: 'reason', only: ['dead'], above: 0.5, rowsMin: 10 }, ['a:9/9 dead:1'], []],
  ['but of no domain', { by: 'domain', above: 0.1, rowsMin: 1 }, ['a:0/4 dead:6'], []],
]
for (const [what, options, slots, trips] of rates)
  test(`${what}: ${JSON.stringify(options)} of ${slots.join(' | ')}`, () => {
    assert.deepEqual(firstTrips([options], slots), trips)
  })

test('every guard is asked, in the order of the pipeline', () => {
  const guards: GuardOptions[] = [
    { by: 'reason', above: 0.2, rowsMin: 10 },
    { by: 'all', above: 0.2, rowsMin: 10 },
  ]
  assert.deepEqual(firstTrips(guards, ['a:6/10']), ['0 x 6/10', '0 all 6/10'])
})

test('a trip says what removed most, and which documents', () => {
  const rails = new GuardRails(planned({ by: 'domain', above: 0.2, rowsMin: 10 }, { by: 'reason', above: 0.2 }))
  assert.deepEqual(rails.add(64, slotOf('a:1/8')), [])
  const [trip] = rails.add(65, slotOf('b:9/9 a:1/2 a:2y/3 a:1/1'))
  assert.deepEqual(trip.parts, [
    ['x', 3],
    ['y', 2],
  ])
  assert.deepEqual([trip.firstSlot, trip.slot, trip.above, trip.below], [64, 65, 0.2, null])
  assert.deepEqual(trip.samples, [
    { id: 'id9', file: 'f.jsonl', line: 10 },
    { id: 'id14', file: 'f.jsonl', line: 15 },
  ])
})

test('a guard by reason says whose rows were removed', () => {
  const [trip] = new GuardRails(planned({ by: 'reason', above: 0.2, rowsMin: 10 })).add(3, slotOf('a:1/5 b:9/9'))
  assert.deepEqual(trip.parts, [
    ['b', 9],
    ['a', 1],
  ])
  assert.deepEqual(
    trip.samples.map(({ id }) => id),
    ['id5', 'id6', 'id7'],
  )
})

test('a release lasts for its group, until its window ends', () => {
  const rails = new GuardRails(planned({ by: 'domain', above: 0.5, rowsMin: 1, windowSlots: 4 }))
  const trips = (slot: number, text: string) => rails.add(slot, slotOf(text)).map(({ group }) => group)
  assert.deepEqual(trips(1, 'a:2/2 b:0/9'), ['a'])
  rails.release({ guard: 'by domain over 4 slots', group: 'a' })
  assert.deepEqual(trips(2, 'a:2/2 b:0/9'), [])
  const again = new GuardRails(planned({ by: 'domain', above: 0.5, rowsMin: 1, windowSlots: 4 }), rails.note())
  assert.deepEqual(
    again.add(3, slotOf('a:2/2 b:99/99')).map(({ group }) => group),
    ['b'],
  )
  assert.deepEqual(trips(4, 'a:2/2'), ['a'])
})

test('groups are bounded, and what removed their rows too', () => {
  const many = Array.from({ length: limits.domainsMax + 1 }, (_, i) => ({ domain: `d${i}`, reason: `r${i}` }))
  const rails = new GuardRails(planned({ by: 'domain', above: 1 }))
  rails.add(0, fatesOf(many.slice(1)))
  rails.add(1, fatesOf(many))
  const names = rails.note()[0].groups.map(([name, rows]) => [name, rows] as const)
  assert.deepEqual([names.length, names.at(-1)], [limits.domainsMax + 1, ['(others)', 1]])
  const all = new GuardRails(planned({ by: 'all', above: 0, rowsMin: 10_000 }))
  for (const slot of [0, 1, 2]) all.add(slot, fatesOf(many.map((row, i) => ({ ...row, reason: `r${slot} ${i}` }))))
  const [[, , removed, , parts]] = all.note()[0].groups
  assert.equal(parts.length, limits.domainsMax + 1)
  assert.equal(
    parts.reduce((sum, [, count]) => sum + count, 0),
    removed,
  )
})

// Windows counted over random slots, against sums made anew for each slot, and gone on with after each slot from what a note keeps.
const seed = Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${seed}`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)
const randomSlots = Array.from({ length: 60 }, () => ({
  rows: Array.from({ length: below(30) }, () => ({
    ...{ domain: 'abc'[below(3)], language: ['en', 'zh'][below(2)], reason: ['', '', 'x', 'y'][below(4)] },
  })),
  dead: below(3),
}))
const randomGuards: GuardOptions[] = [
  { by: 'all', above: 0.5, windowSlots: 7, rowsMin: 60 },
  { by: 'domain', above: 0.55, below: 0.45, windowSlots: 5, rowsMin: 20 },
  { by: 'language', above: 0.5, windowSlots: 16, rowsMin: 50 },
  { by: 'reason', above: 0.25, below: 0.2, only: ['x', 'y', 'dead'], windowSlots: 8, rowsMin: 80 },
]

type Resume = (notes: readonly GuardNote[]) => readonly GuardNote[]

/** All trips, each as text, in a run that is started again after each slot. */
function tripsWith(resume: Resume | null): string[] {
  let rails = new GuardRails(planned(...randomGuards))
  return randomSlots.flatMap(({ rows, dead }, slot) => {
    const trips = rails.add(slot, fatesOf(rows, dead))
    if (resume) rails = new GuardRails(planned(...randomGuards), resume(JSON.parse(JSON.stringify(rails.note()))))
    return trips.map(tellTrip)
  })
}
const tellTrip = ({ slot, guard, group, removed, rows }: Trip) => `${slot} ${guard} ${group} ${removed}/${rows}`

function expectedTrips(): string[] {
  const found: string[] = []
  for (const slot of randomSlots.keys())
    for (const guard of planned(...randomGuards)) {
      const window = randomSlots.slice(slot - (slot % guard.windowSlots), slot + 1)
      const rows = window.flatMap(one => [
        ...one.rows.map(row => ({ ...row, all: 'all' })),
        ...Array.from({ length: one.dead }, () => ({ reason: 'dead', all: 'all', domain: null, language: null })),
      ])
      const names = guard.only ?? [...new Set(rows.map(row => row[guard.by]).filter(name => name !== null))]
      for (const name of names) {
        const mine = rows.filter(row => row[guard.by] === name)
        const removed = mine.filter(row => row.reason !== '').length
        const all = guard.by === 'reason' ? rows.length : mine.length
        const isOutside = removed / all > guard.above || removed / all < guard.below
        if (all >= guard.rowsMin && isOutside) found.push(`${slot} ${guard.name} ${name} ${removed}/${all}`)
      }
    }
  return found
}

test('windows are as sums made anew, also when a run is started again after each slot', () => {
  const expected = expectedTrips()
  assert.ok(expected.length > 20, `${expected.length} trips: the slots say too little`)
  assert.deepEqual(tripsWith(null).sort(), expected.sort())
  assert.deepEqual(tripsWith(notes => notes).sort(), expected.sort())
})

const mutants: [what: string, resume: Resume][] = [
  ['counts are lost', () => []],
  ['counts of groups are lost', notes => notes.map(note => ({ ...note, groups: [] }))],
  ['the window is lost', notes => notes.map(note => ({ ...note, window: note.window + 1 }))],
  ['rows are lost', notes => notes.map(note => ({ ...note, rows: 0 }))],
]
for (const [what, resume] of mutants)
  test(`a guard is caught whose ${what} when a run is started again`, () => {
    assert.notDeepEqual(tripsWith(resume).sort(), expectedTrips().sort())
  })
