import assert from 'node:assert/strict'
import { documents } from '../../../conformance/texts.ts'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { stageOf } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { encodeKept, keptBatch } from '../../../src/record/kept.ts'
import { topics } from '../../../src/record/layout.ts'
import { SlotReader } from '../../../src/record/slots.ts'
import { chunksOf, parseSlot, readKept, readMeasured } from '../../../src/record/topic.ts'
import type { Target } from '../target.ts'
import { assertUsable } from './arrow.ts'

const slotNumbers = [0, 1, 2]
const from = { partition: 0, offset: 0n, slot: 0, note: '' }

/** An entry as a file: its headers as a line of JSON, then its value. */
function entryFile(slot: number, value: Uint8Array): Buffer {
  const headers = { slot: String(slot), rows: '2', dead: '0', fingerprint: 'f' }
  return Buffer.concat([Buffer.from(`${JSON.stringify(headers)}\n`), value])
}

function scoredOf(slot: number): Uint8Array {
  const { rows, columns } = documents([`a ${slot}`, 'b'])
  return encodeBatch({ rows, columns: { ...columns, row: { kind: 'u32', values: Uint32Array.of(0, 2) } } })
}

const keptOf = (slot: number) => encodeKept(keptBatch([0, 2].slice(slot), ['', 'other'].slice(slot)))

/** The headers and the value of such a file; headers that are no JSON of strings could not come from a log. */
function readEntry(bytes: Buffer): { headers: Record<string, string>; value: Uint8Array } {
  const end = bytes.indexOf(10)
  let headers: Record<string, string> = {}
  try {
    headers = JSON.parse(bytes.subarray(0, Math.max(0, end)).toString())
  } catch {
    // Left empty.
  }
  const texts = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])
  return { headers: Object.fromEntries(texts), value: bytes.subarray(end + 1) }
}

/** Slots as stages and `topic()` read them: one damaged entry among whole ones. */
export const slotsTarget: Target = {
  name: 'slots',
  cases: 200,
  async open() {
    const filesOf = (topic: string, encode: (slot: number) => Uint8Array) =>
      slotNumbers.map(slot => ({ name: `${topic} ${slot}`, topic, bytes: entryFile(slot, encode(slot)), marks: [0] }))
    const files = [...filesOf(topics.scored, scoredOf), ...filesOf(topics.kept, keptOf)]
    return {
      files,
      async check(bytes, index) {
        const log = new MemoryLog()
        for (const [i, file] of files.entries()) {
          await using owner = await log.own(stageOf(file.topic))
          const entry = readEntry(i === index ? bytes : file.bytes)
          await owner.commit({ positions: [], appends: [{ topic: file.topic, partition: 0, ...entry }] })
        }
        const place = { dir: 'run', log, shape: { partitions: 1, lanes: 1 } }
        for (const read of [readMeasured, readKept])
          for await (const chunk of chunksOf(read(place, 0, AbortSignal.abort()), 'run', 1))
            assertUsable(parseSlot(chunk).batch)
        const reader = new SlotReader(log, files[index].topic, [from], AbortSignal.abort())
        let count = 0
        for (let entry = await reader.next(); entry; entry = await reader.next()) assert.equal(entry.slot, count++)
        return count === slotNumbers.length ? 'whole' : 'ended'
      },
    }
  },
}
