import assert from 'node:assert/strict'
import { numbers, stringAt, utf8 } from '../src/batch/batch.ts'
import { checkFields, sourceFields } from '../src/batch/contract.ts'
import { limits } from '../src/limits.ts'
import type { Chunk, Parsed, ReadPosition, Source, Split } from '../src/sources/source.ts'
import { type Open, registering, type Suite, suiteOf } from './suite.ts'

/** What must come of a record: its text, or the reason why it is dead. */
export interface ExpectedRecord {
  readonly file: string
  readonly line: number
  readonly text?: string
  readonly reason?: string
}

/** A source with known content: more than one split and, in one of them, three chunks or more. */
export interface SourceSubject {
  readonly source: Source
  /** Every record in the order of splits and lines. */
  readonly records: readonly ExpectedRecord[]
  /** The longest record as it lies in a chunk, in bytes. */
  readonly recordBytesMax: number
}

const start: ReadPosition = { offset: 0, line: 1 }
const never = () => new AbortController().signal

export const listSplits = (source: Source): Promise<Split[]> => Array.fromAsync(source.splits(never()))
export const readChunks = (source: Source, split: Split, from = start): Promise<Chunk[]> =>
  Array.fromAsync(source.read(split, from, never()))

/** A chunk's records, live and dead, by line. */
export async function parseRecords(source: Source, chunk: Chunk): Promise<ExpectedRecord[]> {
  const { batch, dead } = await source.parse(chunk)
  const [text, file, lines] = [utf8(batch, 'text'), utf8(batch, 'file'), numbers(batch, 'line')]
  const rows = Array.from(lines, (line, i) => ({ file: stringAt(file, i), line, text: stringAt(text, i) }))
  const lost = [...chunk.dead, ...dead].map(({ line, reason }) => ({ file: chunk.split, line, reason }))
  return [...rows, ...lost].sort((a, b) => a.line - b.line)
}

/** How much of a file was read ahead of a chunk depends on where reading began. */
const withoutSeen = ({ next: { offset, line }, ...chunk }: Chunk): Chunk => ({ ...chunk, next: { offset, line } })

async function readAll(source: Source): Promise<{ split: Split; chunks: Chunk[] }[]> {
  const all = []
  for (const split of await listSplits(source)) all.push({ split, chunks: await readChunks(source, split) })
  return all
}

/** Runs a check on a fresh source. */
const onSource =
  (check: (subject: SourceSubject) => Promise<void>) =>
  async (open: Open<SourceSubject>): Promise<void> =>
    check(await open())

/** Runs a check on every chunk of a fresh source. */
const onChunks = (check: (chunk: Chunk, subject: SourceSubject) => void | Promise<void>) =>
  onSource(async subject => {
    for (const { chunks } of await readAll(subject.source)) for (const chunk of chunks) await check(chunk, subject)
  })

async function findLongSplit(source: Source): Promise<{ split: Split; chunks: Chunk[] }> {
  const found = (await readAll(source)).find(({ chunks }) => chunks.length > 2)
  assert.ok(found, 'no split of the subject has three chunks')
  return found
}

