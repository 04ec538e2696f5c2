import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { tableFromIPC } from 'apache-arrow'
import { decodeBatch, encodeBatch, encodeFile, encodePacked } from '../../../src/batch/arrow/ipc.ts'
import { layOut, readFileLayout, StreamLayouts, viewBatch } from '../../../src/batch/arrow/layout.ts'
import { type Batch, fieldOf, stringAt, utf8, utf8From, withColumns } from '../../../src/batch/batch.ts'
import { HeadraceError } from '../../../src/errors.ts'
import { everyKind, manyRows } from '../../fuzz/targets/arrow.ts'
import { python, skipWithout } from '../../python/python.ts'
import { randomFrom } from '../../random.ts'

const empty: Batch = { rows: 0, columns: { text: utf8From([]), n: { kind: 'f64', values: new Float64Array(0) } } }
const fieldsOf = (batch: Batch) => Object.entries(batch.columns).map(([name, column]) => fieldOf(name, column))
const joined = (parts: Iterable<Uint8Array>) => new Uint8Array(Buffer.concat([...parts]))
const readAtOf = (bytes: Uint8Array) => (at: number, length: number) => bytes.subarray(at, at + length)
const allIndexesOf = (bytes: Buffer, part: Buffer) => {
  const found: number[] = []
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) found.push(at)
  return found
}
const isCorrupt = (error: unknown) => error instanceof HeadraceError && error.code === 'corrupt'

test('every kind of column comes back, with metadata, from bytes that own their buffer', () => {
  const bytes = encodeBatch(everyKind, { slot: '7', name: '水' })
  assert.equal(bytes.buffer.byteLength, bytes.length)
  assert.equal(bytes.byteOffset, 0)
  const { batch, metadata } = decodeBatch(bytes)
  assert.deepEqual(batch, everyKind)
  assert.deepEqual(metadata, { slot: '7', name: '水' })
  assert.equal(utf8(batch, 'text').bytes.buffer, bytes.buffer, 'columns are views')
  assert.deepEqual(encodeBatch(batch, metadata), bytes, 'same batch, same bytes')
})

test('empty batches, sliced offsets and unaligned bytes', () => {
  assert.deepEqual(decodeBatch(encodeBatch(empty)).batch, empty)
  assert.deepEqual(decodeBatch(encodeBatch({ rows: 0, columns: {} })).batch, { rows: 0, columns: {} })
  const { bytes, offsets } = utf8From(['skipped', 'kept', 'me', 'not'])
  const sliced: Batch = { rows: 2, columns: { text: { kind: 'utf8', offsets: offsets.subarray(1, 4), bytes } } }
  const whole = encodeBatch(sliced)
  for (const shift of [1, 2, 4, 7]) {
    const shifted = new Uint8Array(whole.length + shift)
    shifted.set(whole, shift)
    const { batch } = decodeBatch(shifted.subarray(shift))
    assert.deepEqual(
      [0, 1].map(row => stringAt(utf8(batch, 'text'), row)),
      ['kept', 'me'],
    )
  }
})

test('two columns that share one array are both written', () => {
  const values = Float64Array.of(1, 2)
  const batch: Batch = { rows: 2, columns: { a: { kind: 'f64', values }, b: { kind: 'f64', values } } }
  assert.deepEqual(decodeBatch(encodeBatch(batch)).batch, batch)
})

test('a column of another length is refused', () => {
  assert.throws(() => encodeBatch({ rows: 2, columns: { text: utf8From(['a']) } }), /1 values in a batch of 2 rows/)
})

test("Arrow's own reader agrees, for a stream and for a file of two batches", () => {
  const file = joined(encodeFile([everyKind, everyKind], fieldsOf(everyKind), { k: 'v' }))
  for (const [bytes, repeats] of [
    [encodeBatch(everyKind, { k: 'v' }), 1],
    [file, 2],
  ] as const) {
    const table = tableFromIPC(bytes)
    assert.equal(table.numRows, 3 * repeats)
    assert.equal(table.schema.metadata.get('k'), 'v')
    const row = table.get(2)!.toJSON()
    assert.equal(row.text, '水车 🌊')
    assert.deepEqual([row.u8, row.i32, row.u32, row.f64], [255, 2 ** 31 - 1, 2 ** 32 - 1, 1e300])
    assert.deepEqual([...row.tokens], [1, 2, 3])
    assert.deepEqual([...row.hash], [6, 7, 8])
  }
})

