import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, Log } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { TextTopic, textsAppend, trimTexts } from '../../src/record/text-topic.ts'

const partitions = 2
const shape = { partitions, lanes: 1, textTopic: true }
const textOf = (slot: number) => Uint8Array.of(slot, 1)

/** Commits the texts of some slots, each by itself. */
async function commit(log: MemoryLog, slots: readonly number[]): Promise<void> {
  await using owner = await log.own('annotate')
  for (const slot of slots) await owner.commit({ positions: [], appends: [textsAppend(shape, slot, textOf(slot))] })
}

/** Partition 0 with the texts of slots 0, 2, 4 and 8; slot 6 refers to another run's. */
async function fill(): Promise<MemoryLog> {
  const log = new MemoryLog()
  await commit(log, [0, 1, 2, 3, 4, 5, 7, 8])
  return log
}

const table: readonly [what: string, trimmed: number, slots: readonly number[], found: readonly boolean[]][] = [
  ['in order', 0, [0, 2, 4, 6, 8], [true, true, true, false, true]],
  ['from the middle on', 0, [4, 8], [true, true]],
  ['what was trimmed is not there', 4, [0, 2, 4, 8], [false, false, true, true]],
  ['all was trimmed', 10, [0, 4, 8], [false, false, false]],
  ['behind the end', 0, [8, 10], [true, false]],
]
for (const [what, trimmed, slots, found] of table)
  test(`texts of slots: ${what}`, async () => {
    const log = await fill()
    await trimTexts(log, log, shape, trimmed)
    await using texts = new TextTopic(log, 0, partitions, 0)
    for (const [i, slot] of slots.entries())
      assert.deepEqual(await texts.find(slot), found[i] ? textOf(slot) : null, `slot ${slot}`)
  })

test('what is trimmed under a reader is gone, and what stands behind it is read', async () => {
  const log = await fill()
  await using texts = new TextTopic(log, 0, partitions, 0)
  assert.deepEqual(await texts.find(0), textOf(0))
  await trimTexts(log, log, shape, 8)
  assert.deepEqual([await texts.find(4), await texts.find(8)], [null, textOf(8)])
})

test('the end of a transaction that shows later in this partition is waited for, as long as was asked for', async () => {
  const log = await fill()
  let hidden = 3
  const late: Log = {
    bounds: (topic, partition) => log.bounds(topic, partition),
    position: (stage, partition) => log.position(stage, partition),
    own: stage => log.own(stage),
    async *read(from, signal): AsyncIterable<Entry> {
      const isHidden = hidden-- > 0
      for await (const entry of log.read(from, signal)) if (!isHidden || Number(entry.headers.slot) < 4) yield entry
    },
    [Symbol.asyncDispose]: async () => {},
  }
  for (const [waitMs, found] of [
    [0, null],
    [10_000, textOf(8)],
  ] as const) {
    hidden = 20
    await using texts = new TextTopic(late, 0, partitions, waitMs)
    assert.deepEqual(await texts.find(8), found)
  }
})
