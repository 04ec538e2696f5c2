import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Append, Entry, Log, Topics } from '../../src/log/log.ts'

/** Opens an empty log; `reopen` opens the same one again, as after a restart, or is absent for a log that does not outlive its process. */
export interface LogFixture {
  readonly log: Log & Topics
  reopen?(): Promise<Log & Topics>
}

const append = (topic: string, text: string, partition = 0): Append => ({
  topic,
  partition,
  headers: { text },
  value: Buffer.from(text),
})
const at = (offset: bigint, slot: number, note = '') => ({ partition: 0, offset, slot, note })
const now = AbortSignal.abort()

async function readTexts(log: Log, topic: string, partition = 0, offset = 0n, signal = now): Promise<string[]> {
  const texts: string[] = []
  for await (const entry of log.read({ topic, partition, offset }, signal))
    texts.push(Buffer.from(entry.value).toString())
  return texts
}

/** The rules of the log, each in one line, as checks that throw. */
export const logRules: Record<string, (fixture: LogFixture) => Promise<void>> = {
  'entries come back in order, with their bytes and headers, each partition by itself': async ({ log }) => {
    await using owner = await log.own('s')
    await owner.commit({
      positions: [],
      appends: [append('s.a', 'one'), append('s.a', 'two', 1), append('s.b', 'three')],
    })
    await owner.commit({ positions: [], appends: [append('s.a', 'four')] })
    assert.deepEqual(await readTexts(log, 's.a'), ['one', 'four'])
    assert.deepEqual(await readTexts(log, 's.a', 1), ['two'])
    assert.deepEqual(await readTexts(log, 's.b'), ['three'])
    const entries: Entry[] = []
    for await (const entry of log.read({ topic: 's.a', partition: 0, offset: 1n }, now)) entries.push(entry)
    assert.deepEqual([entries[0].headers.text, entries[0].offset], ['four', 1n])
    assert.equal(entries[0].value.buffer.byteLength, entries[0].value.length, 'the value owns its memory')
  },
  'bounds are the first offset and the next': async ({ log }) => {
    await using owner = await log.own('s')
    assert.deepEqual(await log.bounds('s.a', 0), { first: 0n, next: 0n })
    await owner.commit({ positions: [], appends: [append('s.a', 'x'), append('s.a', 'y')] })
    assert.deepEqual(await log.bounds('s.a', 0), { first: 0n, next: 2n })
  },
  'a position is what the last commit said, and 0 before': async ({ log }) => {
    await using owner = await log.own('s')
    assert.deepEqual(await log.position('s', 0), at(0n, 0))
    await owner.commit({ positions: [at(5n, 3, 'note')], appends: [] })
    assert.deepEqual(await log.position('s', 0), at(5n, 3, 'note'))
  },
  'a new owner fences the one before, whose commit changes nothing': async ({ log }) => {
    await using first = await log.own('s')
    await first.commit({ positions: [], appends: [append('s.a', 'mine')] })
    await using second = await log.own('s')
    await assert.rejects(first.commit({ positions: [at(9n, 9)], appends: [append('s.a', 'zombie')] }), {
      code: 'fenced',
    })
    await second.commit({ positions: [], appends: [append('s.a', 'yours')] })
    assert.deepEqual(await readTexts(log, 's.a'), ['mine', 'yours'])
    assert.equal((await log.position('s', 0)).slot, 0)
  },
  'commits of one owner happen in the order of the calls': async ({ log }) => {
    await using owner = await log.own('s')
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        owner.commit({ positions: [at(BigInt(i), i)], appends: [append('s.a', `${i}`)] }),
      ),
    )
    assert.deepEqual(
      await readTexts(log, 's.a'),
      Array.from({ length: 20 }, (_, i) => `${i}`),
    )
    assert.equal((await log.position('s', 0)).slot, 19)
  },
  'a reader at the end waits for the next commit and ends when its signal aborts': async ({ log }) => {
    await using owner = await log.own('s')
    const stop = new AbortController()
    const reading = readTexts(log, 's.a', 0, 0n, stop.signal)
    await owner.commit({ positions: [], appends: [append('s.a', 'late')] })
    stop.abort()
    assert.deepEqual(await reading, ['late'])
  },
  'a reader that waited often has left nothing behind on its signal': async ({ log }) => {
    await using owner = await log.own('s')
    const stop = new AbortController()
    const reader = log.read({ topic: 's.a', partition: 0, offset: 0n }, stop.signal)[Symbol.asyncIterator]()
    for (let i = 0; i < 20; i++) {
      const waiting = reader.next()
      await owner.commit({ positions: [], appends: [append('s.a', `${i}`)] })
      assert.ok(await Promise.race([waiting, sleep(1000, null, { ref: false })]), 'the commit wakes the reader')
    }
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    stop.abort()
  },
  'what was trimmed is an error to read, and offsets go on': async ({ log }) => {
    await using owner = await log.own('s')
    for (let i = 0; i < 6; i++) await owner.commit({ positions: [], appends: [append('s.a', `${i}`.repeat(1000))] })
    await log.trim('s.a', 0, 4n)
    const { first, next } = await log.bounds('s.a', 0)
    assert.ok(first > 0n && first <= 4n && next === 6n, `first is ${first}`)
    await assert.rejects(readTexts(log, 's.a'), { code: 'trimmed' })
    assert.equal((await readTexts(log, 's.a', 0, 4n)).length, 2)
  },
  'what was committed is there after a restart': async fixture => {
    if (!fixture.reopen) return
    await using owner = await fixture.log.own('s')
    await owner.commit({ positions: [at(1n, 1, 'n')], appends: [append('s.a', 'kept'), append('s.b', '')] })
    await using again = await fixture.reopen()
    assert.deepEqual(await readTexts(again, 's.a'), ['kept'])
    assert.deepEqual(await readTexts(again, 's.b'), [''])
    assert.deepEqual(await again.position('s', 0), at(1n, 1, 'n'))
    await using next = await again.own('s')
    await next.commit({ positions: [], appends: [append('s.a', 'more')] })
    assert.deepEqual(await readTexts(again, 's.a'), ['kept', 'more'])
  },
}

/** Runs every rule on a fresh log. */
export function testLog(name: string, open: () => Promise<LogFixture>): void {
  for (const [rule, check] of Object.entries(logRules))
    test(`${name}: ${rule}`, async () => {
      const fixture = await open()
      await using _log = fixture.log
      await check(fixture)
    })
}
