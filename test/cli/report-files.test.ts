import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { bindingOf } from '../../src/record/binding.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { writeTrimmed } from '../../src/record/trimmed.ts'
import { hostileReason, runIt, writeDocuments, writePipeline } from '../page/made.ts'
import { hashFiles, runHeadrace, runUntilCommit, smallSlots } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// What `headrace report` writes of runs of all kinds, and what it says of what it does not know. Browsers look at it in test/browser/.

const dir = makeFolder('report-files')
const runs = join(dir, 'runs')
let input = ''

before(async () => {
  input = writeDocuments(dir)
  await runIt(writePipeline(dir, 'whole', input, ', h.exactDuplicates(), h.nearDuplicates()'), runs)
  await runIt(writePipeline(dir, 'plain', input), runs)
})

/** Writes a page and returns it, its notes, and its data. */
async function writePage(run: string, ...more: string[]) {
  const file = join(dir, 'pages', `${run}.html`)
  const { status, out, err } = await runMain(['report', '--dir', runs, '--run', run, '--html', file, ...more])
  assert.deepEqual([status, err], [0, ''], err)
  const page = readFileSync(file, 'utf8')
  const notes = Array.from(page.matchAll(/^<p class="note">(.*?)<\/p>/gm), ([, note]) => note).join('\n')
  return { out, page, notes, data: JSON.parse(/id="data">(.*)<\/script>/.exec(page)![1]) }
}

test('the same run gives the same bytes, is not written to, and another seed shows others', async () => {
  const before = await hashFiles(runs)
  const one = await writePage('whole')
  const again = await writePage('whole')
  const other = await writePage('whole', '--seed', '7', '--documents', '30')
  assert.equal(again.page, one.page)
  assert.match(one.out, /^wrote .*whole\.html: [\d.]+ [kM]B, 200 documents to read\n$/)
  assert.notDeepEqual(other.data.documents.slice(0, 5), one.data.documents.slice(0, 5))
  assert.equal(other.data.documents.length, 30)
  assert.equal(one.notes, '')
  assert.deepEqual(await hashFiles(runs), before)
})

test('a document has all rules that it breaks, its evidence marked, and the one that it repeats beside it', async () => {
  const { data } = await writePage('whole')
  const of = (reason: string) => data.documents.filter((one: { reason: string }) => one.reason === reason)
  const [stopped] = of(hostileReason)
  assert.deepEqual(stopped.broken, [hostileReason])
  const words = data.measures.indexOf('gopherWords')
  // What a gate stops is measured no further, and a number that was never measured is none.
  assert.ok(of(hostileReason).every((one: { values: unknown[] }) => one.values[words] === null))
  const copy = of('near-duplicate').find((one: { text: { marks: unknown[] } }) => one.text.marks.length > 0)
  assert.match(copy.partner.title, /^repeats .*in\.jsonl:\d+, similarity 0\.\d+$/)
  assert.match(copy.text.text.slice(...copy.text.marks[0]), /One line more/)
  assert.ok(data.documents.some((one: { broken: unknown[] }) => one.broken.length > 1))
  assert.deepEqual(
    of('broken-json').map((one: { fate: string; place: string }) => [one.fate, one.place.slice(-12)]),
    [['dead', 'in.jsonl:302']],
  )
})

test('--against adds what differs; a run of other slots is refused before anything is written', async () => {
  const { page } = await writePage('whole', '--against', 'plain')
  for (const part of ['Against plain', '<td class="long">removed</td>', 'kept → exact-duplicate, removed: '])
    assert.ok(page.includes(part), part)
  const few = join(dir, 'few.jsonl')
  writeFileSync(few, '{"text":"a"}\n')
  await runIt(writePipeline(dir, 'few', few), runs)
  const file = join(dir, 'none.html')
  const refused = await runMain(['report', '--dir', runs, '--run', 'whole', '--html', file, '--against', 'few'])
  assert.equal(refused.status, 64)
  assert.match(refused.err, /compare them by a label that their documents have: --key id/)
  assert.ok(!existsSync(file))
  // The label that it asks for is taken, and what joined the records is told.
  const { page: joined } = await writePage('whole', '--against', 'few', '--key', 'id')
  const notes = ['records are joined by their id', 'records without it are joined by file and line']
  for (const part of ['<td class="long">only-in-one</td>', ...notes]) assert.ok(joined.includes(part), part)
})

test('--json with --html prints the figures and writes the page', async () => {
  const { out } = await writePage('whole', '--json')
  assert.equal(out, (await runMain(['report', '--dir', runs, '--run', 'whole', '--json'])).out)
})

/** A copy of a run with another `run.json`. */
async function changeRun(name: string, change: (run: Record<string, unknown>) => void): Promise<void> {
  await cp(join(runs, 'whole'), join(runs, name), { recursive: true })
  const file = join(runs, name, 'run.json')
  const run = JSON.parse(readFileSync(file, 'utf8'))
  change(run)
  writeFileSync(file, JSON.stringify(run))
}

test('a run of an older version: what it did not record is missing, and not guessed', async () => {
  await changeRun('older', run => {
    for (const segment of run.segments as Record<string, unknown>[]) {
      delete segment.reasons
      delete segment.columns
    }
  })
  const { notes, data } = await writePage('older')
  assert.match(notes, /begun by an older version, which did not record what decided it/)
  assert.deepEqual([data.parts, data.rows.columns, data.rows.count], [null, [], data.rows.of])
  assert.ok(data.documents.every((one: { broken: unknown[] }) => one.broken.length === 0))
})

