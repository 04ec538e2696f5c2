import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSegmentEnd, type RunFile, readRunFile, segmentAt, writeRunFile } from '../../src/record/run-file.ts'
import { makeFolder } from '../temporary.ts'

const segment = { from: 0, annotate: 'a', decide: 'd', shard: 's', state: 't' }
const run: RunFile = {
  version: 1,
  pipeline: 'p',
  module: 'file:///pipeline.ts',
  input: ['a*'],
  source: 'jsonl',
  log: null,
  logConfig: null,
  partitions: 2,
  lanes: 4,
  slotBytes: 512,
  segments: [segment, { ...segment, from: 7 }],
  feed: null,
  tokenizer: { encoding: 'gpt2' },
}

test('what is written is read, with fields of a newer version, and a folder without a run has none', async () => {
  const dir = makeFolder('run-file')
  assert.equal(await readRunFile(dir), null)
  assert.deepEqual(await writeRunFile(dir, run), await readRunFile(dir))
  const newer = { ...run, later: { than: 'this' } }
  await writeRunFile(dir, newer)
  assert.deepEqual(await readRunFile(dir), newer)
  assert.equal(await readFile(join(dir, 'run.json'), 'utf8'), `${JSON.stringify(newer, null, 2)}\n`)
})

const damaged: Record<string, unknown> = {
  'another value': [],
  null: null,
  'a newer version': { ...run, version: 9 },
  'no version': { ...run, version: undefined },
  'no module': { ...run, module: undefined },
  'input that is no list': { ...run, input: 'a*' },
  'input that is no text': { ...run, input: [1] },
  'a place that is no text': { ...run, log: 1 },
  'no place of the log': { ...run, logConfig: undefined },
  'partitions in words': { ...run, partitions: 'x' },
  'no partition': { ...run, partitions: 0 },
  'too many partitions': { ...run, partitions: 1025 },
  'half a lane': { ...run, lanes: 0.5 },
  'no segment': { ...run, segments: [] },
  'a segment that is nothing': { ...run, segments: [segment, null] },
  'a first segment that begins late': { ...run, segments: [{ ...segment, from: 1 }] },
  'a segment without a fingerprint': { ...run, segments: [{ ...segment, shard: undefined }] },
  'segments by name': { ...run, segments: { 0: segment, every: 1 } },
}
const message = /run\.json is no run file of this version: restore it, or begin another run$/
for (const [what, value] of Object.entries(damaged))
  test(`a run file with ${what} is refused with its name`, async () => {
    const dir = makeFolder('run-file')
    await writeFile(join(dir, 'run.json'), JSON.stringify(value))
    await assert.rejects(readRunFile(dir), { code: 'corrupt', message })
  })

test('a run file that is cut off anywhere is refused', async () => {
  const dir = makeFolder('run-file')
  const text = JSON.stringify(run)
  for (let length = 0; length < text.length; length += 7) {
    await writeFile(join(dir, 'run.json'), text.slice(0, length))
    await assert.rejects(readRunFile(dir), { code: 'corrupt', message })
  }
})

test('a slot belongs to the last segment that begins at it or before', () => {
  const segments = [0, 4, 9].map(from => ({ ...segment, from }))
  assert.deepEqual(
    [0, 3, 4, 8, 9, 99].map(slot => segmentAt(segments, slot).from),
    [0, 0, 4, 4, 9, 9],
  )
  assert.deepEqual(
    [2, 3, 4, 8, 9].filter(slot => isSegmentEnd(segments, slot)),
    [3, 8],
  )
})
