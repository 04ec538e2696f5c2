import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { readDecideNote, readLoadNote, readShardNote } from '../../src/record/notes.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { runMain } from '../cli/terminal.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'

const stages = {
  annotate: { read: readLoadNote, called: 'loading' },
  decide: { read: readDecideNote, called: 'deciding' },
  shard: { read: readShardNote, called: 'sharding' },
}
type Stage = keyof typeof stages

const names = ['constructor', '__proto__', 'toString', 'web']

/** The notes of a whole run whose domains are called as what every object has. */
async function notesOf(): Promise<Record<Stage, string>> {
  const seed = 5
  const random = randomFrom(seed)
  const dir = makeFolder('notes')
  const documents = Array.from({ length: 40 }, (_, i) => ({ text: makeText(random, 20), domain: names[i % 4] }))
  await writeFile(join(dir, 'in.jsonl'), `${documents.map(document => JSON.stringify(document)).join('\n')}\n{`)
  const pipeline = join(dir, 'pipeline.ts')
  await writeFile(
    pipeline,
    `import * as h from 'headrace'
export default h.pipeline('test').from(h.jsonl(${JSON.stringify(join(dir, 'in.jsonl'))}))
  .annotate(h.language(), h.gopherQuality(), h.signature()).decide(h.rules(), h.exactDuplicates()).tokenize('gpt2')
  .guard({ by: 'domain', above: 1, rowsMin: 1 }).guard({ by: 'reason', above: 1 })\n`,
  )
  const { status, err } = await runMain(['run', pipeline, '--dir', dir, '--workers', '1', '--json'])
  assert.equal(status, 0, `seed ${seed}: ${err}`)
  await using run = await RunReader.open(join(dir, 'test'))
  const noteOf = async (stage: Stage) => (await run.log.position(stage, 0)).note
  return { annotate: await noteOf('annotate'), decide: await noteOf('decide'), shard: await noteOf('shard') }
}

const notes = await notesOf()

