import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readSeed } from '../../src/text/likeness/seed-file.ts'
import { decodeModel } from '../../src/text/linear/model-file.ts'
import { makeStoredRuns, type StoredRuns } from './run-rows.ts'
import { runMain } from './terminal.ts'

let stored: StoredRuns
before(async () => {
  stored = await makeStoredRuns('read-texts')
})

const at = (name: string) => join(stored.dir, name)
const fit = (...args: string[]) =>
  runMain(['classifier', 'fit', 'math', '--dir', stored.runs, '--out', at('math.linear'), ...args])
const fitJson = async (...args: string[]) => {
  const { status, out, err } = await fit(...args, '--json')
  assert.deepEqual([status, err], [0, ''])
  return JSON.parse(out)
}
/** Documents of each side. */
const countOf = ({ learned, held }: { learned: Record<string, number>; held: Record<string, number> }, side: string) =>
  learned[side] + held[side]
const count = (is: (one: StoredRuns['documents'][number], i: number) => boolean) => stored.documents.filter(is).length

test('rows of a run are texts, by what became of them and by their columns', async () => {
  const kept = await fitJson('--positive', 'run:all?domain=math', '--negative', 'run:all?domain=web')
  assert.equal(
    countOf(kept, 'positives'),
    count(({ isLong }, i) => i % 8 === 0 && !isLong),
  )
  const long = await fitJson(
    '--positive',
    'run:all?domain=math&gopherWords<100000&any',
    '--negative',
    'run:all?domain=web',
  )
  assert.equal(
    countOf(long, 'positives'),
    count((_, i) => i % 8 === 0),
  )
  const dropped = await fitJson(
    '--positive',
    'run:all?dropped&domain=math',
    '--negative',
    'run:all?domain=web&gopherWords>=50',
    '--force',
  )
  // Copies have the words of what was kept.
  assert.equal(
    countOf(dropped, 'positives'),
    count(({ isLong }, i) => i % 8 === 0 && isLong),
  )
})

// Which are held out depends on the run's folder, and may make the head one that is refused.
test('where documents are the groups, each row is one, of whatever list', async () => {
  const sides = ['--positive', 'run:all?domain=math', '--negative', 'run:all?domain=web']
  const { groups, learned, held } = await fitJson(...sides, '--groups', 'document', '--force')
  const all = Object.values({ ...learned }).concat(Object.values(held)) as number[]
  assert.equal(
    groups.learned + groups.held,
    all.reduce((sum, count) => sum + count, 0),
  )
})

test('a run that stores the texts of kept documents gives the same model, to the byte', async () => {
  const model = async (run: string) => {
    await fitJson('--positive', `run:${run}?domain=math`, '--negative', `run:${run}?domain=web`)
    return readFileSync(at('math.linear'))
  }
  const all = await model('all')
  assert.ok(all.equals(await model('kept')))
  assert.ok(all.equals(await model(join(stored.runs, 'all'))), 'by its folder')
})

test('labels are fields of records, or columns of a run', async () => {
  const topic = await fitJson('--labels', 'run:all', '--label', 'topic', '--kind', 'class')
  assert.deepEqual(Object.keys(topic.learned), ['maths', 'home'])
  const grade = await fitJson('--labels', 'run:kept', '--label', 'grade', '--groups', 'file', '--force').catch(
    error => error,
  )
  assert.match(String(grade), /of 1 group/, 'all are of one file')
  const words = await fit('--labels', 'run:all?any', '--label', 'gopherWords', '--json')
  assert.match(words.err, /the length of a text alone is 1\.000/)
})

