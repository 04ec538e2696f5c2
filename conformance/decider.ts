import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Batch, numbers, withColumns } from '../src/batch/batch.ts'
import { takeRows } from '../src/batch/rows.ts'
import { addressOf, type Decider, type RowDecider, type Verdict } from '../src/decide/decider.ts'
import type { State } from '../src/decide/state.ts'
import { openTables } from '../src/decide/tables/tables.ts'
import { type Open, registering, type Suite, suiteOf } from './suite.ts'

/** What came of a row: `reason` is empty for kept. */
export type Fate = Readonly<Verdict>

/** A decider, and what it decides. */
export interface DeciderSubject {
  readonly decider: Decider
  /**
   * Batches with the columns that it reads and `row`; batch i is slot i. They hold a drop if it can drop, and copies of copies if it finds
   * copies.
   */
  readonly batches: readonly Batch[]
}

const freshVerdict = (): Verdict => {
  return { reason: '', evidence: Number.NaN, evidenceText: '', duplicateOf: -1, similarity: Number.NaN, domain: '' }
}

/** Decides a batch as a stage does: row after row through all deciders, and what they all keep is kept before the next row. */
export function decideBatch(deciders: readonly Decider[], batch: Batch, slot: number, state: State): Fate[] {
  const open = deciders.map(decider => decider.open(batch, slot, state))
  return Array.from({ length: batch.rows }, (_, row) => decideRow(open, row))
}

function decideRow(open: readonly RowDecider[], row: number): Fate {
  const verdict = freshVerdict()
  if (open.every(decider => decider.decide(row, verdict))) for (const decider of open) decider.keep(row)
  return verdict
}

const isKept = (fate: Fate) => fate.reason === ''

/** Decides one row, by default as a stage does. */
type DecideRow = (open: RowDecider, row: number, slot: number) => Fate
const asStage: DecideRow = (open, row) => decideRow([open], row)

/** New tables in memory. */
const openTablesOf = ({ tables }: Decider) => openTables({ path: null, shapes: tables, identity: '' })

/** What deciding all batches came to: the fates by slot, and the bytes of the tables sealed after each slot. */
interface Outcome {
  readonly fates: Fate[][]
  readonly tables: Buffer
}

