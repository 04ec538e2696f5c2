import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listSplits, parseRecords } from '../../../conformance/source.ts'
import type { Split } from '../../../src/sources/source.ts'
import { documentsOf, sourceOf, topicOf } from './memory-topic.ts'

const openTopic = (fetches: number) => {
  const topic = topicOf(documentsOf(['a', 'b', 'c', 'd']), documentsOf(['e']))
  topic.partitions[0].open = { at: 2, fetches }
  return topic
}
async function readTold(source: ReturnType<typeof sourceOf>, split: Split) {
  const told: string[] = []
  const reading = source.read(split, { offset: 0, line: 1 }, new AbortController().signal, waiting =>
    told.push(waiting),
  )
  const lines: number[] = []
  try {
    for await (const chunk of reading) lines.push(...(await parseRecords(source, chunk)).map(({ line }) => line))
    return { lines, told, error: null }
  } catch (error) {
    return { lines, told, error: error as Error & { code: string } }
  }
}

test('a range ends with what was there when it was looked at; an open transaction in it is waited for, and told', async () => {
  const source = sourceOf(openTopic(50), { transactionWaitMs: 75_000 })
  const [split] = await listSplits(source)
  assert.deepEqual(split.range, { of: 't/0', first: 0, end: 4 })
  const { lines, told, error } = await readTold(source, split)
  assert.equal(error, null)
  assert.deepEqual(lines, [1, 2, 3, 4])
  assert.deepEqual(told, [
    't/0: a transaction is open at offset 2, behind which the records up to 4 wait for its end; it is waited for, 75 s at most',
  ])
})

test('one that stays open stops the run with its place; the same range is read on from there when it has ended', async () => {
  const topic = openTopic(Number.POSITIVE_INFINITY)
  const source = sourceOf(topic, { transactionWaitMs: 0 })
  const [split] = await listSplits(source)
  const stopped = await readTold(source, split)
  assert.equal(stopped.error?.code, 'disk')
  assert.match(
    stopped.error!.message,
    /^t\/0: a transaction is open at offset 2, .* up to 4 .*same command again.*--topic t --partition 0/,
  )
  topic.partitions[0].open = { at: 2, fetches: 0 }
  assert.deepEqual((await readTold(source, split)).lines, [1, 2, 3, 4])
  // Records that its brokers lost are not waited for as if they came.
  topic.partitions[0].next = 3
  topic.partitions[0].records.pop()
  const lost = await readTold(source, split)
  assert.equal(lost.error?.code, 'source-changed')
  assert.match(lost.error!.message, /^t\/0 ends at offset 3 and had 4 when this run looked/)
})

test('a follower takes what is decided, so that an open transaction holds up nothing else', async () => {
  const source = sourceOf(openTopic(Number.POSITIVE_INFINITY), { follow: true, pollMs: 1 })
  const stop = new AbortController()
  const ends: number[] = []
  for await (const { range } of source.splits(stop.signal)) {
    ends.push(range!.end)
    if (ends.length === 2) stop.abort()
  }
  assert.deepEqual(ends, [2, 1])
})
