import { type DeciderSubject, deciderSuite } from '../../conformance/decider.ts'
import type { Decider, RowDecider, Verdict } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { makeSlots } from '../decide/documents.ts'
import { type Mutant, testMutants } from './mutants.ts'

const batches = makeSlots()

/** A decider of near duplicates that decides otherwise. */
const withRows = (change: (rows: RowDecider, slot: number) => Partial<RowDecider>) => (): DeciderSubject => {
  const decider = nearDuplicates()
  const open: Decider['open'] = (batch, slot, state) => {
    const rows = decider.open(batch, slot, state)
    return { ...rows, ...change(rows, slot) }
  }
  return { decider: { ...decider, open }, batches }
}

const withParts = (change: Partial<Decider>) => (): DeciderSubject => {
  return { decider: { ...nearDuplicates(), ...change }, batches }
}

/** Deciding with the verdict changed. */
const withVerdict = (change: (verdict: Verdict) => void) =>
  withRows(rows => ({
    decide(row, verdict) {
      const kept = rows.decide(row, verdict)
      if (!kept) change(verdict)
      return kept
    },
  }))

/** Drops a row where `isDue` says so, whatever it holds. */
const dropWhen = (rows: RowDecider, isDue: () => boolean): RowDecider['decide'] => {
  return (row, verdict) => {
    if (!isDue()) return rows.decide(row, verdict)
    verdict.reason = 'near-duplicate'
    return false
  }
}

const mutants: readonly Mutant<DeciderSubject>[] = [
  [
    /same slots have the same fates/,
    'a draw decides',
    withRows(rows => ({ decide: dropWhen(rows, () => Math.random() < 0.05) })),
  ],
  [
    /rolled back/,
    'it counts rows outside of the state',
    () => {
      let count = 0
      return withRows(rows => ({ decide: dropWhen(rows, () => ++count % 50 === 0) }))()
    },
  ],
  [
    /made anew/,
    'it keeps what it knows in itself',
    () => {
      let isFirst = true
      return withRows(rows => {
        const drops = isFirst
        isFirst = false
        return drops ? { decide: dropWhen(rows, () => true) } : {}
      })()
    },
  ],
  [
    /deciding a row remembers/,
    'it remembers a row when it decides it',
    withRows(rows => ({
      keep() {},
      decide(row, verdict) {
        const kept = rows.decide(row, verdict)
        if (kept) rows.keep(row)
        return kept
      },
    })),
  ],
  [
    /twice before it is kept/,
    'every other call to decide counts',
    withRows(rows => {
      let last = -1
      return {
        decide(row, verdict) {
          const isAgain = row === last
          last = row
          if (isAgain) rows.keep(row)
          return rows.decide(row, verdict)
        },
      }
    }),
  ],
  [
    /rebuilt from the rows/,
    'it remembers dropped rows, so that drops cause drops',
    withRows(rows => ({
      decide(row, verdict) {
        const kept = rows.decide(row, verdict)
        if (!kept) rows.keep(row)
        return kept
      },
    })),
  ],
  [
    /rebuilt from the rows/,
    'it remembers how many rows it was asked about',
    withRows((rows, slot) => {
      let asked = 0
      return {
        decide: (row, verdict) => (++asked === 20 && slot > 0 ? dropWhen(rows, () => true) : rows.decide)(row, verdict),
      }
    }),
  ],
  [
    /declared reason/,
    'it gives a reason that it did not declare',
    withVerdict(verdict => {
      verdict.reason = 'similar'
    }),
  ],
  [/declared reason/, 'it keeps everything', withRows(() => ({ decide: () => true, keep() {} }))],
  [
    /what it returns/,
    'a drop has no reason',
    withVerdict(verdict => {
      verdict.reason = ''
    }),
  ],
  [
    /names a document that was kept/,
    'a drop names a document that was not kept',
    withVerdict(verdict => {
      verdict.duplicateOf += 1000
    }),
  ],
  [
    /number in the column/,
    'an address is the place in the batch',
    () => {
      const decider = exactDuplicates()
      const open: Decider['open'] = (batch, slot, state) => {
        const row = { kind: 'u32' as const, values: Uint32Array.from({ length: batch.rows }, (_, i) => i) }
        return decider.open({ ...batch, columns: { ...batch.columns, row } }, slot, state)
      }
      return { decider: { ...decider, open }, batches }
    },
  ],
  [/reads no column but/, 'it does not declare a column', withParts({ reads: ['signature', 'bands'] })],
  [
    /without rows/,
    'it looks at the first row when it binds',
    () => {
      const decider = nearDuplicates()
      const open: Decider['open'] = (batch, slot, state) => {
        if (batch.rows === 0) throw new RangeError('no row')
        return decider.open(batch, slot, state)
      }
      return { decider: { ...decider, open }, batches }
    },
  ],
  [/without rows/, 'an option is a set', withParts({ options: { domains: new Set(['web']) } })],
]

testMutants(deciderSuite, mutants)
