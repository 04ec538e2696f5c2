import assert from 'node:assert/strict'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { encodeBatch, encodePacked } from '../../src/batch/arrow/ipc.ts'
import { type Batch, numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Log } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { encodeOwnColumns } from '../../src/record/own-columns.ts'
import { PartLayouts, readPartColumns } from '../../src/record/part-columns.ts'
import { wholeParts } from '../../src/record/parts.ts'
import {
  decodeScored,
  encodeApart,
  encodeOwnApart,
  joinParts,
  joinScored,
  joinTexts,
  withoutTexts,
} from '../../src/record/scored.ts'
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

async function fill(log: Log, slots: readonly number[], encode = encodeBatch): Promise<void> {
  await using owner = await log.own('s')
  for (const slot of slots)
    await owner.commit({
      positions: [],
      appends: [slotAppend('s.slots', slot, partitions, encode(batchOf(slot)), {})],
    })
}

const formats: [string, typeof encodeBatch][] = [
  ['plain', encodeBatch],
  ['packed', encodePacked],
]

const logs: [string, () => Log][] = [
  ['parts of values', () => new JournalLog(makeFolder('columns'), { writable: true })],
  ['whole values', () => new MemoryLog()],
]

for (const [what, open] of logs) {
  for (const [format, encode] of formats)
    test(`columns of ${format} slots come in order, and texts where they are asked for, from a log that reads ${what}`, async () => {
      await using log = open()
      await fill(log, [0, 1, 2, 3, 4], encode)
      let slot = 1
      for await (const columns of readSlotColumns(log, { ...wanted, from: 1 })) {
        const texts = textsOf(slot)
        assert.equal(columns.slot, slot)
        assert.deepEqual(Object.keys(columns.batch.columns).sort(), ['id', 'n'])
        assert.deepEqual(columns.batch.columns.n, batchOf(slot).columns.n)
        assert.equal(stringAt(utf8(columns.batch, 'id'), 3), `${slot}-3`)
        const regions = texts.map((text, row) => ({ at: columns.offsets[row], bytes: text.length }))
        const some = regions.filter((_, row) => row !== 2)
        const readAt = await columns.readValues!(some)
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

/** Bytes of a slot that were changed, at the frame number `frame` of ZSTD: of the text's offsets, of the text, of `id`. */
function damageFrame(bytes: Uint8Array, frame: number): Uint8Array {
  const damaged = Buffer.from(bytes)
  let at = -1
  for (let i = 0; i <= frame; i++) at = damaged.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), at + 1)
  assert.ok(at > 0)
  return damaged.fill(255, at, at + 8)
}

test("of a packed slot damage is 'corrupt' where what it hit is read, and nothing to others", async () => {
  const many = { rows: 2000, columns: { text: utf8From(Array.from({ length: 2000 }, (_, i) => `text ${i % 7}`)) } }
  const bytes = encodePacked({
    rows: 2000,
    columns: { ...many.columns, n: { kind: 'f64', values: new Float64Array(2000) } },
  })
  const layouts = new PartLayouts()
  const read = (damaged: Uint8Array) => readPartColumns(wholeParts(damaged), layouts, ['n'], 'text')
  await assert.rejects(read(damageFrame(bytes, 0)), { code: 'corrupt' })
  const ofText = await read(damageFrame(bytes, 1))
  assert.deepEqual(ofText.offsets, utf8(many, 'text').offsets)
  assert.equal(numbers(ofText.batch, 'n')[1999], 0)
  await assert.rejects(ofText.readValues!([{ at: 0, bytes: 1 }]), { code: 'corrupt' })
  const ofN = await read(damageFrame(bytes, 2))
  assert.throws(() => numbers(ofN.batch, 'n'), { code: 'corrupt' })
  const readAt = await ofN.readValues!([])
  assert.equal(Buffer.from(readAt(0, 12)).toString(), 'text 0text 1')
})

test('of a slot whose texts are not stored there are their lengths', async () => {
  const { scored } = encodeApart(batchOf(1), [])
  const { batch, offsets, readValues } = await readPartColumns(wholeParts(scored), new PartLayouts(), ['n'], 'text')
  assert.deepEqual(offsets, utf8(batchOf(1), 'text').offsets)
  assert.deepEqual(batch, { rows: 4, columns: { n: batchOf(1).columns.n } })
  assert.equal(readValues, null)
})

const noBytes = new Uint8Array(0)
const printsOf = (batch: Batch) => Object.keys(batch.columns).map(name => [name, name] as const)
const changed = (batch: Batch, columns: Batch['columns']) => ({
  rows: batch.rows,
  columns: { ...batch.columns, ...columns },
})
/** A slot as the first stage writes it. */
const measured = () => changed(batchOf(1), { row: { kind: 'u32', values: Uint32Array.of(0, 1, 2, 3) } })
const joinings: Record<string, (base: Batch) => Batch> = {
  'nothing of its own': base => base,
  'another column': base => changed(base, { m: { kind: 'u32', values: Uint32Array.of(4, 3, 2, 1) } }),
  'other rows of a column': base => changed(base, { n: { kind: 'f64', values: Float64Array.of(1, 1.1, 9, 1.3) } }),
  'a column less': ({ rows, columns: { n, text, row } }) => ({ rows, columns: { n, text, row } }),
  'another text in one row': base => changed(base, { text: utf8From(['1.0 ', 'b', 'a', 'd']) }),
  'all other texts': base => changed(base, { text: utf8From(['a', 'bc', '', 'd']) }),
}

for (const [what, change] of Object.entries(joinings))
  test(`a replay's slot with ${what} is read in parts as it is whole`, async () => {
    const base = measured()
    const now = change(base)
    const [stored, own] = [encodePacked(base), encodeOwnColumns(now, base, printsOf(now))]
    const whole = decodeScored(joinScored(stored, own))
    assert.deepEqual({ ...whole.columns }, { ...now.columns })
    const joined = joinParts(wholeParts(stored), wholeParts(own))
    const names = ['id', 'n', 'm']
    const { batch, offsets, readValues, storedOf } = await readPartColumns(joined, new PartLayouts(), names, 'text')
    const before = await readPartColumns(wholeParts(stored), new PartLayouts(), names, 'text')
    for (const name of Object.keys(batch.columns)) {
      const isSame = Buffer.compare(storedOf(name) ?? noBytes, before.storedOf(name) ?? noBytes) === 0
      assert.equal(isSame, isDeepStrictEqual(batch.columns[name], before.batch.columns[name]), name)
    }
    const { text, row, ...others } = now.columns
    assert.deepEqual({ ...batch.columns }, others)
    const ends = utf8(now, 'text').offsets
    assert.deepEqual(offsets, ends)
    const region = { at: ends[1], bytes: ends[2] - ends[1] }
    const readAt = await readValues!([region])
    assert.equal(Buffer.from(readAt(region.at, region.bytes)).toString(), stringAt(utf8(now, 'text'), 1))
  })

/** How the slot that is referred to is stored. */
const bases: Record<string, (base: Batch) => Uint8Array> = {
  'one with texts': base => encodePacked(base, { columns: JSON.stringify(printsOf(base)) }),
  'one without': base => encodeApart(base, printsOf(base)).scored,
}
for (const [what, change] of Object.entries(joinings))
  for (const [which, store] of Object.entries(bases))
    test(`a replay's slot with ${what}, whose texts are not stored, that refers to ${which}: its lengths, and texts while they are there`, async () => {
      const stored = store(measured())
      const now = change(measured())
      const { texts, scored } = encodeOwnApart(now, decodeScored(stored), printsOf(now))
      const entry = joinScored(stored, scored)
      const { offsets: ends } = utf8(now, 'text')
      const { text, ...others } = now.columns
      const { 'text.bytes': lengths, ...gone } = decodeScored(entry).columns
      assert.deepEqual({ ...gone }, others)
      assert.deepEqual(lengths, {
        kind: 'u32',
        values: Uint32Array.from(ends.subarray(1), (end, row) => end - ends[row]),
      })
      const parts = joinParts(wholeParts(stored), wholeParts(scored))
      const read = await readPartColumns(parts, new PartLayouts(), ['n'], 'text')
      assert.deepEqual([read.offsets, read.readValues], [ends, null])
      const texted = joinTexts(texts!, entry)
      assert.deepEqual({ ...decodeScored(texted).columns }, { ...now.columns })
      assert.deepEqual(Object.keys(decodeScored(texted).columns), Object.keys(now.columns))
      assert.deepEqual(withoutTexts(texted), entry)
    })

test("a replay's slot that is damaged, or refers to another one, is 'corrupt'", async () => {
  const base = measured()
  const now = joinings['other rows of a column'](base)
  const own = encodeOwnColumns(now, base, printsOf(now))
  const read = (stored: Uint8Array, rest: Uint8Array) =>
    readPartColumns(joinParts(wholeParts(stored), wholeParts(rest)), new PartLayouts(), ['id', 'n'], 'text')
  const fewer = encodePacked({ rows: 1, columns: { text: utf8From(['']), id: utf8From(['']) } })
  await assert.rejects(read(fewer, own), { code: 'corrupt', message: /has 4 rows, and the one that it refers to 1/ })
  for (const length of [4, 100, own.length - 100])
    await assert.rejects(read(encodePacked(base), own.subarray(0, length)), { code: 'corrupt' }, `${length} bytes`)
})
