import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotator, Rule } from '../../../src/annotate/annotator.ts'
import { decodeBatch, encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { HeadraceError } from '../../../src/errors.ts'
import { type Gate, gate, pipeline } from '../../../src/pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { deadRowsOf } from '../../../src/record/dead-records.ts'
import { decodeEntry } from '../../../src/record/entry.ts'
import { annotateSlot, deadBatch, encodeDead } from '../../../src/run/measure/annotate-slot.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import type { Chunk, DeadRecord } from '../../../src/sources/source.ts'
import { plainAnnotator } from '../../annotate/plain.ts'

/** A plan over JSON Lines with these steps. */
function planOf(...steps: (Annotator | Gate)[]): Plan {
  return planPipeline(
    pipeline('p')
      .from(jsonl('none'))
      .annotate(...steps),
  )
}

/** Lines of a file as a chunk: strings are texts, `null` a broken line. */
function chunkOf(split: string, texts: readonly (string | null)[], line = 1, dead: DeadRecord[] = []): Chunk {
  const lines = texts.map((text, i) => (text === null ? '{' : JSON.stringify({ id: `${split}-${line + i}`, text })))
  return { split, line, bytes: Buffer.from(lines.join('\n')), dead, next: { offset: 0, line: line + texts.length } }
}

const annotator = (name: string, annotate: Annotator['annotate'], rules: Rule[] = []): Annotator =>
  plainAnnotator({ name, writes: [{ name, kind: 'f64' }], rules, annotate })
/** Measures the text's bytes; throws on a batch with a text that holds `poison`. */
const length = (rules: Rule[] = [], name = 'size', calls: number[] = []) =>
  annotator(
    name,
    batch => {
      calls.push(batch.rows)
      const { offsets, bytes } = utf8(batch, 'text')
      if (Buffer.from(bytes).includes('poison')) throw new RangeError('this text is poison')
      return {
        [name]: {
          kind: 'f64',
          values: Float64Array.from({ length: batch.rows }, (_, i) => offsets[i + 1] - offsets[i]),
        },
      }
    },
    rules,
  )

test('every record has a number in the order of files and lines, live or dead', async () => {
  const found = { line: 4, reason: 'document-too-long', detail: '' }
  const whole = { line: 0, reason: 'unreadable-file', detail: '' }
  const { scored, dead } = await annotateSlot(planOf(length()), [
    chunkOf('a', [null, 'one', 'two'], 1, [found]),
    { ...chunkOf('b', [], 1, [whole]), bytes: new Uint8Array(0) },
    chunkOf('c', ['three', null, 'four'], 10),
  ])
  const live = Array.from(numbers(scored, 'row'), (row, i) => `${row} ${stringAt(utf8(scored, 'id'), i)}`)
  assert.deepEqual(live, ['1 a-2', '2 a-3', '5 c-10', '7 c-12'])
  assert.deepEqual(
    dead.map(({ row, file, line, reason }) => `${row} ${file}:${line} ${reason}`),
    ['0 a:1 broken-json', '3 a:4 document-too-long', '4 b:0 unreadable-file', '6 c:11 broken-json'],
  )
})

test('rows that an annotator throws on are dead, all others are measured as if those were not there', async () => {
  const texts = Array.from({ length: 41 }, (_, i) => `text ${'x'.repeat(i)}`)
  const clean = await annotateSlot(planOf(length()), [chunkOf('a', texts)])
  for (const poisoned of [[0], [40], [7, 8, 30], [...texts.keys()]]) {
    const mixed = texts.map((text, i) => (poisoned.includes(i) ? `${text} poison` : text))
    const { scored, dead } = await annotateSlot(planOf(length()), [chunkOf('a', mixed)])
    assert.deepEqual(
      dead.map(({ row, file, line, reason, detail }) => [row, file, line, reason, detail]),
      poisoned.map(row => [row, 'a', row + 1, 'annotator-failed', 'RangeError: this text is poison']),
    )
    const rest = [...texts.keys()].filter(i => !poisoned.includes(i))
    assert.deepEqual([...numbers(scored, 'row')], rest)
    assert.deepEqual(
      [...numbers(scored, 'size')],
      rest.map(i => numbers(clean.scored, 'size')[i]),
    )
    assert.deepEqual(Object.keys(scored.columns), Object.keys(clean.scored.columns))
    assert.ok(encodeBatch(scored).length > 0)
  }
})

test('one poisoned row of 1,000 is found with few calls', async () => {
  const calls: number[] = []
  const texts = Array.from({ length: 1000 }, (_, i) => (i === 777 ? 'poison' : 'text'))
  await annotateSlot(planOf(length([], 'size', calls)), [chunkOf('a', texts)])
  assert.ok(calls.length < 30, `${calls.length} calls`)
})

test('an error of the world stops the stage and kills no row', async () => {
  const failing = annotator('model', () => Promise.reject(new HeadraceError('corrupt', 'the model file is damaged')))
  await assert.rejects(annotateSlot(planOf(failing), [chunkOf('a', ['one', 'two'])]), { code: 'corrupt' })
})

test('what a gate stops is measured no further, keeps its reason and stands in its place', async () => {
  const calls: number[] = []
  const short: Rule = { reason: 'too-short', column: 'size', below: 4 }
  const plan = planOf(length([short]), gate(), length([], 'more', calls))
  const { scored, dead } = await annotateSlot(plan, [chunkOf('a', ['long enough', 'no', 'also long', null, 'x'])])
  assert.equal(dead.length, 1)
  assert.deepEqual(calls, [2])
  assert.deepEqual([...numbers(scored, 'row')], [0, 1, 2, 4])
  assert.deepEqual(
    Array.from({ length: 4 }, (_, i) => stringAt(utf8(scored, 'gate'), i)),
    ['', 'too-short', '', 'too-short'],
  )
  assert.deepEqual([...numbers(scored, 'gateEvidence')], [Number.NaN, 2, Number.NaN, 1])
  assert.deepEqual([...numbers(scored, 'more')], [11, Number.NaN, 9, Number.NaN])
})

test('a slot of dead records alone is a slot without rows that has all columns', async () => {
  const { scored, dead } = await annotateSlot(planOf(length()), [chunkOf('a', [null, null])])
  assert.equal(scored.rows, 0)
  assert.equal(dead.length, 2)
  assert.ok(scored.columns.size && scored.columns.gate && scored.columns.text)
})

test('the same chunks give the same bytes', async () => {
  const chunks = () => [chunkOf('a', ['one', null, 'poison', 'two']), chunkOf('b', ['no', 'three'])]
  const plan = planOf(length([{ reason: 'short', column: 'size', below: 3 }]), gate())
  const [first, second] = [await annotateSlot(plan, chunks()), await annotateSlot(plan, chunks())]
  assert.deepEqual(encodeBatch(first.scored), encodeBatch(second.scored))
  assert.deepEqual(encodeBatch(deadBatch(first.dead)), encodeBatch(deadBatch(second.dead)))
})

test('dead rows as a batch say what they said', () => {
  const batch = deadBatch([{ row: 3, file: 'ä.jsonl', line: 9, reason: 'broken-json', detail: 'x'.repeat(5000) }])
  assert.equal(stringAt(utf8(batch, 'file'), 0), 'ä.jsonl')
  assert.equal(stringAt(utf8(batch, 'detail'), 0).length, 1000)
  assert.deepEqual([numbers(batch, 'row')[0], numbers(batch, 'line')[0]], [3, 9])
  assert.deepEqual(utf8From([]), utf8(deadBatch([]), 'file'))
})

test('many dead rows of a file take little space, and say what they said', () => {
  const file = `${'folder/'.repeat(100)}a.jsonl`
  const reasons = ['broken-json', 'not-an-object']
  const dead = Array.from({ length: 50_000 }, (_, row) => {
    return { row, file: row < 30_000 ? file : 'b', line: row + 1, reason: reasons[row % 2], detail: `at ${row % 7}` }
  })
  const entry = encodeDead(dead)
  assert.ok(entry.length < 12 * dead.length, `${entry.length} bytes for ${dead.length} rows`)
  const { offsets } = utf8(decodeEntry(entry), 'file')
  assert.equal(offsets.at(-1), file.length + 1)
  assert.deepEqual([...deadRowsOf(decodeEntry(entry))], dead)
  const few = dead.slice(0, 3)
  assert.deepEqual([...deadRowsOf(decodeBatch(encodeDead(few)).batch)], few)
})
