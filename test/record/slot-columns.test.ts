import assert from 'node:assert/strict'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Log } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { readSlotColumns } from '../../src/record/slot-columns.ts'
import { slotAppend } from '../../src/record/slots.ts'
import { makeFolder } from '../temporary.ts'

const partitions = 2
const wanted = { topic: 's.slots', partitions, from: 0, to: 5, columns: ['id', 'n', 'none'], lengthsOf: 'text' }

/** Texts of a slot, some longer than what is read at once. */
const textsOf = (slot: number) =>
  Array.from({ length: 4 }, (_, row) => `${slot}.${row} `.repeat(row * 9000 * (slot % 3)))

function batchOf(slot: number): Batch {
  const texts = textsOf(slot)
  const n = { kind: 'f64' as const, values: Float64Array.from(texts, (_, row) => slot + row / 10) }
  return {
    rows: texts.length,
    columns: { text: utf8From(texts), id: utf8From(texts.map((_, row) => `${slot}-${row}`)), n },
  }
}

async function fill(log: Log, slots: readonly number[]): Promise<void> {
  await using owner = await log.own('s')
  for (const slot of slots)
    await owner.commit({
      positions: [],
      appends: [slotAppend('s.slots', slot, partitions, encodeBatch(batchOf(slot)), {})],
    })
}

const logs: [string, () => Log][] = [
  ['parts of values', () => new JournalLog(makeFolder('columns'), { writable: true })],
  ['whole values', () => new MemoryLog()],
]

for (const [what, open] of logs) {
  test(`columns of slots come in order, and texts where they are asked for, from a log that reads ${what}`, async () => {
    await using log = open()
    await fill(log, [0, 1, 2, 3, 4])
    let slot = 1
    for await (const columns of readSlotColumns(log, { ...wanted, from: 1 })) {
      const texts = textsOf(slot)
      assert.equal(columns.slot, slot)
      assert.deepEqual(Object.keys(columns.batch.columns).sort(), ['id', 'n'])
      assert.deepEqual(columns.batch.columns.n, batchOf(slot).columns.n)
      assert.equal(stringAt(utf8(columns.batch, 'id'), 3), `${slot}-3`)
      const regions = texts.map((text, row) => ({ at: columns.offsets[row], bytes: text.length }))
      const some = regions.filter((_, row) => row !== 2)
      const readAt = await columns.readValues(some)
      for (const row of [0, 1, 3])
        assert.equal(Buffer.from(readAt(regions[row].at, regions[row].bytes)).toString(), texts[row])
      slot++
    }
    assert.equal(slot, 5)
  })

  test(`a slot that is missing is 'corrupt', from a log that reads ${what}`, async () => {
    await using log = open()
    await fill(log, [0, 1, 3])
    await assert.rejects(Array.fromAsync(readSlotColumns(log, wanted)), {
      code: 'corrupt',
      message: /slot 2 was expected and nothing came/,
    })
  })
}

test("a file that was cut since it was opened is 'corrupt', with its name", async () => {
  const dir = makeFolder('columns')
  await using log = new JournalLog(dir, { writable: true })
  await fill(log, [0, 1, 2])
  const [file] = (await readdir(join(dir, 's'))).filter(name => name.endsWith('.journal'))
  const slots = readSlotColumns(log, wanted)
  await slots.next()
  await truncate(join(dir, 's', file), (await stat(join(dir, 's', file))).size - 1000)
  await slots.next()
  await assert.rejects(slots.next(), ({ code, message }) => code === 'corrupt' && message.includes(file))
})
