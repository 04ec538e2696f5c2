import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { documentFields, stageFields } from '../../../src/batch/contract.ts'
import { missingColumn } from '../../../src/batch/rows.ts'
import type { Decider, RowDecider } from '../../../src/decide/decider.ts'
import { openTables } from '../../../src/decide/tables/tables.ts'
import { limits } from '../../../src/limits.ts'
import { pipeline, rules } from '../../../src/pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { joinKept } from '../../../src/record/kept.ts'
import { readDecideNote } from '../../../src/record/notes.ts'
import { type DecideTotals, emptyDecideTotals } from '../../../src/record/totals.ts'
import { decideSlot } from '../../../src/run/decide/decide-slot.ts'
import { SlotCounts } from '../../../src/run/decide/slot-counts.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { plainAnnotator } from '../../annotate/plain.ts'
import { randomFrom } from '../../random.ts'

interface Row {
  readonly text: string
  readonly domain?: string
  readonly gate?: string
  readonly size?: number
  readonly repaired?: string
}

const size = plainAnnotator({
  name: 'size',
  writes: [{ name: 'size', kind: 'f64' as const }],
  rules: [{ reason: 'too-small', column: 'size', below: 1 }],
})

/** Rows with every second number missing, as if those had been dead. */
function scoredOf(rows: readonly Row[]): Batch {
  const columns = Object.fromEntries(
    [...documentFields, ...stageFields, ...size.writes].map(field => [field.name, missingColumn(field, rows.length)]),
  )
  return {
    rows: rows.length,
    columns: {
      ...columns,
      text: utf8From(rows.map(row => row.text)),
      id: utf8From(rows.map((_, i) => `id${i}`)),
      domain: utf8From(rows.map(row => row.domain ?? 'd')),
      gate: utf8From(rows.map(row => row.gate ?? '')),
      gateEvidence: { kind: 'f64', values: Float64Array.from(rows, row => (row.gate ? 5 : Number.NaN)) },
      size: { kind: 'f64', values: Float64Array.from(rows, row => row.size ?? Number.NaN) },
      row: { kind: 'u32', values: Uint32Array.from(rows, (_, i) => 2 * i + 1) },
      repaired: utf8From(rows.map(row => row.repaired ?? '')),
    },
  }
}

const planOf = (...deciders: Decider[]): Plan =>
  planPipeline(
    pipeline('p')
      .from(jsonl('none'))
      .annotate(size)
      .decide(rules(), ...deciders),
  )

/** A decider made of one function; counts what it is told to keep. */
function decider(name: string, decide: RowDecider['decide'], kept: number[] = []): Decider {
  return {
    ...{ name, version: 1, options: {}, reads: ['text'], reasons: [name], tables: [] },
    open: () => ({ decide, keep: row => void kept.push(row) }),
  }
}

async function decideAll(plan: Plan, rows: readonly Row[], totals = emptyDecideTotals()) {
  const shapes = plan.deciders.flatMap(one => one.tables)
  await using state = await openTables({ path: null, shapes, identity: '' })
  const scored = scoredOf(rows)
  const { kept, drops } = decideSlot(plan, scored, 4, state, new SlotCounts(totals))
  return { kept: joinKept(scored, kept), drops, totals }
}

const reasons = (drops: Batch) =>
  Array.from(numbers(drops, 'row'), (row, i) => `${row} ${stringAt(utf8(drops, 'reason'), i)}`)

test('a row goes by its gate first, then by rules, then by deciders in their order, and the first to drop it says why', async () => {
  const kept: number[] = []
  const first = decider(
    'first',
    (row, verdict) => {
      if (row !== 3) return true
      verdict.reason = 'first'
      return false
    },
    kept,
  )
  const second = decider('second', (row, verdict) => {
    if (row !== 4 && row !== 3) return true
    verdict.reason = 'second'
    return false
  })
  const rows: Row[] = [
    { text: 'a' },
    { text: 'b', gate: 'gated', size: 0 },
    { text: 'c', size: 0 },
    ...'def'.split('').map(text => ({ text })),
  ]
  const { kept: left, drops } = await decideAll(planOf(first, second), rows)
  assert.deepEqual(reasons(drops), ['3 gated', '5 too-small', '7 first', '9 second'])
  assert.deepEqual([...numbers(left, 'row')], [1, 11])
  assert.deepEqual(kept, [0, 5], 'a decider is told to keep what every decider kept')
  assert.deepEqual([...numbers(drops, 'evidence')].slice(0, 2), [5, 0])
})

