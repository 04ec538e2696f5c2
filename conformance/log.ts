import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Append,
  type Entry,
  type Log,
  type Owner,
  readCommitted,
  readPartially,
  type Topics,
} from '../src/log/log.ts'
import { type Open, registering, type Suite, suiteOf } from './suite.ts'

/** An empty log. `reopen` closes it and opens it again, as after a restart; absent for a log that does not outlive its process. */
export interface LogSubject {
  readonly log: Log & Topics
  reopen?(): Promise<Log & Topics>
  /** Opens it again without closing, as another process does; absent for a log that lives in one process. The suite closes both. */
  openBeside?(): Promise<Log & Topics>
}

/** How long a reader may take to see a commit, in milliseconds. */
const wakeMs = 1000

const append = (topic: string, text: string, partition = 0): Append => ({
  topic,
  partition,
  headers: { text },
  value: Buffer.from(text),
})
const appends = (...texts: string[]) => ({ positions: [], appends: texts.map(text => append('s.a', text)) })
const at = (offset: bigint, slot: number, note = '', partition = 0) => ({ partition, offset, slot, note })
const count = (to: number) => Array.from({ length: to }, (_, i) => `${i}`)

async function readEntries(log: Log, topic: string, partition = 0, from = 0n): Promise<Entry[]> {
  return Array.fromAsync(readCommitted(log, topic, partition, from))
}

async function readTexts(log: Log, topic: string, partition = 0, from = 0n): Promise<string[]> {
  return (await readEntries(log, topic, partition, from)).map(({ value }) => Buffer.from(value).toString())
}

/** Runs a check on a fresh log, of which the stage `s` has an owner. */
const onLog =
  (check: (log: Log & Topics, owner: Owner) => Promise<void>) =>
  async (open: Open<LogSubject>): Promise<void> => {
    const { log } = await open()
    await using _log = log
    await using owner = await log.own('s')
    await check(log, owner)
  }

/** Runs a check on a log that has restarted after `before`; passes a log that can't. */
const onRestart =
  (before: (log: Log & Topics) => Promise<void>, check: (log: Log & Topics) => Promise<void>) =>
  async (open: Open<LogSubject>): Promise<void> => {
    const subject = await open()
    await using _log = subject.log
    if (!subject.reopen) return
    await before(subject.log)
    await using again = await subject.reopen()
    await check(again)
  }

/** Runs a check on a log and the same log as another process opens it later; passes one that lives in one process. */
const onTakeover =
  (check: (log: Log & Topics, takeOver: () => Promise<Log & Topics>) => Promise<void>) =>
  async (open: Open<LogSubject>): Promise<void> => {
    const { log, openBeside } = await open()
    await using _log = log
    if (openBeside) await check(log, openBeside)
  }

