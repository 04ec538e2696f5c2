import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type CompareOptions, Comparison } from '../../src/diff/compare.ts'
import { diffNotes } from '../../src/diff/notes.ts'
import { idOf } from '../../src/diff/outcome.ts'
import { openSide } from '../../src/diff/side.ts'
import { limits } from '../../src/limits.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { type Document, runPair, runValues, writeDocuments } from './fixture.ts'

const text = (word: string) =>
  `A ${word} of the river and of the mill that turns with its wheel, as word by word it goes.`

/** Documents with what each run makes of them, and the kind that comes of it. `copy` has the text of the one before. */
const table: readonly (Document & { readonly kind: string; readonly back: string })[] = [
  { id: 'kept', text: text('boat'), a: 5, b: 5, kind: 'same', back: 'same' },
  { id: 'low in both', text: text('stone'), a: 0, b: 0, kind: 'same', back: 'same' },
  { id: '__proto__', text: text('field'), domain: '__proto__', a: 0, b: 5, kind: 'added', back: 'removed' },
  { id: 'constructor', text: text('bread'), domain: 'constructor', a: 5, b: 10, kind: 'removed', back: 'added' },
  {
    id: '\u001b[31m\n',
    text: text('paper'),
    domain: '\u001b]0;title\u0007',
    a: 0,
    b: 10,
    kind: 'other-reason',
    back: 'other-reason',
  },
  { id: 'edited', text: text('letter'), a: 5, b: 'edit', kind: 'other-text', back: 'other-text' },
  { id: 'dead in a', text: text('house'), a: 'dead', b: 5, kind: 'dead-in-one', back: 'dead-in-one' },
  { id: 'dead in b', text: text('grain'), a: 0, b: 'dead', kind: 'dead-in-one', back: 'dead-in-one' },
  { id: 'dead in both', text: text('light'), a: 'dead', b: 'dead', kind: 'same', back: 'same' },
  // A keeps the first of two copies, B the second: of the first B says only that it is low.
  { id: 'first', text: text('channel'), a: 5, b: 0, kind: 'removed', back: 'added' },
  { id: 'second', text: text('channel'), a: 5, b: 5, kind: 'swapped', back: 'swapped' },
  // Both keep the first: nothing stands in for the second where it is a copy.
  { id: 'original', text: text('story'), a: 5, b: 5, kind: 'same', back: 'same' },
  { id: 'copy', text: text('story'), a: 5, b: 'edit', kind: 'added', back: 'removed' },
  { id: 'copy in both', text: text('story'), a: 5, b: 5, kind: 'same', back: 'same' },
]

let dir = ''
before(async () => {
  dir = await runPair(table)
})

const plainly: CompareOptions = { by: ['domain', 'language', 'reason', 'source'], samplesMax: 0, label: null }

async function compare(a: string, b: string, options: Partial<CompareOptions> = {}) {
  await using left = await RunReader.open(join(dir, a))
  await using right = await RunReader.open(join(dir, b))
  const comparison = await Comparison.open(await openSide(a, left), await openSide(b, right), {
    ...plainly,
    ...options,
  })
  const found: [string, string][] = []
  for await (const { kind, pair } of comparison.differences()) {
    const [one, other] = [pair.a, pair.b]
    found.push([(one && idOf(one)) || (other && idOf(other)) || 'dead in both', kind])
  }
  return { comparison, found }
}

const differing = (column: 'kind' | 'back') =>
  table.filter(document => document[column] !== 'same').map(document => [document.id, document[column]])

for (const label of [null, 'id'] as const)
  test(`each kind is told, and turned round from B to A, joined by ${label ?? 'slot'}`, async () => {
    // A dead record has no id, so the other run's has nobody to meet there.
    const isJoined = ([id]: string[]) => label === null || !id.startsWith('dead')
    const sorted = (pairs: string[][]) => pairs.filter(isJoined).map(String).sort()
    assert.deepEqual(sorted((await compare('a', 'b', { label })).found), sorted(differing('kind')))
    assert.deepEqual(sorted((await compare('b', 'a', { label })).found), sorted(differing('back')))
  })

test('rows that differ come in the order of slots and rows', async () => {
  assert.deepEqual((await compare('a', 'b')).found, differing('kind'))
})

test('hashes of texts speak for those that are not stored; where records are joined by a label nobody does, and it is counted', async () => {
  const values = table.map(({ id, b }) => [id, b] as const)
  const input = join(dir, 'documents.jsonl')
  await runValues(dir, 'textless', { input, values, also: ".store({ text: 'none' })" })
  const bySlot = await compare('a', 'textless')
  assert.deepEqual([bySlot.found, bySlot.comparison.tally.unknownTexts], [differing('kind'), 0])
  const byLabel = await compare('a', 'textless', { label: 'id' })
  const isKnown = ([, kind]: string[]) => kind !== 'other-text'
  const { found } = await compare('a', 'b', { label: 'id' })
  assert.deepEqual(byLabel.found, found.filter(isKnown))
  // Both keep 'kept', 'edited' and 'original'.
  assert.equal(byLabel.comparison.tally.unknownTexts, 3)
  assert.match(
    diffNotes(byLabel.comparison).join(),
    /whether 3 documents that both keep have the same text is not known/,
  )
})

