import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Log, startPosition } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { endAppends, positionsAt, readBySlot, readSlot, SlotReader, slotAppend } from '../../src/record/slots.ts'

const topic = 's.slots'
const now = AbortSignal.abort()
const starts = (partitions: number) => Array.from({ length: partitions }, (_, partition) => startPosition(partition))
const slot = (number: number, partitions = 1) => slotAppend(topic, number, partitions, Buffer.from(`${number}`), {})

async function write(log: Log, appends: ReturnType<typeof slot>[]): Promise<void> {
  await using owner = await log.own('s')
  for (const append of appends) await owner.commit({ positions: [], appends: [append] })
}

async function readAll(reader: SlotReader): Promise<string[]> {
  const read: string[] = []
  for (let entry = await reader.next(); entry; entry = await reader.next())
    read.push(entry.isEnd ? `end ${entry.slot}` : Buffer.from(entry.value).toString())
  await reader[Symbol.asyncDispose]()
  return read
}

for (const partitions of [1, 2, 3])
  test(`slots come in order from ${partitions} partitions, from every position on, to the end and no further`, async () => {
    await using log = new MemoryLog()
    const slots = Array.from({ length: 7 }, (_, i) => slot(i, partitions))
    await write(log, [...slots, ...endAppends(topic, 7, partitions)])
    const expected = ['0', '1', '2', '3', '4', '5', '6', 'end 7']
    assert.deepEqual(await readAll(new SlotReader(log, topic, starts(partitions), now)), expected)
    const reader = new SlotReader(log, topic, starts(partitions), now)
    for (let read = 1; read <= 8; read++) {
      await reader.next()
      const positions = reader.positions('note')
      assert.deepEqual(
        positions.map(({ slot, note }) => [slot, note]),
        starts(partitions).map(() => [read, 'note']),
      )
      const rest = read === 8 ? [] : await readAll(new SlotReader(log, topic, positions, now))
      assert.deepEqual(rest, expected.slice(read), `after ${read}`)
    }
  })

for (const partitions of [1, 3])
  test(`of a topic that has some slots only, those from one on come in order from ${partitions} partitions`, async () => {
    await using log = new MemoryLog()
    const slots = [1, 2, 5, 9, 10, 14]
    const appends = slots.map(number => slot(number, partitions))
    await write(log, appends)
    for (let from = 0; from < 17; from++) {
      const read = await Array.fromAsync(readBySlot(log, topic, partitions, from))
      assert.deepEqual(
        read.map(({ headers }) => Number(headers.slot)),
        slots.filter(number => number >= from),
      )
    }
  })

const broken: [what: string, slots: number[], message: RegExp][] = [
  ['a gap', [0, 1, 3], /slot 2 was expected and 3 came: a commit was lost or doubled/],
  ['a repeat', [0, 1, 1, 2], /slot 2 was expected and 1 came/],
  ['a start that is not the first', [1, 2], /slot 0 was expected and 1 came/],
]
for (const [what, slots, message] of broken)
  test(`${what} is refused`, async () => {
    await using log = new MemoryLog()
    await write(
      log,
      slots.map(number => slot(number)),
    )
    await assert.rejects(readAll(new SlotReader(log, topic, starts(1), now)), message)
  })

test('a slot is ready once it is committed, and waiting for it ends with the signal', async () => {
  await using log = new MemoryLog()
  const stop = new AbortController()
  const reader = new SlotReader(log, topic, starts(2), stop.signal)
  assert.equal(await reader.isReady(), false)
  await write(log, [slot(0, 2)])
  assert.equal(await reader.isReady(), true)
  assert.equal((await reader.next())?.slot, 0)
  assert.equal(await reader.isReady(), false, 'slot 1 stands in the other partition')
  const waiting = reader.next()
  await write(log, [slot(1, 2)])
  assert.equal((await waiting)?.slot, 1)
  const last = reader.next()
  stop.abort()
  assert.equal(await last, null)
  await reader[Symbol.asyncDispose]()
})

/** The same log with offsets that leave gaps, as one that numbers its control records too. */
function withGaps(log: Log, gap: (offset: bigint) => bigint): Log {
  const inner = (offset: bigint): bigint => {
    let at = 0n
    while (gap(at) < offset) at++
    return at
  }
  return {
    async *read(from, signal) {
      for await (const entry of log.read({ ...from, offset: inner(from.offset) }, signal))
        yield { ...entry, offset: gap(entry.offset) }
    },
    bounds: async (topic, partition) => {
      const { first, next } = await log.bounds(topic, partition)
      return { first: gap(first), next: gap(next) }
    },
    position: (stage, partition) => log.position(stage, partition),
    own: stage => log.own(stage),
    [Symbol.asyncDispose]: async () => {},
  }
}
const gaps: [what: string, gap: (offset: bigint) => bigint][] = [
  ['no gaps', offset => offset],
  ['a gap after each entry', offset => 2n * offset + 7n],
  ['gaps that grow', offset => offset * offset],
]
for (const [what, gap] of gaps)
  test(`each slot is found in a log with ${what}, of 1 and 3 partitions, also when the first were trimmed`, async () => {
    for (const partitions of [1, 3]) {
      const memory = new MemoryLog()
      const log = withGaps(memory, gap)
      const numbers = Array.from({ length: 20 }, (_, i) => i)
      await write(memory, [...numbers.map(i => slot(i, partitions)), ...endAppends(topic, 20, partitions)])
      const expected = [...numbers.map(String), 'end 20']
      for (const trimmed of [0, 4]) {
        for (let partition = 0; partition < partitions; partition++)
          await memory.trim(topic, partition, BigInt(Math.ceil((trimmed - partition) / partitions)))
        for (let from = trimmed; from <= 20; from++) {
          const reader = new SlotReader(log, topic, await positionsAt(log, topic, partitions, from), now)
          assert.deepEqual(await readAll(reader), expected.slice(from), `from ${from}`)
          assert.equal((await readSlot(log, topic, partitions, from))?.headers.slot, String(from))
        }
        if (trimmed) assert.equal(await readSlot(log, topic, partitions, 0), null)
        assert.equal(await readSlot(log, topic, partitions, 40), null)
      }
    }
  })
