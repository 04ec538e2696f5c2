import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SlotWork } from '../../../src/run/measure/slot-work.ts'
import { decodeRaw, encodeRaw } from '../../../src/run/spread/raw.ts'
import { type Chunk, lineAtEnd, offsetAtEnd } from '../../../src/sources/source.ts'
import { randomFrom } from '../../random.ts'

const chunk = (bytes: Uint8Array, more: Partial<Chunk> = {}): Chunk => ({
  ...{ split: 'a.jsonl', line: 1, bytes, dead: [], next: { offset: bytes.length, line: 2 } },
  ...more,
})
const empty = new Uint8Array(0)
const ofRun = (chunks: readonly Chunk[]) => ({ chunks, stored: null, base: undefined })
const chunksOf = (work: SlotWork) => {
  assert.ok('chunks' in work && work.stored === null && work.base === undefined)
  return work.chunks
}
const dead = [
  { line: 0, reason: 'unreadable-file', detail: 'no "permission"\n\u{1F600} \ud800' },
  { line: 7, reason: 'x', detail: '' },
]

const cases: Record<string, Chunk[]> = {
  'no chunk': [],
  'one chunk': [chunk(Buffer.from('{"text":"a"}\n'))],
  'a chunk without bytes': [chunk(empty)],
  'chunks without bytes between others': [empty, Buffer.from('a'), empty, Buffer.from('bc'), empty].map(bytes =>
    chunk(bytes),
  ),
  'dead records, with a chunk that has nothing else': [
    chunk(empty, { dead, next: { offset: offsetAtEnd, line: 8 } }),
    chunk(Buffer.from('x'), { dead: dead.slice(1) }),
  ],
  'records of which some are meant': [
    chunk(Buffer.from('a\nb\n'), {
      line: 2 ** 40,
      only: [
        [3, 4],
        [9, lineAtEnd],
      ],
    }),
  ],
  'bytes that are no UTF-8, and zeros': [
    chunk(Uint8Array.of(0xff, 0xfe, 0, 0xc3, 0x28, 0xed, 0xa0, 0x80)),
    chunk(new Uint8Array(9)),
  ],
  'a view of a larger buffer': [chunk(Buffer.from('012345').subarray(1, 4))],
  'a split of any name': [chunk(Buffer.from('a'), { split: 'ä/"chunk1"/\u0000' })],
  'more chunks than ten': Array.from({ length: 12 }, (_, i) => chunk(new Uint8Array(i).fill(i), { line: i + 1 })),
}
for (const [name, chunks] of Object.entries(cases))
  test(`${name}: what was loaded is what is annotated`, () => {
    const decoded = chunksOf(decodeRaw(encodeRaw(ofRun(chunks))))
    assert.deepEqual(
      decoded,
      chunks.map(one => ({ ...one, bytes: new Uint8Array(one.bytes) })),
    )
    for (const { bytes } of decoded) assert.equal(bytes.buffer.byteLength, bytes.length, 'it may be transferred')
  })

const before = { origin: 'o', steps: [{ gate: [{ reason: 'short', column: 'words', below: 3 }] }] }
const [scored, deadRows] = [Uint8Array.of(1, 2, 3), Uint8Array.of(9)]
const replayed: Record<string, SlotWork> = {
  'one that refers to another run': {
    measured: { scored: empty, isJoined: true, dead: null, rows: 3, deadRows: 0 },
    base: 'mark',
  },
  'one that is stored anew, with dead rows': {
    measured: { scored, isJoined: false, dead: deadRows, rows: 3, deadRows: 1 },
    base: undefined,
  },
  'one that is stored anew, apart from its texts': {
    measured: { scored, isJoined: false, dead: null, texts: Uint8Array.of(7, 8), rows: 3, deadRows: 0 },
    base: undefined,
  },
  'one that is measured from what is stored': {
    chunks: [],
    stored: { value: scored, dead: null, before, base: 'self' },
    base: 'mark',
  },
  'one that is measured from records besides': {
    chunks: [chunk(Uint8Array.of(5, 6)), chunk(empty, { dead })],
    stored: { value: scored, dead: deadRows, before: { origin: 'o', steps: [] }, base: null },
    base: undefined,
  },
}
for (const [name, work] of Object.entries(replayed))
  test(`of a replay ${name}: what was loaded is what is annotated`, () => {
    assert.deepEqual(decodeRaw(encodeRaw(work)), work)
  })

test('same chunks, same bytes, whatever buffer they stand in', () => {
  const one = chunk(Buffer.from('abc'))
  const view = chunk(Buffer.from('xabcx').subarray(1, 4))
  assert.deepEqual(encodeRaw(ofRun([one, one])), encodeRaw(ofRun([view, one])))
})

test('random slots come back', () => {
  const seed = Date.now() % 1e6
  const random = randomFrom(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  for (let round = 0; round < 50; round++) {
    const chunks = Array.from({ length: upTo(20) }, (_, i) => {
      const bytes = Uint8Array.from({ length: upTo(2) * upTo(3000) }, () => upTo(256))
      return chunk(bytes, { line: i, dead: dead.slice(upTo(3)), ...(upTo(2) && { only: [[1, 2]] as const }) })
    })
    assert.deepEqual(decodeRaw(encodeRaw(ofRun(chunks))), ofRun(chunks), `seed ${seed}`)
  }
})

test('an entry whose columns are not those that it lists is refused', () => {
  const bytes = encodeRaw(ofRun([chunk(Buffer.from('abc'))]))
  const text = Buffer.from(bytes).toString('latin1')
  const wrong = Buffer.from(text.replace('"length":3', '"length":4'), 'latin1')
  assert.notDeepEqual(new Uint8Array(wrong), bytes)
  assert.throws(() => decodeRaw(new Uint8Array(wrong)), /chunk 0 has 3 bytes of 4/)
})
