import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numbers, stringAt, utf8 } from '../../src/batch/batch.ts'
import { checkFields, documentFields } from '../../src/batch/contract.ts'
import { limits } from '../../src/limits.ts'
import type { Chunk, ReadPosition, Source, Split } from '../../src/sources/source.ts'

/** What must come of a record: its text, or the reason why it is dead. */
export interface ExpectedRecord {
  readonly file: string
  readonly line: number
  readonly text?: string
  readonly reason?: string
}

/** A source with known content: more than one split and, in one of them, several chunks. */
export interface SourceSetting {
  readonly source: Source
  /** Every record in the order of splits and lines. */
  readonly records: readonly ExpectedRecord[]
  /** The longest record as it lies in a chunk, in bytes. */
  readonly recordBytesMax: number
}

const start: ReadPosition = { offset: 0, line: 1 }
const never = () => new AbortController().signal

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export const listSplits = (source: Source): Promise<Split[]> => collect(source.splits(never()))
export const readChunks = (source: Source, split: Split, from = start): Promise<Chunk[]> =>
  collect(source.read(split, from, never()))

/** A chunk's records, live and dead, by line. */
export async function parseRecords(source: Source, chunk: Chunk): Promise<ExpectedRecord[]> {
  const { batch, dead } = await source.parse(chunk)
  const [text, file, lines] = [utf8(batch, 'text'), utf8(batch, 'file'), numbers(batch, 'line')]
  const rows = Array.from(lines, (line, i) => ({ file: stringAt(file, i), line, text: stringAt(text, i) }))
  const lost = [...chunk.dead, ...dead].map(({ line, reason }) => ({ file: chunk.split, line, reason }))
  return [...rows, ...lost].sort((a, b) => a.line - b.line)
}

async function readAll(source: Source): Promise<{ split: Split; chunks: Chunk[] }[]> {
  const all = []
  for (const split of await listSplits(source)) all.push({ split, chunks: await readChunks(source, split) })
  return all
}

/** The rules of a source, each in one line, as checks that throw. */
export const sourceRules: Record<string, (setting: SourceSetting) => Promise<void>> = {
  'splits are the same list each time, without a name twice': async ({ source }) => {
    const splits = await listSplits(source)
    assert.ok(splits.length > 1, 'the setting has one split')
    assert.deepEqual(await listSplits(source), splits)
    assert.equal(new Set(splits.map(({ name }) => name)).size, splits.length)
  },
  'every record comes once and in order, as a row or as dead': async ({ source, records }) => {
    const read: ExpectedRecord[] = []
    for (const { chunks } of await readAll(source))
      for (const chunk of chunks) read.push(...(await parseRecords(source, chunk)))
    assert.equal(read.length, records.length)
    for (const [i, record] of records.entries()) assert.deepEqual(read[i], record)
  },
  'reading from any position that a chunk gave gives the rest exactly': async ({ source }) => {
    const all = await readAll(source)
    assert.ok(
      all.some(({ chunks }) => chunks.length > 2),
      'no split of the setting has three chunks',
    )
    for (const { split, chunks } of all)
      for (const [i, { next }] of chunks.entries())
        assert.deepEqual(await readChunks(source, split, next), chunks.slice(i + 1))
  },
  'a chunk names its split and its first line, and the next begins behind it': async ({ source }) => {
    for (const { split, chunks } of await readAll(source)) {
      let line = 1
      for (const chunk of chunks) {
        assert.equal(chunk.split, split.name)
        assert.equal(chunk.line, line)
        const lines = (await parseRecords(source, chunk)).map(record => record.line)
        for (const of of lines) assert.ok(of < chunk.next.line && (of >= chunk.line || of === 0), `line ${of}`)
        line = chunk.next.line
      }
    }
  },
  'the same chunk gives the same rows, and none of its bytes change': async ({ source }) => {
    for (const { chunks } of await readAll(source))
      for (const chunk of chunks) {
        const before = chunk.bytes.slice()
        const parsed = await source.parse(chunk)
        assert.deepEqual(chunk.bytes, before)
        assert.deepEqual(await source.parse({ ...chunk, bytes: before }), parsed)
      }
  },
  'chunks are about a slot: never more than one record beyond it': async ({ source, recordBytesMax }) => {
    for (const { chunks } of await readAll(source))
      for (const { bytes } of chunks) assert.ok(bytes.length <= limits.slotBytes + recordBytesMax, `${bytes.length}`)
  },
  'a chunk owns its memory': async ({ source }) => {
    for (const { chunks } of await readAll(source)) {
      for (const { bytes } of chunks) assert.equal(bytes.buffer.byteLength, bytes.length)
      assert.equal(new Set(chunks.map(({ bytes }) => bytes.buffer)).size, chunks.length)
    }
  },
  'rows have the columns of document.v1': async ({ source }) => {
    for (const { chunks } of await readAll(source))
      for (const chunk of chunks) checkFields((await source.parse(chunk)).batch, documentFields, source.name)
  },
  'reading ends when the signal aborts, without a throw and without an end of its own': async ({ source }) => {
    const { split, chunks } = (await readAll(source)).find(read => read.chunks.length > 2)!
    const stop = new AbortController()
    const read: Chunk[] = []
    for await (const chunk of source.read(split, start, stop.signal)) {
      read.push(chunk)
      stop.abort()
    }
    assert.deepEqual(read, chunks.slice(0, read.length))
    assert.ok(read.length < chunks.length, 'it read on')
  },
}

/** Runs every rule on a source. */
export function testSource(name: string, setting: SourceSetting): void {
  for (const [rule, check] of Object.entries(sourceRules)) test(`${name}: ${rule}`, () => check(setting))
}
