import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { listSplits, readChunks } from '../../../conformance/source.ts'
import type { WatchFolders } from '../../../src/sources/files/follow.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import type { Chunk, ReadPosition, Source, Split } from '../../../src/sources/source.ts'
import { randomFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'

// Files that are written to between the moments at which a source looks at them: none is taken for what it was.
const folder = makeFolder('changing')
const path = (name: string) => join(folder, name)
const never = new AbortController().signal
const start: ReadPosition = { offset: 0, line: 1 }

/** Documents of 4,000 letters that no packer makes small, so that a file has several chunks. */
function textsOf(count: number): string[] {
  const random = randomFrom(7)
  const letter = () => String.fromCharCode(97 + Math.floor(26 * random()))
  const letters = Array.from({ length: 4000 }, letter).join('')
  return Array.from({ length: count }, (_, i) => `${i} ${letters.slice(i % 4000)}${letters.slice(0, i % 4000)}`)
}
const linesOf = (texts: readonly string[]) => `${texts.map(text => JSON.stringify({ text })).join('\n')}\n`
const columnsOf = (texts: readonly string[]) =>
  Buffer.from(
    parquetWriteBuffer({ columnData: [{ name: 'text', data: [...texts], type: 'STRING' }], codec: 'UNCOMPRESSED' }),
  )
const documents = 450

interface Kind {
  readonly source: (file: string) => Source
  readonly encode: (texts: readonly string[]) => Uint8Array | string
  readonly count: number
}
const kinds: Record<string, Kind> = {
  'a.jsonl': { source: jsonl, encode: linesOf, count: documents },
  'a.jsonl.gz': { source: jsonl, encode: texts => gzipSync(linesOf(texts), { level: 0 }), count: documents },
  'a.jsonl.zst': {
    source: jsonl,
    encode: texts => Buffer.concat(Array.from(texts, text => zstdCompressSync(linesOf([text])))),
    count: documents,
  },
  'a.parquet': { source: parquet, encode: columnsOf, count: documents },
  'texts/a.txt': { source: () => textFolder(path('texts')), encode: texts => texts.join('\n'), count: 30 },
}

/** What may happen to a file, as its content then. `null`: it is removed. */
type Change = (bytes: Uint8Array, kind: Kind) => Uint8Array | string | null
const changes: Record<string, Change> = {
  'an edit of one byte at the start': bytes => Buffer.concat([Buffer.from([bytes[0] ^ 1]), bytes.subarray(1)]),
  'another file of other length': (_, { encode, count }) => encode(textsOf(count - 1)),
  'a cut': bytes => bytes.subarray(0, bytes.length / 2),
  'an appended line': bytes => Buffer.concat([bytes, Buffer.from('{"text":"late"}\n')]),
  emptied: () => '',
  removed: () => null,
}

function change(file: string, content: Uint8Array | string | null): void {
  if (content === null) {
    rmSync(file)
    return
  }
  // By a rename, as careful writers do: what is open stays what it was.
  writeFileSync(`${file}.part`, content)
  renameSync(`${file}.part`, file)
}

for (const [name, kind] of Object.entries(kinds)) {
  const file = path(name)
  const bytes = kind.encode(textsOf(kind.count))
  const write = () => {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, bytes)
  }
  const isChanged = { code: 'source-changed', exit: 65 }

  for (const [what, make] of Object.entries(changes))
    for (const isSettled of [true, false])
      test(`${name}: ${what} between listing and reading is refused${isSettled ? ', of a file long unchanged' : ''}`, async () => {
        write()
        if (isSettled) utimesSync(file, 1, 1)
        const source = kind.source(file)
        const [split] = await listSplits(source)
        change(file, make(readFileSync(file), kind))
        await assert.rejects(readChunks(source, split), isChanged)
      })

  test(`${name}: a copy with another time is the same file`, async () => {
    write()
    const source = kind.source(file)
    const [split] = await listSplits(source)
    const chunks = await readChunks(source, split)
    copyFileSync(file, `${file}.part`)
    utimesSync(`${file}.part`, 1, 1)
    renameSync(`${file}.part`, file)
    assert.deepEqual(await readChunks(source, split), chunks)
    assert.deepEqual((await listSplits(source))[0], split)
  })

  if (kind.count < documents) continue

  test(`${name}: an edit of the same length in what was read is refused by who goes on from there`, async () => {
    write()
    const source = kind.source(file)
    const [split] = await listSplits(source)
    const chunks = await readChunks(source, split)
    assert.ok(chunks.length > 3, `${chunks.length} chunks`)
    writeFileSync(file, flipByte(readFileSync(file), 200_000))
    const again = kind.source(file)
    assert.equal((await listSplits(again))[0].stamp, split.stamp, 'the ends show nothing')
    await assert.rejects(readChunks(again, split, chunks[1].next), isChanged)
    // A run of before has no hash of what it read, and goes on as it did.
    const { offset, line } = chunks[1].next
    const rest = await readChunks(again, split, { offset, line }).catch(({ code }) => code)
    assert.notEqual(rest, 'source-changed')
  })

  test(`${name}: written to while it is read, it is refused before its last chunk`, async () => {
    for (const at of [0, 1, 2]) {
      write()
      const source = kind.source(file)
      const [split] = await listSplits(source)
      const whole = await readChunks(source, split)
      const read: Chunk[] = []
      const reading = async () => {
        for await (const chunk of source.read(split, start, never)) {
          if (read.push(chunk) === at + 1) writeFileSync(file, flipByte(readFileSync(file), 200_000))
        }
      }
      await assert.rejects(reading(), isChanged)
      assert.ok(read.length < whole.length)
    }
  })

  test(`${name}: grown while it is read, it is refused, but for a follower`, async () => {
    write()
    for (const follow of [false, true]) {
      const source = follow ? kind.source(file).following!() : kind.source(file)
      const [split] = await listSplits(kind.source(file))
      const reading = async () => {
        for await (const _ of source.read(split, start, never)) if (!follow || _.line === 1) appendFileSync(file, '\n')
      }
      if (!follow) await assert.rejects(reading(), isChanged)
      else await reading()
    }
  })
}

