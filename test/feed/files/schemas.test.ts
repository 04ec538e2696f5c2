import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentFields } from '../../../src/batch/contract.ts'
import { openFeed } from '../../../src/feed/publish.ts'
import { ColumnFile } from '../../../src/shards/column-file.ts'
import { makeFolder } from '../../temporary.ts'
import { writeCorpus } from '../corpus.ts'

const dir = makeFolder('schemas')

interface Schema {
  required: string[]
  properties: Record<string, { 'x-arrow'?: string }>
  'x-metadata'?: { required: string[] }
}
const schemaOf = (name: string, version = 1): Schema =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', '..', 'schemas', `${name}.v${version}.json`), 'utf8'))
const columnsOf = (schema: Schema) =>
  Object.entries(schema.properties).map(([name, property]) => [name, property['x-arrow']])

for (const form of [1, 2] as const)
  test(`the schemas say what is written: a ledger of form ${form}`, () => checkSchemas(form))

test('the schemas say what is written where the length of samples changes', async () => {
  const folder = join(dir, 'feed-lengths')
  const { entries } = await writeCorpus(dir, { domains: ['en'], shards: 2 })
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f' }
  await using feed = await openFeed(folder, { length: 16, batch: 2 }, origin)
  await feed.control({ step: 1, length: 64, batch: 1 })
  for (const entry of entries) await feed.addManifest(entry)
  await feed.end()
  const line = JSON.parse(readFileSync(join(folder, 'steps/00000000.jsonl'), 'utf8').split('\n')[1])
  const step = JSON.parse(JSON.stringify(schemaOf('step', 2).properties))
  assert.ok(line.length === 64 && Object.keys(line).every(name => name in step))
  const [range] = line.domains.en.ranges
  assert.deepEqual(
    Object.keys(range).sort(),
    Object.keys(step.domains.additionalProperties.oneOf[2].properties.ranges.items.properties).sort(),
  )
  assert.deepEqual(
    Object.keys(line.blocks.en[0]).sort(),
    Object.keys(step.blocks.additionalProperties.items.properties).sort(),
  )
  using block = new ColumnFile(join(folder, 'blocks/en/00000000.cut1.arrow'))
  const { cut, fed } = JSON.parse(block.layout.metadata.block)
  assert.deepEqual([cut, fed], [1, [{ cut: 0, length: 16, samples: 2 }]])
  const { properties } = JSON.parse(JSON.stringify(schemaOf('block', 2)['x-metadata']))
  assert.deepEqual(Object.keys(fed[0]), Object.keys(properties.fed.items.properties))
})

async function checkSchemas(ledger: 1 | 2): Promise<void> {
  const folder = join(dir, `feed-${ledger}`)
  const { entries } = await writeCorpus(dir, { domains: ['en'], shards: 2 })
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', ledger }
  await using feed = await openFeed(folder, { length: 16, batch: 2 }, origin)
  for (const entry of entries) await feed.addManifest(entry)
  await feed.end()
  assert.deepEqual(
    columnsOf(schemaOf('document')),
    documentFields.map(({ name, kind }) => [name, kind]),
  )
  assert.deepEqual(Object.keys(entries[0]).sort(), schemaOf('manifest').required.toSorted())
  const lines = readFileSync(join(folder, 'steps/00000000.jsonl'), 'utf8').split('\n')
  const step = schemaOf('step', ledger)
  assert.deepEqual(
    Object.keys(JSON.parse(lines[0])).sort(),
    Object.keys(step.properties)
      .filter(name => name !== 'length')
      .sort(),
  )
  assert.deepEqual(Object.keys(JSON.parse(lines[1])).sort(), step.required.toSorted())
  using shard = new ColumnFile(join(dir, 'shards', entries[0].path))
  assert.deepEqual(
    shard.layout.fields.slice(0, 4).map(({ name, kind }) => [name, kind]),
    columnsOf(schemaOf('shard')),
  )
  using block = new ColumnFile(join(folder, 'blocks/en/00000000.arrow'))
  assert.deepEqual(
    block.layout.fields.map(({ name, kind }) => [name, kind]),
    columnsOf(schemaOf('block', ledger)),
  )
  assert.deepEqual(
    Object.keys(JSON.parse(block.layout.metadata.block)),
    schemaOf('block', ledger)['x-metadata']!.required,
  )
}
