import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { registering, type Suite, suiteOf } from '../../conformance/suite.ts'
import { listFiles } from '../../src/disk/files.ts'
import { type FieldName, fieldNames } from '../../src/export/fields.ts'
import type { ExportShape, Format } from '../../src/export/format.ts'
import { OutFolder } from '../../src/export/out-folder.ts'
import { Parts } from '../../src/export/parts.ts'
import { noCounts, type Piece, type Sample } from '../../src/export/sample.ts'
import { makeFolder } from '../temporary.ts'
import type { ReadBack, Reader } from './read-back.ts'

/** A format with a reader of its bytes that has none of its code. */
export interface FormatSubject {
  readonly format: Format
  readonly read: Reader
}

const length = 300
const shape: ExportShape = {
  length,
  hasNext: false,
  endOfText: 9,
  tokenizer: 'test',
  tokenBytes: 4,
  fields: fieldNames,
}
const ids = ['a', 'with, comma', 'with "quotes"', '文 \n 😀', 'x'.repeat(200)]

/** Samples with one piece and many, with padding and without, with one token and with the largest ids. */
function makeSamples(): Sample[] {
  const lengths = [[length], [100, 200], [1, 1, 1], [120, 70], [], Array(length).fill(1), [299], [256, 44]]
  return lengths.map((pieces, i) => makeSample(Math.floor(i / 4), pieces, i))
}

function makeSample(step: number, lengths: readonly number[], seed: number): Sample {
  const tokens = new Int32Array(length).fill(9)
  const targets = new Int32Array(length).fill(-100)
  const positions = new Int32Array(length)
  const pieces: Piece[] = []
  let start = 0
  for (const [i, count] of lengths.entries()) {
    for (let k = 0; k < count; k++) {
      tokens[start + k] = (seed + 1) * 1000 + start + k
      positions[start + k] = k
      if (k > 0) targets[start + k - 1] = tokens[start + k]
    }
    pieces.push({ start, length: count, document: ids[(seed + i) % ids.length], isMasked: false })
    start += count
  }
  for (let k = start; k < length; k++) positions[k] = k - start
  if (seed === 1) tokens[0] = 2 ** 31 - 1
  const [starts, names] = [pieces.map(piece => piece.start), pieces.map(piece => piece.document)]
  const isShort = start < length
  const bounds = Int32Array.from(isShort ? [...starts, start, length] : [...starts, length])
  const documents = isShort ? [...names, ''] : names
  return { step, domain: seed % 2 ? 'en' : 'zh/水', tokens, targets, positions, pieces, bounds, documents }
}

/** Bytes of files that make several parts of these samples, and one of each. */
const sizes = { one: 1e9, several: 8000, each: 1 }

async function write(
  format: Format,
  samples: readonly Sample[],
  fileBytes = sizes.one,
  given: ExportShape = shape,
): Promise<OutFolder> {
  await using folder = new OutFolder(makeFolder('export'))
  const exporter = format.open(folder, given)
  const parts = new Parts(exporter, fileBytes, format.fileBytes.max)
  for (const sample of samples) await parts.write(sample)
  await parts.close()
  await exporter.finish()
  return folder
}

/** What a sample is when it is read back: all that the format holds of it. */
function expectedRows(
  { hasPadding, fields }: Format,
  samples: readonly Sample[],
  chosen: readonly FieldName[],
): unknown[] {
  if (!hasPadding)
    return samples.flatMap(({ tokens, pieces }) =>
      pieces.map(piece => ({ tokens: [...tokens.subarray(piece.start, piece.start + piece.length)] })),
    )
  if (fields.length === 0) return samples.map(({ tokens }) => ({ tokens: [...tokens] }))
  return samples.map(sample => {
    const spans = spansOf(sample)
    const all: Record<FieldName, unknown> = {
      tokens: [...sample.tokens],
      targets: [...sample.targets],
      positions: [...sample.positions],
      cu_seqlens: [0, ...spans.map(span => span.end)],
      documents: spans.map(span => span.document),
      domain: sample.domain,
      step: sample.step,
    }
    return Object.fromEntries(chosen.map(name => [name, all[name]]))
  })
}

function spansOf(sample: Sample): { end: number; document: string }[] {
  return sample.documents.map((document, i) => ({ end: sample.bounds[i + 1], document }))
}