test('a run does not differ from itself, and its sums are its own', async () => {
  const { comparison, found } = await compare('a', 'a')
  assert.deepEqual([found, comparison.isSame, comparison.unchecked], [[], true, [null, null]])
  assert.equal(comparison.tally.sums[0].documents, table.length)
  assert.equal(comparison.tally.sums[0].uncounted, 0)
})

test('after is before with what was added and without what was removed, by whatever it is counted', async () => {
  const { comparison } = await compare('a', 'b')
  const [a, b] = comparison.tally.sums
  for (const [grouping, groups] of comparison.tally.groups) {
    let [before, after, tokens] = [0, 0, 0]
    for (const [name, group] of groups.sorted) {
      assert.equal(group.after, group.before + group.added - group.removed, `${grouping} ${name}`)
      before += group.before
      after += group.after
      tokens += group.tokens[1]
    }
    if (grouping === 'reason') assert.equal(before, a.documents - a.kept)
    else assert.deepEqual([before, after, tokens], [a.kept, b.kept, b.tokens], grouping)
  }
  const domains = comparison.tally.groups.get('domain')!.sorted.map(([name]) => name)
  assert.ok(domains.includes('__proto__') && domains.includes('constructor'), domains.join())
})

test('a total that is not what the log gives is an error that names it', async () => {
  const { comparison } = await compare('a', 'a')
  const path = join(dir, 'a', 'log')
  const write = async (note: string) => {
    await using log = new JournalLog(path, { writable: true })
    await using owner = await log.own('decide')
    const position = await log.position('decide', 0)
    await owner.commit({ positions: [{ ...position, note }], appends: [] })
    return position.note
  }
  const note = JSON.parse(await write('{}'))
  const { kept } = comparison.tally.sums[0]
  try {
    for (const [totals, what] of [
      [{ kept: kept + 1 }, `a has counted ${kept + 1} kept documents, and its log and shards give ${kept}`],
      [{ dropped: { ...note.totals.dropped, low: 77 } }, "77 documents dropped for 'low', and"],
      [
        { dropped: { ...note.totals.dropped, gone: 1 } },
        "1 documents dropped for 'gone', and its log and shards give 0",
      ],
    ] as const) {
      await write(JSON.stringify({ ...note, totals: { ...note.totals, ...totals } }))
      await assert.rejects(compare('a', 'b'), error => {
        assert.equal((error as { code?: string }).code, 'corrupt')
        return (error as Error).message.includes(what)
      })
    }
  } finally {
    await write(JSON.stringify(note))
  }
  await compare('a', 'b')
})

test('runs with other slots are refused with what differs, and joined by id all the same', async () => {
  const input = await writeDocuments(dir, 'others.jsonl', table)
  await runValues(dir, 'others', { input, values: table.map(({ id, b }) => [id, b]) })
  await assert.rejects(compare('a', 'others'), ({ code, message }) => {
    assert.equal(code, 'bad-option')
    return /documents\.jsonl is in a alone; .*others\.jsonl is in others alone; .*--key id/.test(message)
  })
  const { found } = await compare('a', 'others', { label: 'id' })
  const labelled = ([id]: string[]) => !id.startsWith('dead')
  assert.deepEqual(found.filter(labelled).map(String).sort(), differing('kind').filter(labelled).map(String).sort())
})

test('ids that repeat are joined in their order, and counted', async () => {
  const repeated = (words: readonly string[]) => words.map(word => ({ id: 'x', text: text(word) }))
  const values = [['x', 5]] as const
  const [one, other] = [
    ['boat', 'stone', 'field'],
    ['boat', 'paper'],
  ].map(repeated)
  await runValues(dir, 'three', { values, input: await writeDocuments(dir, 'three.jsonl', one) })
  await runValues(dir, 'two', { values, tokenizer: false, input: await writeDocuments(dir, 'two.jsonl', other) })
  const { comparison, found } = await compare('three', 'two', { label: 'id' })
  assert.deepEqual(found, [
    ['x', 'other-text'],
    ['x', 'only-in-one'],
  ])
  assert.deepEqual(comparison.labels, { repeated: 1, records: 5, unlabelled: 0, passes: 1 })
})

test('labels that are too many to hold are joined in passes, and one that too many records share is refused', async () => {
  const whole = await compare('a', 'b', { label: 'id' })
  const before = { diffLabelsMax: limits.diffLabelsMax }
  try {
    setLimits({ diffLabelsMax: 14 })
    const parts = await compare('a', 'b', { label: 'id' })
    assert.equal(parts.comparison.labels.passes, 2)
    assert.deepEqual(parts.found.map(String).sort(), whole.found.map(String).sort())
    setLimits({ diffLabelsMax: 2 })
    await assert.rejects(compare('three', 'two', { label: 'id' }), {
      code: 'limit',
      message: /too many records share a label/,
    })
  } finally {
    setLimits(before)
  }
})
