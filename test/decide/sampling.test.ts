import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideBatch, type Fate } from '../../conformance/decider.ts'
import { balance } from '../../src/decide/balance.ts'
import type { Decider } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { holdout } from '../../src/decide/holdout.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { openTables } from '../../src/decide/tables/tables.ts'
import { editWords, makeBatch, makeWords, type TestDocument } from './documents.ts'

async function decide(deciders: readonly Decider[], slots: readonly (readonly TestDocument[])[]): Promise<Fate[]> {
  const shapes = deciders.flatMap(decider => decider.tables)
  await using state = await openTables({ path: null, shapes, identity: 'test' })
  return slots.flatMap((documents, slot) => decideBatch(deciders, makeBatch(documents), slot, state))
}

const documents: TestDocument[] = Array.from({ length: 6000 }, (_, i) => {
  return { id: `doc-${i}`, text: '', domain: ['web', 'code', 'forum'][i % 3] }
})
const rowsWhere = (fates: readonly Fate[], pick: (fate: Fate) => boolean): Set<number> =>
  new Set(fates.flatMap((fate, row) => (pick(fate) ? [row] : [])))

test('holdout moves its share and drops nothing; another seed moves others', async () => {
  const fates = await decide([holdout({ rate: 0.1 })], [documents])
  assert.ok(fates.every(fate => fate.reason === ''))
  const held = rowsWhere(fates, fate => fate.domain === 'holdout')
  assert.ok(Math.abs(held.size - 600) < 100, `${held.size}`)
  const others = rowsWhere(await decide([holdout({ rate: 0.1, seed: 1 })], [documents]), f => f.domain === 'holdout')
  assert.ok([...held].filter(row => others.has(row)).length < 120)
})

test('a near copy of a document held out is dropped, not trained on', async () => {
  const text = makeWords(5, 300)
  const fates = await decide(
    [exactDuplicates(), nearDuplicates(), holdout({ rate: 1 })],
    [
      [{ id: 'a', text: text.join(' ') }],
      [
        { id: 'b', text: editWords(text, 150).join(' ') },
        { id: 'c', text: text.join(' ') },
      ],
    ],
  )
  assert.deepEqual(
    fates.map(fate => fate.reason),
    ['', 'near-duplicate', 'exact-duplicate'],
  )
  assert.equal(fates[0].domain, 'holdout')
})

test('balance keeps each domain at its rate, and all of one that is not named', async () => {
  const fates = await decide([balance({ rates: { web: 0.25, code: 0 } })], [documents])
  const kept = (domain: string) =>
    fates.filter((fate, i) => documents[i].domain === domain && fate.reason === '').length
  assert.ok(Math.abs(kept('web') - 500) < 90, `${kept('web')}`)
  assert.equal(kept('code'), 0)
  assert.equal(kept('forum'), 2000)
  for (const [row, fate] of fates.entries())
    if (fate.reason !== '') {
      assert.equal(fate.reason, 'over-domain-rate')
      assert.ok(fate.evidence >= (documents[row].domain === 'web' ? 0.25 : 0))
    }
})

test('a raised rate keeps all that the lower one kept', async () => {
  const kept = async (web: number) =>
    rowsWhere(await decide([balance({ rates: { web } })], [documents]), f => f.reason === '')
  const [low, high] = [await kept(0.2), await kept(0.5)]
  assert.ok(low.size > 300 && [...low].every(row => high.has(row)))
})

test('holdout and balance with one seed draw independently, and what is held out is not balanced', async () => {
  const rates = { web: 0.5, code: 0.5, forum: 0.5 }
  const fates = await decide([holdout({ rate: 0.1 }), balance({ rates })], [documents])
  const held = fates.filter(fate => fate.domain === 'holdout')
  const [alone, balanced] = await Promise.all([
    decide([holdout({ rate: 0.1 })], [documents]),
    decide([balance({ rates })], [documents]),
  ])
  const heldAlone = alone.filter(fate => fate.domain === 'holdout')
  assert.equal(held.filter(fate => fate.reason === '').length, heldAlone.length)
  const both = alone.filter((fate, row) => fate.domain === 'holdout' && balanced[row].reason === '').length
  assert.ok(Math.abs(both - held.length / 2) < 5 * Math.sqrt(held.length / 4), `${both} of ${held.length}`)
})

test('rates outside of 0 to 1 are refused', () => {
  for (const rate of [-0.1, 1.5, Number.NaN]) {
    assert.throws(() => holdout({ rate }), { code: 'bad-option' })
    assert.throws(() => balance({ rates: { web: rate } }), { code: 'bad-option', message: /'web'/ })
  }
})