test('a file is read by its layout, columns by name', () => {
  const bytes = joined(encodeFile([everyKind, empty.columns && everyKind], fieldsOf(everyKind), { k: 'v' }))
  const layout = readFileLayout(readAtOf(bytes), bytes.length)
  assert.deepEqual(layout.fields, fieldsOf(everyKind))
  assert.deepEqual(layout.metadata, { k: 'v' })
  assert.deepEqual(
    layout.batches.map(b => viewBatch(b, readAtOf(bytes))),
    [everyKind, everyKind],
  )
  const some = viewBatch(layout.batches[1], readAtOf(bytes), ['tokens'])
  assert.deepEqual(some, { rows: 3, columns: { tokens: everyKind.columns.tokens } })
})

test('packed buffers come back, and those that would not get much smaller stand as they are', () => {
  const random = randomFrom(5)
  const noise = { kind: 'fixed' as const, width: 2, bytes: Uint8Array.from({ length: 2400 }, () => random() * 256) }
  for (const batch of [manyRows, everyKind, empty, withColumns(manyRows, { noise })]) {
    const bytes = encodePacked(batch)
    assert.deepEqual([bytes.buffer.byteLength, bytes.byteOffset], [bytes.length, 0])
    assert.deepEqual(decodeBatch(bytes).batch, batch)
    assert.deepEqual(decodeBatch(new Uint8Array([0, ...bytes]).subarray(1)).batch, batch)
  }
  const [plain, packed] = [encodeBatch(manyRows), encodePacked(manyRows)]
  assert.ok(packed.length < plain.length / 4, `${packed.length} of ${plain.length} bytes`)
  assert.ok(encodePacked(withColumns(manyRows, { noise })).length > packed.length + noise.bytes.length)
  // Noise of which a part is there once more.
  for (const [share, isPacked] of [
    [0.03, false],
    [0.3, true],
  ] as const) {
    const bytes = Uint8Array.from({ length: 240_000 }, () => random() * 256)
    bytes.copyWithin(bytes.length * (1 - share), 0)
    const batch = withColumns(manyRows, { some: { kind: 'fixed', width: 200, bytes } })
    assert.equal(encodePacked(batch).length < packed.length + bytes.length, isPacked, `${share} saved`)
    assert.deepEqual(decodeBatch(encodePacked(batch)).batch, batch)
  }
})

test('of a packed batch only what is asked for is unpacked, and of texts their lengths without them', () => {
  const bytes = encodePacked(manyRows)
  const damaged = Buffer.from(bytes)
  // The frames of text, behind those of its offsets: other columns and the offsets are read all the same.
  const frames = allIndexesOf(damaged, Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))
  damaged.fill(255, frames[1], frames[1] + 8)
  const { batch } = decodeBatch(damaged)
  assert.deepEqual(utf8(batch, 'text').offsets, utf8(manyRows, 'text').offsets)
  assert.deepEqual(batch.columns.f64, manyRows.columns.f64)
  assert.throws(() => utf8(batch, 'text').bytes, isCorrupt)
  const text = utf8(decodeBatch(bytes).batch, 'text')
  assert.equal(text.bytes, text.bytes, 'unpacked once')
})

test('a packed buffer that claims more than it makes, or than memory should hold, is refused', () => {
  const bytes = encodePacked(manyRows)
  const { buffer, byteOffset } = bytes
  const prefix = allIndexesOf(Buffer.from(bytes), Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))[1] - 8
  const length = new DataView(buffer, byteOffset).getBigInt64(prefix, true)
  for (const claim of [length - 1n, length + 1n, 2n ** 28n + 1n, 2n ** 53n, -2n]) {
    const damaged = bytes.slice()
    new DataView(damaged.buffer).setBigInt64(prefix, claim, true)
    assert.throws(() => stringAt(utf8(decodeBatch(damaged).batch, 'text'), 0), isCorrupt, `${claim}`)
  }
})

