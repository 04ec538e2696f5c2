import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { say, serveJudge } from '../annotate/judge/server.ts'
import { RoundsLoop } from './rounds-loop.ts'
import { parseLines } from './terminal.ts'

let loop: RoundsLoop
before(async () => {
  loop = await RoundsLoop.make('rounds-judge')
  writeFileSync(
    loop.at('rubric.md'),
    '# is-math\nJudge.\n## score: 0 to 5\nHow much.\n## kind: prose, code\nWhat it is.\n',
  )
})

const byModel = (url: URL, ...args: string[]) => [
  ...['--rubric', loop.at('rubric.md'), '--is', 'score>=3&kind=prose', '--model', 'm', '--endpoint', url.origin],
  ...args,
]
const byContent = (response: Parameters<ReturnType<typeof say>>[0], asked: { text: string }, count: number) =>
  say(JSON.stringify({ score: /theorem|lemma|algebra|integral/.test(asked.text) ? 5 : 1, kind: 'prose' }))(
    response,
    asked as never,
    count,
  )

test('a model judges in place of a person; a budget leaves the round open, and nothing is asked for twice', async () => {
  await using server = await serveJudge(byContent)
  const store = ['--store', loop.at('judged')]
  const none = await loop.once('model', ...byModel(server.url, ...store, '--budget-requests', '0'))
  assert.deepEqual([none.status, server.asked.length], [69, 0])
  assert.match(
    none.err,
    /10 rows of a sample of 10 have no answer, and the round stays open: the budget has nothing left/,
  )
  const few = await loop.once('model', ...byModel(server.url, ...store, '--budget-requests', '4'))
  assert.deepEqual([few.status, server.asked.length], [69, 4])
  assert.match(few.err, /6 rows of a sample of 10/)
  const { status, out, err } = await loop.once('model', ...byModel(server.url, ...store), '--json')
  assert.deepEqual([status, err.replace(/round \d+: \w+\n/g, '')], [0, ''])
  const told = JSON.parse(out)
  assert.equal(told.end, 'impure')
  assert.equal(
    server.asked.length,
    told.rounds.reduce((sum: number, { judged }: { judged: number }) => sum + judged, 0),
  )
  assert.ok(!existsSync(join(loop.at('model'), 'sample-1.jsonl')))
  // What a person says of the same rows comes to the same rounds.
  const person = await loop.once('model-person')
  assert.equal(person.status, 4)
  assert.deepEqual(loop.chosen('model-person', 1), loop.chosen('model', 1))
  const other = await loop.once('model')
  assert.deepEqual([other.status, /was begun with another judge/.test(other.err)], [64, true])
})

test('what a model has no answer for counts as wrong, and is told', async () => {
  await using server = await serveJudge((response, asked, count) =>
    say(/theorem/.test(asked.text) ? 'none' : '{"score":5,"kind":"prose"}')(response, asked, count),
  )
  const { status, out } = await loop.once('silent', ...byModel(server.url, '--store', loop.at('silent-store')))
  assert.equal(status, 0)
  const [{ unanswered, right, judged, isAdded }] = loop.record('silent').rounds
  assert.ok(unanswered > 1 && right + unanswered === judged && !isAdded)
  assert.match(out, new RegExp(`The judge said nothing of ${unanswered} rows, which count as\\s+wrong`))
})

test('labels from elsewhere are taken, those that say neither yes nor no are refused, and missing ones are asked for', async () => {
  await loop.once('labels')
  const lines = parseLines(readFileSync(join(loop.at('labels'), 'sample-1.jsonl'), 'utf8'))
  assert.deepEqual(Object.keys(lines[0]), ['label', 'slot', 'row', 'id', 'url', 'domain', 'kept', 'rank', 'text'])
  const file = loop.at('labels.jsonl')
  const write = (of: readonly object[]) => writeFileSync(file, of.map(line => `${JSON.stringify(line)}\n`).join(''))
  const labelled = lines.map(({ slot, row, id }) => ({ slot, row, id, label: 1 }))
  write([...labelled.slice(0, 7), { slot: 9, row: 9, label: 1 }, { id: lines[8].id, label: 'TRUE' }])
  const part = await loop.once('labels', '--labels', file)
  assert.deepEqual([part.status, part.err], [4, ''])
  assert.match(part.out, /2 rows of round 1 wait/)
  write([...labelled.slice(0, 7), { ...labelled[7], label: 'maybe\u001b[31m' }])
  const unknown = await loop.once('labels', '--labels', file)
  assert.equal(unknown.status, 64)
  assert.match(unknown.err, /labels\.jsonl:8 has the label 'maybe.*', which is neither yes nor no/)
  assert.ok(!unknown.err.includes('\u001b'))
  // Another document at the address is not the one that was labelled.
  write(labelled.map(line => ({ ...line, id: 'x' })))
  assert.match((await loop.once('labels', '--labels', file)).out, /10 rows of round 1 wait/)
  write(labelled)
  const done = await loop.once('labels', '--labels', file)
  assert.match(done.out, /10 of 10 +0\.79 +added/)
})