test('what one decider wrote of a row that it kept does not stay for the next row', async () => {
  const moving = decider('moving', (row, verdict) => {
    if (row === 0)
      Object.assign(verdict, {
        domain: 'elsewhere',
        evidence: 9,
        evidenceText: 'nine',
        similarity: 0.5,
        duplicateOf: 7,
      })
    verdict.reason = 'moving'
    return row !== 1
  })
  const { kept, drops } = await decideAll(planOf(moving), [{ text: 'a' }, { text: 'b' }, { text: 'c' }])
  assert.deepEqual(
    [0, 1].map(row => stringAt(utf8(kept, 'domain'), row)),
    ['elsewhere', 'd'],
  )
  assert.deepEqual([numbers(drops, 'evidence')[0], numbers(drops, 'duplicateOf')[0]], [Number.NaN, -1])
  assert.equal(stringAt(utf8(drops, 'evidenceText'), 0), '')
})

test('each row is in one of the two, and the totals are their sums, over many slots', async () => {
  const random = randomFrom(7)
  const some = decider('some', (_, verdict) => {
    verdict.reason = `reason ${Math.floor(random() * 3)}`
    return random() < 0.5
  })
  const plan = planOf(some)
  const totals = emptyDecideTotals()
  let [documents, keptRows, dropRows, keptBytes] = [0, 0, 0, 0]
  for (let slot = 0; slot < 30; slot++) {
    const rows = Array.from({ length: Math.floor(random() * 40) }, (): Row => {
      return {
        text: `text ${Math.floor(random() * 30)}`,
        size: Math.floor(random() * 5),
        domain: random() < 0.5 ? 'a' : 'b',
      }
    })
    const { kept, drops } = await decideAll(plan, rows, totals)
    const all = [...numbers(kept, 'row'), ...numbers(drops, 'row')].sort((a, b) => a - b)
    assert.deepEqual(
      all,
      rows.map((_, i) => 2 * i + 1),
    )
    documents += rows.length
    keptRows += kept.rows
    dropRows += drops.rows
    keptBytes += utf8(kept, 'text').bytes.length
  }
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
  assert.deepEqual([totals.documents, totals.kept, sum(totals.dropped)], [documents, keptRows, dropRows])
  assert.equal(totals.keptBytes, keptBytes)
  assert.deepEqual(Object.keys(totals.byDomain).sort(), ['a', 'b'])
  assert.equal(totals.byDomain.a.documents + totals.byDomain.b.documents, documents)
  assert.equal(totals.byDomain.a.kept + totals.byDomain.b.kept, keptRows)
})

test('repaired rows are counted by fault, whatever becomes of them; faults that nobody knows are others', async () => {
  const faults = ['', 'nul-character', 'nul-character line-ends', 'own constructor']
  const rows = faults.map((repaired, i) => ({ text: `text ${i}`, size: i, repaired }))
  const { totals } = await decideAll(planOf(), rows)
  assert.deepEqual([totals.repaired, { ...totals.repairs }], [3, { 'nul-character': 2, 'line-ends': 1, other: 2 }])
})