/** Decides all batches over new tables in a file. */
async function decideAll(
  { decider, batches }: DeciderSubject,
  decide: DecideRow = asStage,
  sealEvery = 1,
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'headrace-decider-'))
  const path = join(folder, 'tables')
  try {
    const fates: Fate[][] = []
    {
      await using state = await openTables({ path, shapes: decider.tables, identity: 'conformance' })
      for (const [slot, batch] of batches.entries()) {
        const open = decider.open(batch, slot, state)
        fates.push(Array.from({ length: batch.rows }, (_, row) => decide(open, row, slot)))
        if ((slot + 1) % sealEvery === 0) await state.seal(slot + 1)
      }
    }
    return { fates, tables: await readFile(path) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Runs a check with what a stage would have come to. */
const onDecider =
  (check: (subject: DeciderSubject, expected: Outcome) => void | Promise<void>) =>
  async (open: Open<DeciderSubject>): Promise<void> => {
    const subject = await open()
    await check(subject, await decideAll(await open()))
  }

/** That a way of deciding leaves the tables that a stage leaves. */
function assertSameTables(actual: Outcome, expected: Outcome, what: string): void {
  assert.ok(actual.tables.equals(expected.tables), `${what} leaves other tables`)
}

const withRows = (batch: Batch, change: (row: number) => number): Batch =>
  withColumns(batch, { row: { kind: 'u32', values: Uint32Array.from(numbers(batch, 'row'), change) } })

/** The contract of `Decider`. */
export const deciderSuite: Suite<DeciderSubject> = suiteOf({
  'the same slots have the same fates, however they are grouped into commits': async open => {
    const expected = await decideAll(await open())
    for (const sealEvery of [2, 3, 1000]) {
      const { fates } = await decideAll(await open(), asStage, sealEvery)
      assert.deepEqual(fates, expected.fates, `sealed every ${sealEvery} slots`)
    }
  },
  'a slot that was rolled back has the same fates again': onDecider(async ({ decider, batches }, { fates }) => {
    await using state = await openTablesOf(decider)
    for (const [slot, batch] of batches.entries()) {
      for (const [i, later] of batches.slice(slot).entries()) decideBatch([decider], later, slot + i, state)
      state.rollback()
      assert.deepEqual(decideBatch([decider], batch, slot, state), fates[slot], `slot ${slot}`)
      await state.seal(slot + 1)
    }
  }),
  'a decider made anew over the tables goes on where the former one was': async open => {
    const { fates } = await decideAll(await open())
    const { decider, batches } = await open()
    await using state = await openTablesOf(decider)
    for (const [slot, batch] of batches.entries()) {
      const { decider: anew } = await open()
      assert.deepEqual(decideBatch([anew], batch, slot, state), fates[slot], `slot ${slot}`)
    }
  },
  'deciding a row remembers nothing: only a kept row can cause a drop': async open => {
    const { decider, batches } = await open()
    await using state = await openTablesOf(decider)
    const decideOnly = () =>
      batches.map((batch, slot) => {
        const rows = decider.open(batch, slot, state)
        return Array.from({ length: batch.rows }, (_, row) => {
          const verdict = freshVerdict()
          rows.decide(row, verdict)
          return verdict
        })
      })
    const first = decideOnly()
    assert.deepEqual(decideOnly(), first)
    for (const fate of first.flat()) assert.equal(fate.duplicateOf, -1, 'a drop names a document that was not kept')
  },
  'deciding a row twice before it is kept is deciding it once': onDecider(async (subject, expected) => {
    const outcome = await decideAll(subject, (open, row) => {
      open.decide(row, freshVerdict())
      return decideRow([open], row)
    })
    assert.deepEqual(outcome.fates, expected.fates)
    assertSameTables(outcome, expected, 'deciding each row twice')
  }),
  'tables are rebuilt from the rows that were kept: each decided and kept again, the others passed over': onDecider(
    async (subject, expected) => {
      const restored = await decideAll(subject, (open, row, slot) => {
        const fate = expected.fates[slot][row]
        if (!isKept(fate)) return fate
        const again = decideRow([open], row)
        assert.deepEqual(again, fate, `row ${row} of slot ${slot} was kept and has another fate now`)
        return again
      })
      assertSameTables(restored, expected, 'restoring from kept rows')
    },
  ),
  'a kept row has no reason and names nothing, and a drop has a declared reason': onDecider(
    ({ decider, batches }, { fates }) => {
      for (const fate of fates.flat())
        if (isKept(fate)) assert.equal(fate.duplicateOf, -1)
        else assert.ok(decider.reasons.includes(fate.reason), `reason '${fate.reason}' is not declared`)
      for (const reason of decider.reasons) assert.match(reason, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
      const kept = fates.flat().filter(isKept).length
      if (decider.reasons.length > 0) assert.ok(kept < rows, 'the batches of this subject hold nothing that is dropped')
    },
  ),
  'what it returns is what it says: true and no reason, or false and a reason': async open => {
    await decideAll(await open(), (rows, row, slot) => {
      const verdict = freshVerdict()
      const kept = rows.decide(row, verdict)
      assert.equal(kept, verdict.reason === '', `row ${row} of slot ${slot}`)
      if (kept) rows.keep(row)
      return verdict
    })
  },
  'a duplicate names a document that was kept before it': onDecider(({ batches }, { fates }) => {
    const kept = new Set<number>()
    for (const [slot, batch] of batches.entries())
      for (const [i, row] of numbers(batch, 'row').entries()) {
        const { reason, duplicateOf } = fates[slot][i]
        if (duplicateOf >= 0) assert.ok(kept.has(duplicateOf), `names ${duplicateOf}, never kept`)
        if (reason === '') kept.add(addressOf(slot, row))
      }
  }),
  "a document's address is its slot and its number in the column `row`, not its place in the batch": onDecider(
    async (subject, { fates }) => {
      const moved = { ...subject, batches: subject.batches.map(batch => withRows(batch, row => 3 * row + 7)) }
      const move = (address: number) =>
        address < 0 ? address : address - (address % 1_048_576) + 3 * (address % 1_048_576) + 7
      const expected = fates.map(slot => slot.map(fate => ({ ...fate, duplicateOf: move(fate.duplicateOf) })))
      assert.deepEqual((await decideAll(moved)).fates, expected)
    },
  ),
  'it reads no column but those that it declares and `row`, and writes to none': onDecider(
    async (subject, { fates }) => {
      const names = [...subject.decider.reads, 'row']
      const batches = subject.batches.map(({ rows, columns }): Batch => {
        return { rows, columns: Object.fromEntries(names.map(name => [name, structuredClone(columns[name])])) }
      })
      const before = structuredClone(batches)
      assert.deepEqual((await decideAll({ ...subject, batches })).fates, fates)
      assert.deepEqual(batches, before)
    },
  ),
  'it binds to a batch without rows, and says what it is: a version, options as JSON, tables with distinct names':
    async open => {
      const { decider, batches } = await open()
      await using state = await openTablesOf(decider)
      decider.open(takeRows(batches[0], []), 0, state)
      assert.ok(Number.isSafeInteger(decider.version) && decider.version >= 1, `version ${decider.version}`)
      assert.deepEqual(JSON.parse(JSON.stringify(decider.options)), decider.options)
    },
})

/** Registers the suite: `testDecider('my decider', () => ({ decider: myDecider(), batches }))`. */
export const testDecider = registering(deciderSuite)
