import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AnswerStore, type Outcome } from '../../../src/annotate/judge/answer-store.ts'
import { makeFolder } from '../../temporary.ts'
import { terms } from './ask-texts.ts'

const budget = { requests: 10, tokens: 1000 }
const answer: Outcome = { values: [4], tokens: 30, servedBy: 'm' }

async function storeWith(texts: number): Promise<{ dir: string; store: AnswerStore }> {
  const dir = makeFolder('store')
  const store = await AnswerStore.open(dir, terms)
  for (let i = 0; i < texts; i++) await store.settle((await store.reserve(`key ${i}`, 100, budget))!, answer)
  return { dir, store }
}

test('a request counts in full until it has ended, and then what it cost', async () => {
  const { dir, store } = await storeWith(1)
  assert.deepEqual(store.spent, { requests: 1, tokens: 30 })
  await store.reserve('open', 100, budget)
  // Of a process that was killed, too.
  const { spent } = await AnswerStore.open(dir, terms)
  assert.deepEqual(spent, { requests: 2, tokens: 130 })
})

test('what is beyond the budget is not put down', async () => {
  const { store } = await storeWith(1)
  for (const own of [
    { requests: 1, tokens: 1000 },
    { requests: 10, tokens: 129 },
  ])
    assert.equal(await store.reserve('next', 100, own), null)
  assert.deepEqual(store.spent, { requests: 1, tokens: 30 })
  assert.notEqual(await store.reserve('next', 100, { requests: 2, tokens: 130 }), null)
})

test('of several who put the last request down at once one may send it', async () => {
  const { dir } = await storeWith(9)
  const stores = await Promise.all(Array.from({ length: 5 }, () => AnswerStore.open(dir, terms)))
  const granted = await Promise.all(stores.map((store, i) => store.reserve(`last ${i}`, 100, budget)))
  assert.equal(granted.filter(Boolean).length, 1)
  for (const store of stores) await store.refresh()
  assert.deepEqual(
    stores.map(({ spent }) => spent.requests),
    [10, 10, 10, 10, 10],
  )
})

test('a line that was cut off anywhere takes no other with it, and is counted', async () => {
  const { store } = await storeWith(2)
  const whole = readFileSync(store.path)
  const end = whole.subarray(0, -1).lastIndexOf(10) + 1
  for (const cut of [end + 1, (end + whole.length) >> 1, whole.length - 2, whole.length - 1]) {
    const dir = makeFolder('cut')
    const path = join(dir, readdirSync(join(store.path, '..'))[0])
    writeFileSync(path, whole.subarray(0, cut))
    const read = await AnswerStore.open(dir, terms)
    assert.deepEqual(
      [read.find('key 0'), read.find('key 1'), read.spent],
      [[4], undefined, { requests: 2, tokens: 130 }],
    )
    // What is written next ends a line that lacks its end alone: then the answer is there, and is not asked for again.
    const isWhole = cut === whole.length - 1
    const reserved = await read.reserve('key 1', 100, budget)
    assert.equal(reserved === null, isWhole)
    if (reserved) await read.settle(reserved, answer)
    const again = await AnswerStore.open(dir, terms)
    assert.deepEqual([again.find('key 0'), again.find('key 1'), again.damaged], [[4], [4], isWhole ? 0 : 1])
  }
})

test('lines that nobody wrote so are counted and believed in nothing', async () => {
  const { dir, store } = await storeWith(1)
  const lines = readFileSync(store.path, 'utf8')
  const forged = lines.replace('"values":[4]', '"values":[5]').split('\n').at(-2)!
  appendFileSync(store.path, `${forged}\nnothing\n{}\n`)
  const read = await AnswerStore.open(dir, terms)
  assert.deepEqual([read.find('key 0'), read.damaged, read.spent], [[4], 3, store.spent])
})

test('a file that was replaced under a process stops it, as it can tell no budget from it', async () => {
  const { store } = await storeWith(2)
  writeFileSync(store.path, '')
  await assert.rejects(store.reserve('next', 100, budget), { code: 'corrupt', message: /replaced under this process/ })
})