test("where a stream's values lie is told by its first bytes, once its metadata is there", () => {
  const layouts = new StreamLayouts()
  for (const [encode, batch] of [everyKind, empty, everyKind].flatMap(
    batch =>
      [
        [encodeBatch, batch],
        [encodePacked, batch],
      ] as const,
  )) {
    const bytes = encode(batch)
    let shortest = 0
    while (layouts.read(bytes.subarray(0, shortest), bytes.length) === null) shortest++
    for (const length of [shortest, shortest + 1, bytes.length]) {
      const stored = layouts.read(bytes.subarray(0, length), bytes.length)!
      assert.deepEqual(viewBatch(layOut(stored, readAtOf(bytes)), readAtOf(bytes)), batch)
    }
    const values = bytes.length - shortest - 8
    assert.ok(values >= 0 && values < bytes.length, `${values} bytes of values lie behind ${shortest}`)
    assert.throws(() => layouts.read(bytes.subarray(0, shortest), shortest - 1), isCorrupt)
  }
})

test('damage to the first bytes of a stream is a typed error, a layout in its bounds, or asks for more', () => {
  for (const bytes of [encodeBatch(everyKind), encodePacked(everyKind)]) damageHead(bytes)
})

function damageHead(bytes: Uint8Array): void {
  const head = bytes.subarray(0, bytes.length - 64)
  for (let at = 0; at < head.length; at++) {
    const damaged = head.slice()
    damaged[at] ^= 0x41
    try {
      const layout = new StreamLayouts().read(damaged, bytes.length)
      for (const { offsets, values } of layout?.columns ?? [])
        for (const region of [offsets, values])
          assert.ok(!region || region.at + region.bytes <= bytes.length, `byte ${at}`)
    } catch (error) {
      assert.ok(isCorrupt(error), `byte ${at}: ${error}`)
    }
  }
}

test('damage is a typed error or a batch, never a crash: every cut, and bytes changed one by one', () => {
  const bytes = encodeBatch(everyKind, { k: 'v' })
  for (let length = 0; length < bytes.length - 8; length++)
    assert.throws(() => decodeBatch(bytes.subarray(0, length)), isCorrupt, `cut at ${length}`)
  for (let at = 0; at < bytes.length; at++)
    for (const value of [0, 1, 127, 128, 255]) {
      const damaged = bytes.slice()
      damaged[at] = value
      try {
        decodeBatch(damaged)
      } catch (error) {
        if (!isCorrupt(error)) throw error
      }
    }
})

test('a damaged file is a typed error', () => {
  const bytes = joined(encodeFile([everyKind], fieldsOf(everyKind)))
  const open = (some: Uint8Array) =>
    readFileLayout(readAtOf(some), some.length).batches.map(layout => viewBatch(layout, readAtOf(some)))
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => open(bytes.slice(0, length)), isCorrupt, `cut at ${length}`)
  for (let at = 0; at < bytes.length; at++)
    for (const value of [0, 255]) {
      const damaged = bytes.slice()
      damaged[at] = value
      try {
        open(damaged)
      } catch (error) {
        if (!isCorrupt(error)) throw error
      }
    }
})

test('pyarrow reads streams and files', { skip: skipWithout('pyarrow') }, () => {
  const script = `
import sys, pyarrow as pa
data = sys.stdin.buffer.read()
table = (pa.ipc.open_file(data) if data[:6] == b'ARROW1' else pa.ipc.open_stream(data)).read_all()
table.validate(full=True)
row = table.slice(2, 1).to_pylist()[0]
assert row == dict(text='水车 🌊', u8=255, i32=2**31-1, u32=2**32-1, f32=-1.0, f64=1e300, tokens=[1, 2, 3], hash=bytes([6, 7, 8])), row
assert table.schema.metadata in (None, {b'k': b'v'})
print(table.num_rows)`
  for (const [bytes, rows] of [
    [encodeBatch(everyKind, { k: 'v' }), '3'],
    [encodePacked(manyRows), '1200'],
    [joined(encodeFile([everyKind, everyKind], fieldsOf(everyKind), { k: 'v' })), '6'],
  ] as const) {
    const { stdout, stderr, status } = spawnSync(python, ['-c', script], { input: bytes, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.equal(stdout.trim(), rows)
  }
})