/** The contract of `Log`. */
export const logSuite: Suite<LogSubject> = suiteOf({
  'entries come back in order, with their bytes and headers, each partition by itself': onLog(async (log, owner) => {
    const first = [append('s.a', 'one'), append('s.a', 'two', 1), append('s.b', 'three')]
    await owner.commit({ positions: [], appends: first })
    await owner.commit(appends('four'))
    assert.deepEqual(await readTexts(log, 's.a'), ['one', 'four'])
    assert.deepEqual(await readTexts(log, 's.a', 1), ['two'])
    assert.deepEqual(await readTexts(log, 's.b'), ['three'])
    const [one] = await readEntries(log, 's.a')
    const [four] = await readEntries(log, 's.a', 0, one.offset + 1n)
    const { topic, partition, offset, headers } = four
    assert.deepEqual([topic, partition, headers], ['s.a', 0, { text: 'four' }])
    assert.ok(offset > one.offset, 'offsets rise')
  }),
  'a value owns its memory: whoever changes it changes nothing of the log': onLog(async (log, owner) => {
    const mine = append('s.a', 'abc')
    await owner.commit({ positions: [], appends: [mine] })
    mine.value.fill(0)
    const [{ value }] = await readEntries(log, 's.a')
    assert.equal(Buffer.from(value).toString(), 'abc', 'the committed bytes changed with those of the writer')
    assert.equal(value.buffer.byteLength, value.length)
    value.fill(0)
    assert.deepEqual(await readTexts(log, 's.a'), ['abc'])
  }),
  'any part of a value can be read, of the same entries in the same order': onLog(async (log, owner) => {
    await owner.commit(appends('abcdef', '', 'ghi'))
    await owner.commit(appends('jkl'))
    const [first, ...others] = await Array.fromAsync(readPartially(log, { topic: 's.a', partition: 0, offset: 0n }))
    assert.deepEqual(
      [first, ...others].map(({ headers, length }) => [headers.text, length]),
      [
        ['abcdef', 6],
        ['', 0],
        ['ghi', 3],
        ['jkl', 3],
      ],
    )
    for (const [at, bytes, part] of [
      [0, 6, 'abcdef'],
      [2, 3, 'cde'],
      [5, 1, 'f'],
      [6, 0, ''],
    ] as const)
      assert.equal(Buffer.from(await first.readPart(at, bytes)).toString(), part)
    const [ghi] = await Array.fromAsync(readPartially(log, others[1]))
    assert.equal(Buffer.from(await ghi.readPart(1, 2)).toString(), 'hi')
  }),
  'bounds are the first offset and one past all that is committed': onLog(async (log, owner) => {
    assert.deepEqual(await log.bounds('s.a', 0), { first: 0n, next: 0n })
    await owner.commit(appends('x', 'y'))
    const { first, next } = await log.bounds('s.a', 0)
    const [x, y, ...more] = await readEntries(log, 's.a')
    assert.deepEqual(more, [])
    assert.ok(first <= x.offset && x.offset < y.offset && y.offset < next, `${first} ${x.offset} ${y.offset} ${next}`)
    assert.deepEqual(await readTexts(log, 's.a', 0, next), [])
    assert.deepEqual(await log.bounds('s.a', 1), { first: 0n, next: 0n })
  }),
  'a position is what the last commit that names it said, and 0 before; partitions and stages have their own': onLog(
    async (log, owner) => {
      assert.deepEqual(await log.position('s', 0), at(0n, 0))
      await owner.commit({ positions: [at(5n, 3, 'note'), at(2n ** 60n, 4, '', 1)], appends: [] })
      await owner.commit({ positions: [at(7n, 9, '{"ö":1}', 1)], appends: [append('s.a', 'x')] })
      assert.deepEqual(await log.position('s', 0), at(5n, 3, 'note'))
      assert.deepEqual(await log.position('s', 1), at(7n, 9, '{"ö":1}', 1))
      assert.deepEqual(await log.position('t', 0), at(0n, 0))
    },
  ),
  'a reader that sees an entry finds the position of its commit': onLog(async (log, owner) => {
    const stop = new AbortController()
    const reader = log.read({ topic: 's.a', partition: 0, offset: 0n }, stop.signal)[Symbol.asyncIterator]()
    for (let i = 1; i <= 5; i++) {
      const seen = reader.next().then(() => log.position('s', 0))
      const done = owner.commit({ positions: [at(BigInt(i), i)], appends: [append('s.a', `${i}`)] })
      assert.equal((await seen).slot, i)
      await done
    }
    stop.abort()
  }),
  'a new owner fences the one before, whose commit changes nothing; other stages go on': onLog(async (log, first) => {
    await using other = await log.own('t')
    await first.commit(appends('mine'))
    await using second = await log.own('s')
    const zombie = { positions: [at(9n, 9)], appends: [append('s.a', 'zombie')] }
    await assert.rejects(first.commit(zombie), { code: 'fenced' })
    await second.commit(appends('yours'))
    await assert.rejects(first.commit(zombie), { code: 'fenced' })
    assert.deepEqual(await readTexts(log, 's.a'), ['mine', 'yours'])
    assert.equal((await log.position('s', 0)).slot, 0)
    await other.commit({ positions: [], appends: [append('t.a', 'still')] })
    assert.deepEqual(await readTexts(log, 't.a'), ['still'])
  }),
  'what an owner had begun is done before the next one owns, or never: the position read then is final': onLog(
    async (log, first) => {
      const begun = count(5).map((text, i) =>
        first.commit({ positions: [at(0n, i + 1)], appends: [append('s.a', text)] }),
      )
      const results = Promise.allSettled(begun)
      await using second = await log.own('s')
      const { slot } = await log.position('s', 0)
      const done = (await results).filter(({ status }) => status === 'fulfilled').length
      assert.equal((await log.position('s', 0)).slot, slot)
      assert.equal(done, slot)
      await second.commit(appends('next'))
      assert.deepEqual(await readTexts(log, 's.a'), [...count(slot), 'next'])
    },
  ),
  'a process whose stage another process owns commits nothing more, and what it was told is done stays': onTakeover(
    async (log, takeOver) => {
      await using first = await log.own('s')
      await first.commit({ positions: [at(1n, 1)], appends: [append('s.a', '0')] })
      const begun = first.commit({ positions: [at(2n, 2)], appends: [append('s.a', '1')] }).then(
        () => true,
        () => false,
      )
      await using other = await takeOver()
      await using second = await other.own('s')
      const { slot } = await other.position('s', 0)
      assert.ok(slot === 2 || (slot === 1 && !(await begun)), `slot ${slot} after a commit that was done`)
      const zombie = { positions: [at(9n, 9)], appends: [append('s.a', 'zombie')] }
      await assert.rejects(first.commit(zombie), { code: 'fenced' })
      await second.commit(appends('next'))
      await assert.rejects(first.commit(zombie), { code: 'fenced' })
      assert.deepEqual(await readTexts(other, 's.a'), [...count(slot), 'next'])
      assert.equal((await other.position('s', 0)).slot, slot)
    },
  ),
  'a trim of one topic takes nothing of another': onLog(async (log, owner) => {
    const both = (text: string) => [append('s.a', text.repeat(1000)), append('s.b', text), append('s.a', text, 1)]
    for (const text of count(6)) await owner.commit({ positions: [], appends: both(text) })
    const { next } = await log.bounds('s.a', 0)
    await log.trim('s.a', 0, next)
    assert.deepEqual(await readTexts(log, 's.b'), count(6))
    assert.deepEqual(await readTexts(log, 's.a', 1), count(6))
    assert.equal((await log.bounds('s.a', 0)).next, next)
  }),
  'commits of one owner happen in the order of the calls': onLog(async (log, owner) => {
    const commits = count(20).map((text, i) =>
      owner.commit({ positions: [at(BigInt(i), i)], appends: [append('s.a', text)] }),
    )
    await Promise.all(commits)
    assert.deepEqual(await readTexts(log, 's.a'), count(20))
    assert.equal((await log.position('s', 0)).slot, 19)
  }),
  'a reader waits for the next commit; when its signal aborts it gives what is committed and ends': onLog(
    async (log, owner) => {
      const stop = new AbortController()
      const reading = Array.fromAsync(log.read({ topic: 's.a', partition: 0, offset: 1n }, stop.signal))
      await owner.commit(appends('before', 'late'))
      stop.abort()
      assert.deepEqual(
        (await reading).map(({ value }) => Buffer.from(value).toString()),
        ['late'],
      )
      const { next } = await log.bounds('s.a', 0)
      assert.deepEqual(await readTexts(log, 's.a', 0, next + 5n), [])
    },
  ),
  'a reader that waited often has left nothing behind on its signal': onLog(async (log, owner) => {
    const stop = new AbortController()
    const reader = log.read({ topic: 's.a', partition: 0, offset: 0n }, stop.signal)[Symbol.asyncIterator]()
    for (let i = 0; i < 20; i++) {
      const waiting = reader.next()
      await owner.commit(appends(`${i}`))
      assert.ok(await Promise.race([waiting, sleep(wakeMs, null, { ref: false })]), 'the commit wakes the reader')
    }
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    stop.abort()
  }),
  'what was trimmed is an error to read, what was not is there, and offsets go on': onLog(async (log, owner) => {
    for (const text of count(6)) await owner.commit(appends(text.repeat(1000)))
    const { next } = await log.bounds('s.a', 0)
    const { offset: fifth } = (await readEntries(log, 's.a'))[4]
    await log.trim('s.a', 0, fifth)
    const bounds = await log.bounds('s.a', 0)
    assert.ok(bounds.first > 0n && bounds.first <= fifth && bounds.next === next, `first is ${bounds.first}`)
    await assert.rejects(readTexts(log, 's.a'), { code: 'trimmed' })
    assert.equal((await readTexts(log, 's.a', 0, fifth)).length, 2)
    await owner.commit(appends('new'))
    assert.deepEqual(await readTexts(log, 's.a', 0, next), ['new'])
  }),
  'what was committed is there after a restart, and the log goes on': onRestart(
    async log => {
      await using owner = await log.own('s')
      await owner.commit({ positions: [at(1n, 1, 'n')], appends: [append('s.a', 'kept'), append('s.b', '')] })
    },
    async log => {
      assert.deepEqual(await readTexts(log, 's.a'), ['kept'])
      assert.deepEqual(await readTexts(log, 's.b'), [''])
      assert.deepEqual(await log.position('s', 0), at(1n, 1, 'n'))
      await using owner = await log.own('s')
      await owner.commit(appends('more'))
      assert.deepEqual(await readTexts(log, 's.a'), ['kept', 'more'])
    },
  ),
  'after a trim and a restart positions are the same and no offset is given twice': onRestart(
    async log => {
      await using owner = await log.own('s')
      await owner.commit({ positions: [at(3n, 3, 'n', 2)], appends: [append('s.a', '0')] })
      for (const text of count(5)) await owner.commit(appends(text.repeat(1000)))
      // Commits without an entry, so that what is left of the log may have none.
      for (const text of count(5)) await owner.commit({ positions: [at(6n, 6, text.repeat(1000))], appends: [] })
      const { next } = await log.bounds('s.a', 0)
      await log.trim('s.a', 0, next)
      await owner.commit({ positions: [at(next, 7, 'next')], appends: [] })
    },
    async log => {
      assert.deepEqual(await log.position('s', 2), at(3n, 3, 'n', 2))
      const { offset: before } = await log.position('s', 0)
      const { next } = await log.bounds('s.a', 0)
      assert.equal(next, before)
      await using owner = await log.own('s')
      await owner.commit(appends('new'))
      assert.deepEqual(await readTexts(log, 's.a', 0, next), ['new'])
    },
  ),
})

/** Registers the suite: `testLog('my log', async () => ({ log: await openMine() }))`. */
export const testLog = registering(logSuite)
