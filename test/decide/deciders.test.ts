import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { balance } from '../../src/decide/balance.ts'
import type { Decider, RowDecider } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { holdout } from '../../src/decide/holdout.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { openTables } from '../../src/decide/tables.ts'
import { type DeciderSetting, deciderChecks } from '../conformance/decider.ts'
import { makeSlots } from './documents.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headrace-deciders-'))
})
after(() => rm(folder, { recursive: true }))

let files = 0
const batches = makeSlots()

function settingOf(make: () => Decider): DeciderSetting {
  const paths = new Map<string, string>()
  return {
    make,
    batches,
    openState(shapes, name) {
      const path = (name !== undefined && paths.get(name)) || join(folder, `state-${files++}`)
      if (name !== undefined) paths.set(name, path)
      return openTables({ path, shapes, identity: 'test' })
    },
  }
}

const deciders: Record<string, () => Decider> = {
  'exact-duplicates': exactDuplicates,
  'near-duplicates': nearDuplicates,
  'near-duplicates within a domain': () => nearDuplicates({ scope: 'domain' }),
  holdout: () => holdout({ rate: 0.2 }),
  balance: () => balance({ rates: { web: 0.5 } }),
}

for (const [decider, make] of Object.entries(deciders))
  for (const { name, run } of deciderChecks) test(`${decider}: ${name}`, () => run(settingOf(make)))

/** A decider with one mistake, to show that the checks find it. */
function breakDecider(change: (rows: RowDecider) => RowDecider, make = nearDuplicates): () => Decider {
  return () => {
    const decider = make()
    return { ...decider, open: (batch, slot, state) => change(decider.open(batch, slot, state)) }
  }
}

const brokenDeciders: Record<string, () => Decider> = {
  'remembers a row when it decides it': breakDecider(rows => ({
    keep() {},
    decide(row, verdict) {
      const kept = rows.decide(row, verdict)
      if (kept) rows.keep(row)
      return kept
    },
  })),
  'remembers dropped rows, so that drops cause drops': breakDecider(rows => ({
    keep: row => rows.keep(row),
    decide(row, verdict) {
      const kept = rows.decide(row, verdict)
      if (!kept) rows.keep(row)
      return kept
    },
  })),
  'counts rows outside of the state': () => {
    let count = 0
    return breakDecider(rows => ({
      keep: row => rows.keep(row),
      decide(row, verdict) {
        if (++count % 50 !== 0) return rows.decide(row, verdict)
        verdict.reason = 'near-duplicate'
        return false
      },
    }))()
  },
  'gives a reason that it did not declare': breakDecider(rows => ({
    keep: row => rows.keep(row),
    decide(row, verdict) {
      const kept = rows.decide(row, verdict)
      if (!kept) verdict.reason = 'similar'
      return kept
    },
  })),
  'names a document that was not kept': breakDecider(rows => ({
    keep: row => rows.keep(row),
    decide(row, verdict) {
      const kept = rows.decide(row, verdict)
      if (!kept) verdict.duplicateOf += 1000
      return kept
    },
  })),
  'keeps everything': breakDecider(() => ({ decide: () => true, keep() {} })),
}

for (const [name, make] of Object.entries(brokenDeciders))
  test(`the checks find a decider that ${name}`, async () => {
    const results = await Promise.allSettled(deciderChecks.map(check => check.run(settingOf(make))))
    assert.ok(results.some(result => result.status === 'rejected'))
  })