/** The contract of `Source`. */
export const sourceSuite: Suite<SourceSubject> = suiteOf({
  'splits are the same list each time, without a name twice': onSource(async ({ source }) => {
    const splits = await listSplits(source)
    assert.ok(splits.length > 1, 'the subject has one split')
    assert.deepEqual(await listSplits(source), splits)
    assert.equal(new Set(splits.map(({ name }) => name)).size, splits.length)
  }),
  'every record comes once and in order, as a row or as dead': onSource(async ({ source, records }) => {
    const read: ExpectedRecord[] = []
    for (const { chunks } of await readAll(source))
      for (const chunk of chunks) read.push(...(await parseRecords(source, chunk)))
    assert.equal(read.length, records.length)
    for (const [i, record] of records.entries()) assert.deepEqual(read[i], record)
  }),
  'another source with the same options has the same splits, chunks and rows': async open => {
    const [one, other] = [(await open()).source, (await open()).source]
    const all = await readAll(one)
    assert.deepEqual(await readAll(other), all)
    for (const { chunks } of all) {
      const rows: Parsed[] = []
      for (const chunk of chunks) rows.push(await one.parse(chunk))
      // Backwards, as workers take chunks in any order.
      for (const [i, chunk] of [...chunks.entries()].reverse()) assert.deepEqual(await other.parse(chunk), rows[i])
    }
    assert.deepEqual(other.options, one.options)
  },
  'reading from any position that a chunk gave gives the rest exactly': onSource(async ({ source }) => {
    await findLongSplit(source)
    for (const { split, chunks } of await readAll(source))
      for (const [i, { next }] of chunks.entries())
        assert.deepEqual((await readChunks(source, split, next)).map(withoutSeen), chunks.slice(i + 1).map(withoutSeen))
  }),
  'a chunk names its split and its first line, and the next begins behind it': onSource(async ({ source }) => {
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
  }),
  'the same chunk gives the same rows, and none of its bytes change': onChunks(async (chunk, { source }) => {
    const before = chunk.bytes.slice()
    const parsed = await source.parse(chunk)
    assert.deepEqual(chunk.bytes, before)
    assert.deepEqual(await source.parse({ ...chunk, bytes: before }), parsed)
  }),
  'chunks are about a slot: never more than one record beyond it': onChunks(({ bytes }, { recordBytesMax }) => {
    assert.ok(bytes.length <= limits.slotBytes + recordBytesMax, `${bytes.length}`)
  }),
  'a chunk owns its memory': onSource(async ({ source }) => {
    const chunks = (await readAll(source)).flatMap(read => read.chunks)
    for (const { bytes } of chunks) assert.equal(bytes.buffer.byteLength, bytes.length)
    assert.equal(new Set(chunks.map(({ bytes }) => bytes.buffer)).size, chunks.length)
  }),
  'rows have the columns of document.v1': onChunks(async (chunk, { source }) =>
    checkFields((await source.parse(chunk)).batch, sourceFields, source.name),
  ),
  'a dead record has a reason in words-with-hyphens and a detail': onChunks(async (chunk, { source }) => {
    for (const { reason, detail } of [...chunk.dead, ...(await source.parse(chunk)).dead]) {
      assert.match(reason, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      assert.ok(detail.length > 0, `'${reason}' has no detail`)
    }
  }),
  'reading ends when the signal aborts, without a throw and without an end of its own': onSource(async ({ source }) => {
    const { split, chunks } = await findLongSplit(source)
    const stop = new AbortController()
    const read: Chunk[] = []
    for await (const chunk of source.read(split, start, stop.signal)) {
      read.push(chunk)
      stop.abort()
    }
    assert.deepEqual(read, chunks.slice(0, read.length))
    assert.ok(read.length < chunks.length, 'it read on')
  }),
  'its options are JSON, and its origin is some of them': onSource(async ({ source: { options, origin = [] } }) => {
    assert.deepEqual(JSON.parse(JSON.stringify(options)), { ...options })
    for (const name of origin) assert.ok(Object.hasOwn(options, name), `there is no option '${name}'`)
  }),
  'it describes itself in a line': onSource(async ({ source }) =>
    assert.match(source.describe?.() ?? source.name, /^\S.*$/),
  ),
  'following, it is the same source with `follow`': onSource(async ({ source }) => {
    const { name, options } = source.following?.() ?? { ...source, options: { ...source.options, follow: true } }
    assert.deepEqual([name, options], [source.name, { ...source.options, follow: true }])
  }),
})

/** Registers the suite: `testSource('my source', () => ({ source: mySource('a', 'b'), records, recordBytesMax }))`. */
export const testSource = registering(sourceSuite)