function flipByte(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] ^= 1
  return copy
}

test('a follower yields again what was appended to, replaced or written slowly, once a change', async () => {
  mkdirSync(path('inbox'))
  const put = (name: string, text: string) => writeFileSync(path(`inbox/${name}`), text)
  put('a.jsonl', '{"text":"a"}\n')
  put('b.jsonl', '{"text":"b"}\n')
  put('c.jsonl', '{"te')
  const before = [
    () => {},
    () => appendFileSync(path('inbox/a.jsonl'), '{"text":"more"}\n'),
    () => {},
    () => change(path('inbox/b.jsonl'), '{"text":"B"}\n'),
    () => appendFileSync(path('inbox/c.jsonl'), 'xt":"c"}\n'),
    // Neither a touch nor a file that is cleared away is a change.
    () => utimesSync(path('inbox/a.jsonl'), 1, 1),
    () => rmSync(path('inbox/a.jsonl')),
  ]
  const script: WatchFolders = async function* () {
    for (const happen of before) {
      happen()
      yield
    }
  }
  const source = jsonl(path('inbox/*.jsonl'), { follow: true }, script)
  const splits: Split[] = await listSplits(source)
  const stampOf = async (name: string) => (await listSplits(jsonl(path(name))))[0].stamp
  assert.deepEqual(
    splits.map(({ name }) => name.slice(folder.length + 1)),
    ['inbox/a.jsonl', 'inbox/b.jsonl', 'inbox/c.jsonl', 'inbox/a.jsonl', 'inbox/b.jsonl', 'inbox/c.jsonl'],
  )
  assert.deepEqual(
    splits.slice(4).map(({ stamp }) => stamp),
    [await stampOf('inbox/b.jsonl'), await stampOf('inbox/c.jsonl')],
  )
})
