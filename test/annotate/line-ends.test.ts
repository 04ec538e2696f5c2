import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Annotator } from '../../src/annotate/annotator.ts'
import type { Batch } from '../../src/batch/batch.ts'
import * as headrace from '../../src/index.ts'
import { randomFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'

const { c4, count, density, finewebQuality, gopherQuality, gopherRepetition, jsonl, language, maskPii } = headrace
const { normalize, signature, simpleFilter, tokenize, wordLists } = headrace

/** Prose, lists, repeated and empty lines, mail and a policy's line: what filters that look at lines find. */
const random = randomFrom(5)
const words = [
  'the',
  'of',
  'water',
  'mill',
  'river',
  'and',
  'wheel',
  'stream',
  'is',
  'to',
  'that',
  'with',
  'be',
  'have',
]
const sentence = () => Array.from({ length: 12 }, () => words[Math.floor(random() * words.length)]).join(' ')
const paragraph = () => `${sentence()}, ${sentence()}. And the river ran down to the mill, as it had before.`
const texts = [
  [paragraph(), '', paragraph(), paragraph(), 'the end'].join('\n'),
  ['- one item', '- two items ...', '* three', '', '', '- one item', '- one item'].join('\n'),
  [paragraph(), 'We use cookies to track you.', 'Write to someone@example.org', paragraph(), ''].join('\n'),
  `${paragraph()}\n\n${paragraph()}\n\n`.repeat(3),
  '\n\n  a line\n\tand another\n',
]
const listFile = join(makeFolder('line-ends'), 'list')
writeFileSync(listFile, 'mill\nthe end\nitem one item')
const annotators: Annotator[] = [
  language(),
  gopherRepetition(),
  gopherQuality(),
  c4(),
  finewebQuality(),
  density(),
  signature(),
  wordLists({ lists: { own: listFile } }),
  maskPii(),
  normalize(),
  tokenize('gpt2'),
  simpleFilter('lineCount', { lineCount: count('lines') }, text => ({ lineCount: text.split('\n').length }))(),
]

/** The documents of a file whose texts have these line ends. */
async function read(lineEnd: string, lineEnds: 'lf' | 'keep' = 'lf'): Promise<Batch> {
  const lines = texts.map(text => JSON.stringify({ text: text.replaceAll('\n', lineEnd) }))
  const bytes = new Uint8Array(Buffer.from(lines.join(lineEnd === '\r' ? '\n' : lineEnd)))
  const chunk = { split: 'f', line: 1, bytes, dead: [], next: { offset: 0, line: 1 } }
  return (await jsonl('f', { lineEnds }).parse(chunk)).batch
}

const measure = async (annotator: Annotator, batch: Batch) => annotator.annotate(batch)

for (const annotator of annotators)
  test(`${annotator.name} measures the same whether lines end in LF, CRLF or CR`, async () => {
    const expected = await measure(annotator, await read('\n'))
    for (const lineEnd of ['\r\n', '\r']) assert.deepEqual(await measure(annotator, await read(lineEnd)), expected)
  })

test('line ends that are kept do decide what filters measure', async () => {
  for (const annotator of [finewebQuality(), gopherRepetition(), signature()]) {
    const lf = await read('\n', 'keep')
    const crlf = await read('\r\n', 'keep')
    assert.notDeepEqual(await measure(annotator, crlf), await measure(annotator, lf), annotator.name)
  }
})

test('every annotator of the package is among those that are tried', () => {
  const all = Object.entries(headrace).filter(([, make]) => Object.hasOwn(make, 'table'))
  const tried = new Set(annotators.map(({ name }) => name))
  const rest = all
    .map(([, make]) => (make as unknown as { table: { name: string } }).table.name)
    .filter(name => !tried.has(name))
  assert.deepEqual(rest.sort(), [
    'classifier',
    'combine',
    'draw',
    'embedding',
    'embedding-heads',
    'fasttext',
    'judge',
    'kenlm',
    'language-model',
    'line-quality',
    'onlyFor',
    'onnx-embedding',
    'rank',
    'seed-similarity',
    'url-lists',
  ])
})
