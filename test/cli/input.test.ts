import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followSource, sourceFor } from '../../src/cli/input.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import { textFolder } from '../../src/sources/files/text-folder.ts'
import { parquet } from '../../src/sources/parquet/parquet.ts'
import type { Source } from '../../src/sources/source.ts'
import { makeFolder } from '../temporary.ts'

const folder = makeFolder('input')
const source = jsonl('x')

const chosen: [input: string[], name: string][] = [
  [['data/*.jsonl'], 'jsonl'],
  [['data/*.zst', 'more.gz'], 'jsonl'],
  [['data/*.parquet'], 'parquet'],
  [['data/*.PARQUET'], 'parquet'],
  [[folder], 'text'],
]
for (const [input, name] of chosen)
  test(`${input.join(' ')} is read as ${name}, with the pipeline's own fields`, () => {
    const source = sourceFor(input, jsonl('own.jsonl', { text: 'body' }).options)
    assert.deepEqual([source.name, source.options.text, source.options.patterns], [name, 'body', input])
  })

test('what the pipeline says of its own source is no fault where a kind of input has no use for it', () => {
  const { options } = parquet('own.parquet', { columns: ['a'], domainDefault: 'books' })
  const source = sourceFor(['a.jsonl'], options)
  assert.deepEqual(source.options, { ...options, patterns: ['a.jsonl'] })
  assert.deepEqual(followSource(source).options, { ...options, patterns: ['a.jsonl'], follow: true })
  const topic = { name: '.headrace/web#decide.kept', topic: 'decide.kept', follow: false }
  assert.deepEqual(sourceFor(['a.jsonl'], topic).options, jsonl('a.jsonl').options)
})

test('input of two kinds, or of two folders, is refused', () => {
  assert.throws(() => sourceFor(['a.parquet', 'b.jsonl'], {}), /mixes Parquet and JSON Lines/)
  assert.throws(() => sourceFor([folder, folder], {}), /2 folders of text; a run reads one/)
})

// The kind is the source's own, whatever its files are called.
const followed: [source: Source, name: string][] = [
  [jsonl('data/*', { text: 'body' }), 'jsonl'],
  [parquet('data/*', { text: 'body', columns: ['a'] }), 'parquet'],
  [textFolder(folder, { domainDefault: 'books' }), 'text'],
]
for (const [source, name] of followed)
  test(`a followed ${name} source is the same source, following`, () => {
    const { name: kept, options } = followSource(source)
    assert.equal(kept, name)
    assert.deepEqual(options, { ...source.options, follow: true })
  })

test('a source that can not follow is not followed by the command line, which says how', () => {
  const topic: Source = { name: 'topic', options: {}, splits: source.splits, read: source.read, parse: source.parse }
  assert.throws(() => followSource(topic), { code: 'bad-option', message: /--follow is for files, .*'topic'/ })
  const following: Source = { ...topic, options: { follow: true } }
  assert.equal(followSource(following), following)
})