test('labels of rows are found by address and by id, and those of no row are told', async () => {
  const lines = stored.documents.map(({ id, isMath, isLong }) => ({ id, label: isMath ? 1 : 0, isLong }))
  const file = at('hand.jsonl')
  writeFileSync(
    file,
    [{ slot: 999, row: 0, label: 1 }, ...lines, { id: 'gone', label: 0 }, { id: 'd1', label: '' }]
      .map(line => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  const one = await fit('--labels', file, '--rows', 'run:all?any')
  assert.match(one.err, /all that was held out has one label/)
  const report = await fitJson('--labels', file, '--rows', 'run:all?any', '--kind', 'class')
  assert.equal(countOf(report, '1') + countOf(report, '0'), stored.documents.length)
  assert.deepEqual(report.notes, [
    'labels of math of no row of run:all?any: 2, the first in line 1',
    'lines of the labels of math without a label: 1',
  ])
  const none = await fit('--labels', file, '--rows', 'run:all?any', '--label', 'grade')
  assert.match(none.err, /no line has a label in 'grade' and a row/)
  writeFileSync(file, '{"id":"gone","label":1}\n{"slot":0,"row":99999,"label":0}\n')
  assert.match((await fit('--labels', file, '--rows', 'run:all')).err, /none of 2 labels is of a row of run:all/)
  writeFileSync(file, lines.map(line => `${JSON.stringify({ ...line, label: 'good' })}\n`).join(''))
  const words = await fit('--labels', file, '--rows', 'run:all')
  assert.match(words.err, /there are 0 texts with words/)
})

test('held-out documents are no text to learn from, whatever is asked for, and are told', async () => {
  const recipe = at('held.ts')
  writeFileSync(
    recipe,
    `import * as h from 'headrace'
export default h.pipeline('held').from(h.jsonl(${JSON.stringify(at('in.jsonl'))}, { domain: 'domain' })).annotate(h.signature()).decide(h.exactDuplicates(), h.holdout({ rate: 0.2 }))\n`,
  )
  const made = await runMain(['run', recipe, '--dir', stored.runs, '--run', 'held', '--workers', '1', '--json'])
  assert.equal(made.status, 0, made.err)
  const { kept } = JSON.parse(made.out)
  let learned = 0
  for (const fate of ['kept', 'any']) {
    const topic = await fitJson('--labels', `run:held?${fate}`, '--label', 'topic', '--kind', 'class')
    const [note] = topic.notes
    const heldOut = Number(/^(\d+) documents of .* are held out and were not read$/.exec(note)?.[1])
    // Of both: documents that are kept and those that are not held out, for a copy of a held-out one is the same text.
    if (fate === 'kept') learned = kept - heldOut
    assert.ok(heldOut > (fate === 'kept' ? 100 : kept - learned), note)
    assert.equal(countOf(topic, 'maths') + countOf(topic, 'home'), learned)
  }
  const only = await fit('--labels', 'run:held?domain=holdout', '--label', 'topic', '--kind', 'class')
  assert.equal(only.status, 64)
})

test('a seed and a language model are fitted on rows, too', async () => {
  const seed = await runMain([
    'seed',
    'fit',
    'run:all?domain=math',
    '--background',
    'run:all?domain=web&any',
    '--dir',
    stored.runs,
    '--out',
    at('seed.json'),
  ])
  assert.deepEqual([seed.status, seed.err], [0, ''])
  const { name, seed: own } = readSeed(readFileSync(at('seed.json'), 'utf8'), 'seed')
  assert.deepEqual([name, own.documents], ['all', count(({ isLong }, i) => i % 8 === 0 && !isLong)])
  const lm = await runMain([
    'lm',
    'fit',
    'kept',
    '--texts',
    'run:kept',
    '--dir',
    stored.runs,
    '--out',
    at('kept.lm'),
    '--json',
  ])
  assert.deepEqual([lm.status, lm.err], [0, ''])
  assert.equal(
    JSON.parse(lm.out).texts,
    count(({ isLong }) => !isLong),
  )
})

test('several heads are fitted in one go, and one that is refused is told and spoils none', async () => {
  const heads = {
    math: { positive: 'run:all?domain=math', negative: ['run:all?domain=web'] },
    lone: { positive: 'run:all?domain=math', negative: 'run:all?domain=gone' },
    topic: { labels: 'run:all?any', label: 'topic', kind: 'class' },
    words: { labels: 'run:all?any', label: 'gopherWords' },
  }
  writeFileSync(at('heads.json'), JSON.stringify(heads))
  const both = await fit('--heads', at('heads.json'))
  assert.equal(both.status, 4, both.err)
  assert.match(both.out, /^math +learned[\s\S]*\ntopic +learned/)
  assert.match(both.out, /left out: lone: there are 0 negatives with words/)
  assert.match(both.out, /left out: words: .*the length of a text alone is 1\.000\. Give other texts, or --force\n/)
  assert.match(both.out, /then the columns 'class:math', 'class:topic'\n$/)
  const { model, report } = decodeModel(readFileSync(at('math.linear')), 'model')
  assert.deepEqual(
    model.heads.map(({ name }) => name),
    ['math', 'topic'],
  )
  assert.deepEqual(Object.keys((report as { leftOut: object }).leftOut), ['lone', 'words'])
  const first = readFileSync(at('math.linear'))
  const json = await fit('--heads', at('heads.json'), '--json')
  assert.ok(first.equals(readFileSync(at('math.linear'))))
  const told = JSON.parse(json.out)
  assert.deepEqual(
    told.heads.map(({ head }: { head: string }) => head),
    ['math', 'topic'],
  )
  assert.deepEqual(Object.keys(told.leftOut), ['lone', 'words'])
  const forced = await fit('--heads', at('heads.json'), '--force', '--json')
  assert.equal(forced.status, 4)
  assert.deepEqual(
    JSON.parse(forced.out).heads.map(({ head }: { head: string }) => head),
    ['math', 'topic', 'words'],
  )
})

const heads: [content: string, message: RegExp][] = [
  ['[]', /is no object of heads/],
  ['{', /is no JSON/],
  ['{}', /names no head/],
  ['{"a b": {}}', /a head 'a b': use 1 to 64 letters/],
  ['{"a": 5}', /head 'a' is no object/],
  ['{"a": {"positve": "x"}}', /no option 'positve'; did you mean 'positive'/],
  ['{"a": {"positive": "x"}}', /head 'a': give --positive GLOB and --negative GLOB/],
  ['{"a": {"labels": [], "kind": "value"}}', /'labels' \[\]: give a path/],
  ['{"a": {"labels": "x", "kind": "score"}}', /'kind' "score"/],
  ['{"a": {"labels": "run:none", "kind": "class"}}', /does not store the texts/],
  ['{"a": {"labels": ["run:all", "x.jsonl"]}}', /'run:all' are rows of a run, and 'x\.jsonl' is not/],
  [
    '{"a": {"positive": "run:all?domain=none", "negative": "run:all"}, "b": {"labels": "run:all", "label": "none"}}',
    /none of 2 heads is of use, and nothing was written: a: there are 0 positives.*; b: there are 0 texts/,
  ],
]
for (const [content, message] of heads)
  test(`heads that are refused: ${content}`, async () => {
    writeFileSync(at('bad.json'), content)
    const refused = await fit('--heads', at('bad.json'), '--out', at('bad.linear'))
    assert.equal(refused.status, 64, refused.err)
    assert.match(refused.err, message)
    assert.ok(!existsSync(at('bad.linear')))
  })

const refusals: [args: string[], status: number, message: RegExp][] = [
  [['--labels', 'run:kept?any'], 64, /stores the texts of what it keeps alone, and all rows are asked for/],
  [['--labels', 'run:kept?dropped'], 64, /and dropped rows are asked for/],
  [['--labels', 'run:none'], 64, /does not store the texts that it has read: run its pipeline with \.store/],
  [['--labels', 'run:gone'], 66, /there is no run 'gone'/],
  [['--labels', 'run:all?domian=a'], 64, /no column 'domian'; did you mean 'domain'/],
  [['--labels', 'run:all?domain>=2'], 64, /'domain' of .* holds no numbers/],
  [['--labels', 'x.jsonl', '--rows', 'all'], 64, /--rows is 'all': it takes run:RUN/],
  [['--positive', 'a', '--negative', 'b', '--rows', 'run:all'], 64, /--rows goes with --labels/],
  [['--heads', 'x.json', '--label', 'a'], 64, /--label stands in the file of --heads/],
  [['--heads', 'gone.json'], 66, /gone\.json of --heads cannot be read/],
]
for (const [args, status, message] of refusals)
  test(`refused: ${args.join(' ')}`, async () => {
    const refused = await fit(...args, '--out', at('refused.linear'))
    assert.equal(refused.status, status, refused.err)
    assert.match(refused.err, message)
    assert.ok(!existsSync(at('refused.linear')))
  })
