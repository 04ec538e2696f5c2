import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { BadFileError } from '../../../src/sources/bad-file.ts'
import type { UnpackOptions } from '../../../src/sources/fields.ts'
import { detectCompression } from '../../../src/sources/signatures.ts'
import { unpack } from '../../../src/sources/unpack/unpack.ts'
import { randomFrom } from '../../random.ts'
import { makeTexts } from '../fixture.ts'

/** What a packed file gives: its text, and why it ends early. */
async function read(bytes: Uint8Array, options: UnpackOptions = {}): Promise<[text: Buffer, reason: string | null]> {
  const file = { size: bytes.length, read: async (start: number, end: number) => bytes.slice(start, end) }
  const parts: Uint8Array[] = []
  try {
    for await (const part of unpack(file, detectCompression(bytes, '')!, options)) parts.push(part)
  } catch (error) {
    if (!(error instanceof BadFileError)) throw error
    return [Buffer.concat(parts), error.reason]
  }
  return [Buffer.concat(parts), null]
}

const golden = (name: string) => readFileSync(join(import.meta.dirname, '../../golden/sources', name))
const content = Buffer.from(
  Array.from({ length: 400 }, (_, i) => {
    const text = `line ${i} of the mill: ${'wheel '.repeat(i % 7)}${'水'.repeat(i % 3)}`
    return `{"text": ${JSON.stringify(text)}}\n`
  }).join(''),
)
const halves = [content.subarray(0, 7000), content.subarray(7000)]
const zstd = (bytes: Uint8Array) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
const skippable = Buffer.from('5f2a4d180200000061625a2a4d1800000000', 'hex')

/** The same text in two parts, each with its own header. */
const packed: [kind: string, bytes: Buffer][] = [
  ['gzip', Buffer.concat(halves.map(half => gzipSync(half)))],
  ['zstd', Buffer.concat([zstd(halves[0]), skippable, zstd(halves[1])])],
  ['bzip2', golden('lines.jsonl.bz2')],
  ['xz', golden('lines.jsonl.xz')],
]

for (const [kind, bytes] of packed) {
  test(`${kind}: all parts are unpacked, and zeros behind them are passed over`, async () => {
    assert.deepEqual(await read(bytes), [content, null])
    assert.deepEqual(await read(Buffer.concat([bytes, Buffer.alloc(2000)])), [content, null])
  })

  test(`${kind}: junk behind the last part costs nothing`, async () => {
    for (const junk of ['garbage at the end of a file', '\0\0\0junk', 'j'])
      assert.deepEqual(await read(Buffer.concat([bytes, Buffer.from(junk)])), [content, 'trailing-junk'], junk)
  })

  test(`${kind}: cut anywhere, it gives a part of its text and says so`, async () => {
    const ends: number[] = []
    for (let end = 10; end < bytes.length; end += 17) {
      const [text, reason] = await read(bytes.subarray(0, end))
      assert.ok(content.subarray(0, text.length).equals(text), `cut at ${end}`)
      if (reason === null) ends.push(end)
      else assert.equal(reason, 'truncated-file', `cut at ${end}`)
    }
    // Between two parts nothing tells that another came.
    assert.ok(ends.length <= 3, `whole when cut at ${ends}`)
  })

  test(`${kind}: with a byte changed anywhere, no wrong text passes for whole`, async () => {
    const random = randomFrom(3)
    for (let at = 4; at < bytes.length; at += 1 + Math.floor(random() * 60)) {
      const changed = Buffer.from(bytes)
      changed[at] ^= 1 << Math.floor(random() * 8)
      const [text, reason] = await read(changed)
      assert.ok(reason !== null || text.equals(content), `byte ${at}: changed text without a word`)
    }
  })
}

test('all text before the damage is given, to the byte from which the decoder could tell', async () => {
  const text = Buffer.from(makeTexts(3000, 9).join('\n'))
  const cases = [
    ['gzip', Buffer.concat([gzipSync(text), gzipSync(text)]), gunzipSync, constants.Z_SYNC_FLUSH],
    ['zstd', Buffer.concat([zstd(text), zstd(text)]), zstdDecompressSync, constants.ZSTD_e_flush],
  ] as const
  const random = randomFrom(5)
  for (const [kind, bytes, decompress, finishFlush] of cases)
    for (let i = 0; i < 6; i++) {
      const at = Math.floor(random() * bytes.length)
      const changed = Buffer.from(bytes)
      changed.fill(0xff, at, at + 40)
      const [got] = await read(changed)
      const start = at < bytes.length / 2 ? 0 : bytes.length / 2
      const before = decompress(bytes.subarray(start, at), { finishFlush }).length + (start ? text.length : 0)
      assert.ok(got.length >= before - 1, `${kind}, damage at ${at}: ${got.length} bytes of ${before}`)
      const whole = Buffer.concat([text, text]).subarray(0, before)
      assert.ok(got.subarray(0, before).equals(whole.subarray(0, got.length)), `${kind}, damage at ${at}: other text`)
    }
})

test('a window or a dictionary over what is granted is refused for that reason, and read where more is granted', async () => {
  const long = readFileSync(join(import.meta.dirname, '../../faults/window28.jsonl.zst'))
  assert.equal((await read(long))[1], null)
  assert.deepEqual(await read(long, { windowBytesMax: 2 ** 28 - 1 }), [Buffer.alloc(0), 'window-too-large'])
  const wide = (window: number) =>
    Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window]), Buffer.from('0100006161', 'hex')])
  assert.deepEqual(await read(wide((31 - 10) << 3)), [Buffer.alloc(0), 'window-too-large'])
  assert.equal((await read(wide((31 - 10) << 3), { windowBytesMax: 2 ** 31 }))[1], 'trailing-junk')
  assert.equal((await read(golden('lines.jsonl.xz'), { windowBytesMax: 2 ** 20 }))[1], 'window-too-large')
})

test('a small file gives no more than one document can be, unless it is told so', async () => {
  const bomb = zstd(Buffer.alloc(40_000_000, '{"text":"a"}\n'))
  const [text, reason] = await read(bomb)
  assert.deepEqual([text.length <= 16 * 1024 * 1024, reason], [true, 'inflates-too-much'])
  assert.equal((await read(bomb, { inflationMax: 1e6 }))[0].length, 40_000_000)
})

test('what the decoders do not know is named', async () => {
  const cases: [what: string, bytes: Buffer, reason: string][] = [
    ['a zstd dictionary', Buffer.from('28b52ffd0158070000000000', 'hex'), 'unsupported-compression'],
    ['zstd before 0.8', Buffer.from('27b52ffd0158070000000000', 'hex'), 'unsupported-compression'],
    ['a gzip method', Buffer.from('1f8b0700000000000003', 'hex'), 'corrupt-file'],
  ]
  for (const [what, bytes, reason] of cases) assert.equal((await read(bytes))[1], reason, what)
})
