import assert from 'node:assert/strict'
import { documents } from '../../../conformance/texts.ts'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { SlotReader } from '../../../src/record/slots.ts'
import { parseSlot, readSlots } from '../../../src/record/topic.ts'
import type { Target } from '../target.ts'
import { assertUsable } from './arrow.ts'

const topic = 'annotate.scored'
const slotNumbers = [0, 1, 2]
const from = { partition: 0, offset: 0n, slot: 0, note: '' }

/** An entry as a file: its headers as a line of JSON, then its value. */
const entryFile = (slot: number): Buffer => {
  const headers = { slot: String(slot), rows: '2', dead: '0', fingerprint: 'f' }
  const { rows, columns } = documents([`a ${slot}`, 'b'])
  return Buffer.concat([Buffer.from(`${JSON.stringify(headers)}\n`), encodeBatch({ rows, columns })])
}

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
    const files = slotNumbers.map(slot => ({ name: String(slot), bytes: entryFile(slot), marks: [0] }))
    return {
      files,
      async check(bytes, index) {
        const log = new MemoryLog()
        await using owner = await log.own('annotate')
        const entries = files.map((file, i) => readEntry(i === index ? bytes : file.bytes))
        const appends = entries.map(entry => ({ topic, partition: 0, ...entry }))
        await owner.commit({ positions: [], appends })
        const slots = new SlotReader(log, topic, [from], AbortSignal.abort())
        for await (const chunk of readSlots(slots, 'run', 1, new AbortController().signal))
          assertUsable(parseSlot(chunk).batch)
        const reader = new SlotReader(log, topic, [from], AbortSignal.abort())
        let count = 0
        for (let entry = await reader.next(); entry; entry = await reader.next()) assert.equal(entry.slot, count++)
        return count === slotNumbers.length ? 'whole' : 'ended'
      },
    }
  },
}