for (const [stage, { read }] of Object.entries(stages))
  test(`what '${stage}' writes is read, to the byte`, () => {
    const note = notes[stage as Stage]
    // The binding of the run stands before what the stage itself wrote.
    assert.equal(JSON.stringify(read({ note })), note.replace(/^\{"run":"[0-9a-f]{32}",/, '{'))
  })

test('a stage that has committed nothing is at the beginning', () => {
  assert.deepEqual(readLoadNote({ note: '' }), { load: null, readBytes: 0, tombstones: 0, ended: false })
  const { totals, ended } = readDecideNote({ note: '' })
  assert.deepEqual([totals.documents, { ...totals.dropped }, ended], [0, {}, false])
  assert.deepEqual({ ...readShardNote({ note: '' }).domains }, {})
})

test('domains may be called as what every object has', () => {
  const { totals } = readDecideNote({ note: notes.decide })
  const { domains, totals: tokens } = readShardNote({ note: notes.shard })
  for (const counts of [totals.byDomain, domains, tokens.tokensByDomain]) {
    assert.deepEqual(Object.keys(counts).sort(), [...names].sort())
    assert.equal(Object.getPrototypeOf(counts), null)
  }
  const { totals: none, domains: noDomains } = readShardNote({ note: '{"domains":{}}' })
  for (const name of names.slice(0, 3))
    assert.deepEqual([none.tokensByDomain[name], noDomains[name]], [undefined, undefined])
})

test('fields of a newer version are left out, wherever this one reads all', () => {
  const withMore = (note: string) => {
    const { totals, ...fields } = JSON.parse(note)
    return JSON.stringify({ ...fields, ...(totals && { totals: { ...totals, later: 5 } }), later: { than: 'this' } })
  }
  for (const [stage, { read }] of Object.entries(stages)) {
    const note = notes[stage as Stage]
    assert.deepEqual(read({ note: withMore(note) }), read({ note }))
  }
})

test('a note from before anything was repaired is read as one without repairs', () => {
  const { totals, ...fields } = JSON.parse(notes.decide)
  for (const name of ['repaired', 'repairs']) delete totals[name]
  assert.deepEqual(
    readDecideNote({ note: JSON.stringify({ ...fields, totals }) }),
    readDecideNote({ note: notes.decide }),
  )
})

/** A note with one value changed, by the path to it. */
function change(note: string, path: string, value: unknown): string {
  const root = JSON.parse(note)
  const keys = path.split('.')
  const holder = keys.slice(0, -1).reduce((at, key) => at[key], root)
  assert.ok(Object.hasOwn(holder, keys.at(-1)!), `the note has ${path}`)
  holder[keys.at(-1)!] = value
  return JSON.stringify(root)
}

const wrong: [stage: Stage, path: string, values: unknown[]][] = [
  ['annotate', 'load', [1, [], {}]],
  ['annotate', 'load.turn', [-1, 0.5, '0', null]],
  ['annotate', 'load.lanes', [null, {}, [null]]],
  ['annotate', 'load.lanes.0.split', [-1, '0', null]],
  ['annotate', 'load.lanes.0.offset', [0.5, '0', null]],
  ['annotate', 'load.lanes.0.line', [-1, null]],
  ['annotate', 'readBytes', [-1, '5', null]],
  ['annotate', 'tombstones', [-1, '5', null]],
  ['annotate', 'ended', ['true', 1, null]],
  ['decide', 'totals', [null, [], {}, 5]],
  ['decide', 'totals.documents', [-1, 0.5, '5', null]],
  ['decide', 'totals.textBytes', [null]],
  ['decide', 'totals.dropped', [null, [], 5, { short: '5' }, { short: { documents: 1, kept: 1 } }]],
  ['decide', 'totals.repaired', [-1, '5', null]],
  ['decide', 'totals.repairs', [null, { nul: '5' }]],
  ['decide', 'totals.byDomain.web', [null, 5, { documents: 5 }, { documents: 5, kept: -1 }]],
  ['decide', 'totals.byLanguage', [null, { en: 5 }]],
  ['decide', 'guards', [null, {}, [null], [{}]]],
  ['decide', 'guards.0.guard', [5]],
  ['decide', 'guards.0.window', [-2, '0']],
  ['decide', 'guards.0.rows', [-1]],
  ['decide', 'guards.0.groups', [null, [[]], [['web', 1, 1, 'no', []]], [['web', 1, 1, true, [['short']]]]]],
  ['shard', 'domains', [null, [], 5]],
  ['shard', 'domains.web', [null, {}]],
  ['shard', 'domains.web.next', [-1, '0']],
  ['shard', 'domains.web.sealedTo', [0.5]],
  ['shard', 'domains.web.openFrom', [-2, null]],
  ['shard', 'totals', [null, {}]],
  ['shard', 'totals.tokens', ['5', -1]],
  ['shard', 'totals.tokensByDomain', [{ web: null }]],
  ['shard', 'ended', [0]],
]
for (const [stage, path, values] of wrong)
  test(`a note of '${stage}' with another ${path} is damage`, () => {
    const { read, called } = stages[stage]
    const message = new RegExp(`^the note of ${called} in the run's log is not what this version writes: `)
    for (const value of values)
      assert.throws(() => read({ note: change(notes[stage], path, value) }), { code: 'corrupt', message })
  })

test('a note that is cut off, or no object, is damage', () => {
  for (const [stage, { read, called }] of Object.entries(stages)) {
    const note = notes[stage as Stage]
    const message = new RegExp(`^the note of ${called} `)
    for (const text of ['[]', 'null', '5', '"text"', ' '])
      assert.throws(() => read({ note: text }), { code: 'corrupt', message })
    for (let length = 1; length < note.length; length += 11)
      assert.throws(() => read({ note: note.slice(0, length) }), { code: 'corrupt', message })
  }
})
