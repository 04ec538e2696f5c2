import assert from 'node:assert/strict'
import type { Batch } from '../../src/batch/batch.ts'
import { numbers } from '../../src/batch/batch.ts'
import { type Address, addressOf, type Decider, type Verdict } from '../../src/decide/decider.ts'
import type { State } from '../../src/decide/state.ts'

/** What came of a row: `reason` is empty for kept. */
export type Fate = Readonly<Verdict>

const freshVerdict = (): Verdict => {
  return { reason: '', evidence: Number.NaN, evidenceText: '', duplicateOf: -1, similarity: Number.NaN, domain: '' }
}

/** Decides a batch as a stage does: row after row through all deciders, and what they all keep is kept before the next row. */
export function decideBatch(deciders: readonly Decider[], batch: Batch, slot: number, state: State): Fate[] {
  const open = deciders.map(decider => decider.open(batch, slot, state))
  return Array.from({ length: batch.rows }, (_, row) => {
    const verdict = freshVerdict()
    if (open.every(decider => decider.decide(row, verdict))) for (const decider of open) decider.keep(row)
    return verdict
  })
}

/** What the checks need. `openState` gives an empty state at each call, or the one that was saved under the same name. */
export interface DeciderSetting {
  readonly make: () => Decider
  /** Batches with the columns that it reads and `row`; batch i is slot i. They hold a drop if it can drop, and copies of copies if it finds copies. */
  readonly batches: readonly Batch[]
  readonly openState: (shapes: Decider['tables'], name?: string) => Promise<State>
}

export interface DeciderCheck {
  readonly name: string
  readonly run: (setting: DeciderSetting) => Promise<void>
}

async function decideAll({ make, batches, openState }: DeciderSetting, sealEvery = 1): Promise<Fate[][]> {
  const decider = make()
  await using state = await openState(decider.tables)
  const fates: Fate[][] = []
  for (const [slot, batch] of batches.entries()) {
    fates.push(decideBatch([decider], batch, slot, state))
    if ((slot + 1) % sealEvery === 0) await state.seal(slot + 1)
  }
  return fates
}

/** The contract of `Decider`, one check a promise. Each throws when the promise is broken. */
export const deciderChecks: readonly DeciderCheck[] = [
  {
    name: 'the same slots have the same fates, however they are grouped into commits',
    async run(setting) {
      const expected = await decideAll(setting)
      for (const sealEvery of [2, 3, setting.batches.length])
        assert.deepEqual(await decideAll(setting, sealEvery), expected, `sealed every ${sealEvery} slots`)
    },
  },
  {
    name: 'a slot that was rolled back has the same fates again',
    async run(setting) {
      const expected = await decideAll(setting)
      const decider = setting.make()
      await using state = await setting.openState(decider.tables)
      for (const [slot, batch] of setting.batches.entries()) {
        for (const later of setting.batches.slice(slot)) decideBatch([decider], later, slot, state)
        state.rollback()
        assert.deepEqual(decideBatch([decider], batch, slot, state), expected[slot], `slot ${slot}`)
        await state.seal(slot + 1)
      }
    },
  },
  {
    name: 'a decider made anew over the saved state goes on where the former one was',
    async run(setting) {
      const expected = await decideAll(setting)
      for (const [slot, batch] of setting.batches.entries()) {
        const decider = setting.make()
        await using state = await setting.openState(decider.tables, 'replay')
        assert.equal(state.slot(), slot)
        assert.deepEqual(decideBatch([decider], batch, slot, state), expected[slot], `slot ${slot}`)
        await state.seal(slot + 1)
      }
    },
  },
  {
    name: 'deciding a row remembers nothing: only a kept row can cause a drop',
    async run({ make, batches, openState }) {
      const decider = make()
      await using state = await openState(decider.tables)
      const decideOnly = () =>
        batches.map((batch, slot) => {
          const open = decider.open(batch, slot, state)
          return Array.from({ length: batch.rows }, (_, row) => {
            const verdict = freshVerdict()
            open.decide(row, verdict)
            return verdict
          })
        })
      const first = decideOnly()
      assert.deepEqual(decideOnly(), first)
      for (const fate of first.flat()) assert.equal(fate.duplicateOf, -1, 'a drop names a document that was not kept')
    },
  },
  {
    name: 'a kept row has no reason, a drop has a declared one, and a duplicate names a document that was kept before it',
    async run(setting) {
      const { reasons } = setting.make()
      const kept = new Set<Address>()
      for (const [slot, fates] of (await decideAll(setting)).entries())
        for (const [row, fate] of fates.entries()) {
          if (fate.reason === '') {
            assert.equal(fate.duplicateOf, -1)
            kept.add(addressOf(slot, numbers(setting.batches[slot], 'row')[row]))
          } else assert.ok(reasons.includes(fate.reason), `reason '${fate.reason}' is not declared`)
          if (fate.duplicateOf >= 0) assert.ok(kept.has(fate.duplicateOf), `names ${fate.duplicateOf}, never kept`)
        }
      if (reasons.length > 0) {
        const rows = setting.batches.reduce((sum, batch) => sum + batch.rows, 0)
        assert.ok(kept.size < rows, 'the batches of this setting hold nothing that is dropped')
      }
    },
  },
]