/** Throws unless all was read back. */
export function assertReadBack(
  format: Format,
  back: ReadBack,
  samples: readonly Sample[],
  fields: readonly FieldName[] = fieldNames,
): void {
  assert.deepEqual(back.rows, expectedRows(format, samples, fields))
  // Where documents are named, padding is none of them.
  const piecesOf = ({ pieces }: Sample) =>
    pieces.map(({ start, length, document }) => ({ end: start + length, document }))
  const wanted = samples.flatMap((sample, i) =>
    (back.documents ? piecesOf : spansOf)(sample).map(({ end, document }) => ({
      end: i * sample.tokens.length + end,
      document,
    })),
  )
  if (back.ends)
    assert.deepEqual(
      back.ends,
      wanted.map(span => span.end),
    )
  if (back.documents)
    assert.deepEqual(
      back.documents,
      wanted.map(span => span.document),
    )
}

async function snapshot(folder: OutFolder): Promise<Record<string, string>> {
  const names = await listFiles(folder.dir)
  return Object.fromEntries(names.map(name => [name, readFileSync(join(folder.dir, name), 'latin1')]))
}

/** The contract of `Format` and its `Exporter`. */
export const formatSuite: Suite<FormatSubject> = suiteOf({
  'what is read back is every sample, in order, with all that the format holds': async open => {
    const { format, read } = await open()
    const folder = await write(format, makeSamples())
    assertReadBack(format, read(folder.dir, shape), makeSamples())
  },
  'many files hold what one does': async open => {
    const { format, read } = await open()
    for (const fileBytes of [sizes.several, sizes.each]) {
      const folder = await write(format, makeSamples(), fileBytes)
      assertReadBack(format, read(folder.dir, shape), makeSamples())
    }
  },
  'a sample adds no more bytes than it says before': async open => {
    const { format } = await open()
    await using folder = new OutFolder(makeFolder('export'))
    const exporter = format.open(folder, shape)
    const part = await exporter.openPart(0)
    assert.equal(part.bytes <= 1024, true, 'what a file begins with is little')
    let bytes = part.bytes
    for (const sample of makeSamples()) {
      await part.write(sample)
      assert.ok(part.bytes - bytes <= exporter.bytesMaxOf(sample), `${part.bytes - bytes} bytes`)
      bytes = part.bytes
    }
    await part.close()
    await exporter.finish()
    const largest = Math.max(...folder.files.map(file => file.bytes))
    assert.ok(largest <= bytes + 2048, `${largest} bytes, and it told ${bytes}`)
  },
  'the same samples give the same bytes': async open => {
    const one = await open()
    const other = await open()
    const first = await write(one.format, makeSamples(), sizes.several)
    const second = await write(other.format, makeSamples(), sizes.several)
    assert.deepEqual(await snapshot(first), await snapshot(second))
  },
  'the folder holds the files that it says, with their bytes and hashes, and nothing else': async open => {
    const { format } = await open()
    const folder = await write(format, makeSamples(), sizes.several)
    const found = (await listFiles(folder.dir)).map(path => {
      const bytes = readFileSync(join(folder.dir, path))
      return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    })
    assert.deepEqual(folder.files, found)
  },
  'samples stay as they are': async open => {
    const { format } = await open()
    const samples = makeSamples()
    await write(format, samples)
    assert.deepEqual(samples, makeSamples())
  },
  'only the fields that are asked for are written': async open => {
    const { format, read } = await open()
    const fields: readonly FieldName[] = ['tokens', 'step']
    const folder = await write(format, makeSamples(), sizes.one, { ...shape, fields })
    assertReadBack(format, read(folder.dir, shape), makeSamples(), fields)
  },
  'ids of 2 bytes are written as such, and larger ones are refused': async open => {
    const { format, read } = await open()
    if (!format.tokenBytes.includes(2)) return
    const given = { ...shape, tokenBytes: 2 } as const
    const small = makeSamples().map(sample => ({ ...sample, tokens: sample.tokens.map(id => Math.min(id, 65_535)) }))
    const folder = await write(format, small, sizes.several, given)
    assertReadBack(format, read(folder.dir, given), small)
    await assert.rejects(write(format, makeSamples(), sizes.one, given), /token id 2147483647 does not fit 2 bytes/)
  },
  'what its reader does is said': async open => {
    const { format } = await open()
    const notes = format.advise(shape, { ...noCounts(), samples: 8 })
    assert.ok(notes.length > 0 && notes.every(note => /^\S.*\.$/.test(note)), notes.join('\n'))
  },
})

/** Registers the suite for a format. */
export const testFormat = registering(formatSuite)