test('no documents, and nothing at all', async () => {
  const none = join(dir, 'none.jsonl')
  writeFileSync(none, 'no json\n')
  await runMain(['run', writePipeline(dir, 'dead', none), '--dir', runs, '--workers', '1'])
  const { notes, data } = await writePage('dead')
  assert.match(notes, /There are no documents/)
  assert.deepEqual([data.rows.count, data.documents.length, data.mixture], [0, 1, null])
})

test('texts that are not stored are said to be missing', async () => {
  const file = writePipeline(dir, 'textless', input, ', h.exactDuplicates()')
  writeFileSync(file, readFileSync(file, 'utf8').replace('.tokenize(', ".store({ text: 'kept' }).tokenize("))
  await runIt(file, runs)
  const { data } = await writePage('textless')
  const dropped = data.documents.filter((one: { fate: string }) => one.fate === 'dropped')
  for (const { text, noText } of dropped)
    assert.deepEqual([text, noText], [null, 'this run stores the texts of kept documents alone'])
  assert.ok(dropped.length > 50)
})

test('a run that was stopped says that it has not ended; one that was trimmed, what is gone', async () => {
  const file = writePipeline(dir, 'going', writeDocuments(makeFolder('more'), 900), ', h.exactDuplicates()')
  const args = ['run', file, '--dir', runs, '--workers', '1']
  await runUntilCommit(args, { runDir: join(runs, 'going'), signal: 'SIGKILL', stage: 'decide', commits: 3 })
  assert.match((await writePage('going')).notes, /The run has not ended: this is what was decided before slot \d+\./)
  const { status, err } = await runHeadrace(args, undefined, smallSlots)
  assert.equal(status, 0, err)
  assert.equal((await writePage('going')).notes, '')
  const going = join(runs, 'going')
  await writeTrimmed(going, bindingOf((await readRunFile(going))!), 2, () => {})
  const { notes, data } = await writePage('going')
  assert.match(notes, /^Slots before \d+ were trimmed/)
  assert.ok(data.rows.of < 900 && data.rows.of > 0)
})

test('thousands of domains are counted, and a page stays small', async () => {
  const many = join(dir, 'domains.jsonl')
  const lines = Array.from({ length: 4300 }, (_, i) =>
    JSON.stringify({ text: `a few words ${i}`, domain: `domain-${i}` }),
  )
  writeFileSync(many, lines.join('\n'))
  await runIt(writePipeline(dir, 'domains', many), runs)
  const { page, data } = await writePage('domains')
  assert.deepEqual([data.domains.length, data.rows.count], [4097, 4300])
  assert.ok(page.includes('48 more domains, 4,037 left out') && page.length < 2e6, `${page.length} characters`)
})

test('--svg writes pictures, each a file of its own, and says what there is no data for', async () => {
  const pictures = join(dir, 'pictures')
  const { status, out } = await runMain(['report', '--dir', runs, '--run', 'whole', '--svg', pictures])
  assert.equal(status, 0)
  const names = (await readdir(pictures)).sort()
  assert.deepEqual(
    names,
    ['funnel', 'kept-by-domain', 'kept-by-language', 'lost-by-domain', 'mixture', 'recall', 'scores'].map(
      name => `${name}.svg`,
    ),
  )
  assert.doesNotMatch(out, /left out/)
  const plain = await runMain(['report', '--dir', runs, '--run', 'plain', '--svg', join(dir, 'pictures-of-plain')])
  assert.match(plain.out, /\nleft out: recall\.svg: this run did not look for near-duplicates\n/)
  for (const name of names) {
    const text = readFileSync(join(pictures, name), 'utf8')
    assert.match(text, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*class="title">.*<\/svg>\n$/s)
    for (const sign of ['<script', '<img', 'NaN', 'undefined', 'href', '\u001b', '\u202e'])
      assert.ok(!text.includes(sign), `${name}: ${sign}`)
  }
})

const refusals: [args: string[], says: RegExp][] = [
  [['--html', ''], /--html is empty: it takes a file/],
  [['--svg', ''], /--svg is empty: it takes a folder/],
  [['--against', 'plain'], /--against goes with --html/],
  [['--html', 'x', '--key', 'id'], /--key goes with --against/],
  [['--html', 'x', '--against', 'plain', '--key', 'ids'], /--key has no 'ids'.*did you mean 'id'/],
  [['--svg', 'x', '--documents', '3'], /--documents goes with --html/],
  [
    ['--html', 'x', '--documents', '2001'],
    /--documents is '2001'; it takes a whole number of at least 0 and at most 2000/,
  ],
  [['--html', 'x', '--seed', 'a'], /--seed is 'a'/],
]
for (const [args, says] of refusals)
  test(`refused, and nothing written: ${args.join(' ')}`, async () => {
    const { status, out, err } = await runMain(['report', '--dir', runs, '--run', 'whole', ...args])
    assert.deepEqual([status, out], [64, ''])
    assert.match(err, says)
    assert.ok(!existsSync('x'))
  })

test('run --report writes the page at its end and names it', async () => {
  const file = join(dir, 'own', 'page.html')
  const args = ['run', writePipeline(dir, 'paged', input), '--dir', runs, '--workers', '1', '--report', file]
  const { status, out } = await runMain(args)
  assert.equal(status, 0)
  assert.match(out, /\nwrote .*page\.html: [\d.]+ [kM]B, \d+ documents to read\n$/)
  assert.equal(readFileSync(file, 'utf8'), (await writePage('paged')).page)
  for (const more of [
    ['--report', ''],
    ['--report', 'x', '--spread', '--stages', 'annotate'],
  ]) {
    const refused = await runMain([...args.slice(0, 6), ...more])
    assert.deepEqual([refused.status, refused.out], [64, ''])
  }
})