test('kept rows without a shingle are counted, but in a run that began without that count', async () => {
  const slot = (): Batch => {
    const { rows, columns } = scoredOf([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
    return { rows, columns: { ...columns, shingles: { kind: 'u32', values: Uint32Array.of(0, 7, 0) } } }
  }
  const cases: [plan: Plan, uncompared: number | undefined, after: number | undefined][] = [
    [planOf(), 5, 7],
    [planOf(), undefined, undefined],
    [planOf(decider('none', () => false)), 5, 5],
  ]
  for (const [plan, uncompared, after] of cases) {
    const totals = { ...emptyDecideTotals(), uncompared }
    await using state = await openTables({ path: null, shapes: [], identity: '' })
    decideSlot(plan, slot(), 0, state, new SlotCounts(totals))
    assert.equal(readDecideNote({ note: JSON.stringify({ totals, ended: false }) }).totals.uncompared, after)
  }
})

test('rows are counted by the labels that they have; an id that says where a record stands is none', async () => {
  const place = ['f#3', 'f#3.7', 'f#33', 'f#3.', 'g#3', 'f', 'own']
  const columns = {
    id: utf8From(place),
    file: utf8From(place.map(() => 'f')),
    line: { kind: 'u32' as const, values: Uint32Array.from(place, () => 3) },
    url: utf8From(place.map((_, i) => (i === 2 ? 'u' : ''))),
  }
  const scored = scoredOf(place.map(text => ({ text })))
  const slot = { ...scored, columns: { ...scored.columns, ...columns } }
  const cases: [labelled: DecideTotals['labelled'], after: DecideTotals['labelled']][] = [
    [
      { id: 1, url: 1, added: 1 },
      { id: 6, url: 2, added: 1 },
    ],
    [undefined, undefined],
  ]
  for (const [labelled, after] of cases) {
    const totals = { ...emptyDecideTotals(), labelled }
    await using state = await openTables({ path: null, shapes: [], identity: '' })
    decideSlot(planOf(), slot, 0, state, new SlotCounts(totals))
    const read = readDecideNote({ note: JSON.stringify({ totals, ended: false }) }).totals.labelled
    assert.deepEqual(read && { ...read }, after)
  }
})

test('domains with names of JavaScript are counted, also after a restart', async () => {
  const rows = ['constructor', '__proto__', 'toString', 'constructor'].map(domain => ({ text: domain, domain }))
  const { totals } = await decideAll(planOf(), rows)
  const restored = readDecideNote({ note: JSON.stringify({ totals }) }).totals
  await decideAll(planOf(), rows, restored)
  assert.deepEqual(
    Object.entries(restored.byDomain).map(([name, counts]) => [name, counts.documents, counts.kept]),
    [
      ['constructor', 4, 4],
      ['__proto__', 2, 2],
      ['toString', 2, 2],
    ],
  )
})

test('domains beyond those that a run keeps apart are one, by the order in which they come, also after a restart', async () => {
  const known = Array.from({ length: limits.domainsMax }, (_, i) => ({ text: 'x', domain: `host${i}` }))
  const more = ['late', 'host7', 'later', 'x'.repeat(limits.nameLengthMax + 1), 'holdout', 'other']
  const rows = more.map(domain => ({ text: 'x', domain }))
  const expected = ['other', 'host7', 'other', 'other', 'holdout', 'other']
  const domainsOf = (kept: Batch) => Array.from({ length: kept.rows }, (_, row) => stringAt(utf8(kept, 'domain'), row))
  const { totals } = await decideAll(planOf(), known)
  const restored = readDecideNote({ note: JSON.stringify({ totals }) }).totals
  for (const counts of [totals, restored]) {
    const { kept } = await decideAll(planOf(), rows, counts)
    assert.deepEqual(domainsOf(kept), expected)
    assert.deepEqual([counts.otherDomains, counts.byDomain.other], [3, { documents: 4, kept: 4 }])
    assert.equal(Object.keys(counts.byDomain).length, limits.domainsMax + 2)
  }
  const early = await decideAll(planOf(), rows)
  assert.deepEqual(domainsOf(early.kept), more.with(3, 'other'), 'a name that is too long is never kept apart')
})

test('a slot without rows is decided to nothing', async () => {
  const { kept, drops, totals } = await decideAll(planOf(), [])
  assert.deepEqual([kept.rows, drops.rows, totals.documents], [0, 0, 0])
})
