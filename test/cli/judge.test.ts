import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type Reply, say, serveJudge } from '../annotate/judge/server.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

const dir = makeFolder('judge-cli')
const [runs, rubric, input] = [join(dir, 'runs'), join(dir, 'edu.md'), join(dir, 'in.jsonl')]
const hostile = '\u001b[31mred'
writeFileSync(rubric, '# edu\nJudge.\n## score: 0 to 5\nHow good.\n## kind: prose, code\nWhat it is.\n')

const texts = new Map<string, string>()
/** Documents of numbers, and others. */
const isMath = (i: number) => i % 2 === 0

before(async () => {
  const random = randomFrom(11)
  const rows = Array.from({ length: 240 }, (_, i) => {
    const own = isMath(i)
      ? 'theorem proof lemma integral equation algebra'
      : 'garden kitchen recipe flower dinner bread'
    const words = own.split(' ')
    const text = Array.from({ length: 12 }, () => `${words[Math.floor(random() * 6)]} ${makeText(random, 1)}`).join(' ')
    texts.set(`d${i}`, text)
    const domain = ['web', 'web', 'books', i < 80 ? hostile : 'web'][i % 4]
    // Copies are dropped, so that a document's row is not its number among those that are kept.
    const copy = i % 30 === 7 ? `${JSON.stringify({ id: `copy${i}`, domain, text })}\n` : ''
    return `${JSON.stringify({ id: `d${i}`, domain, url: `https://host${i % 12}.org/${i}`, text })}\n${copy}`
  })
  writeFileSync(input, rows.join(''))
  for (const [name, store] of [
    ['run', 'all'],
    ['kept', 'kept'],
    ['none', 'none'],
  ]) {
    const recipe = join(dir, `${name}.ts`)
    writeFileSync(
      recipe,
      `import * as h from 'headrace'
export default h.pipeline('judged').from(h.jsonl(${JSON.stringify(input)}, { domain: 'domain' })).annotate(h.language(), h.signature())
  .decide(h.exactDuplicates())${store === 'none' ? ".tokenize('gpt2')" : ''}.store({ text: '${store}' })\n`,
    )
    const { status, err } = await runMain(['run', recipe, '--dir', runs, '--run', name, '--workers', '1'])
    assert.equal(status, 0, err)
  }
})

const scoreMath: Reply = (response, asked, count) =>
  say(
    JSON.stringify({ score: /theorem|proof|lemma|integral|equation|algebra/.test(asked.text) ? 5 : 0, kind: 'prose' }),
  )(response, asked, count)

let folders = 0
/** The command line with what it always needs, on a store of its own unless one is given. */
const sample = (run: string, url: URL, ...args: string[]) =>
  runMain([
    ...['judge', 'sample', run, '--dir', runs, '--rubric', rubric, '--model', 'm', '--endpoint', url.origin],
    ...(args.includes('--store') ? [] : ['--store', join(dir, `store-${++folders}`)]),
    ...(args.includes('--dry-run') ? [] : ['--out', join(dir, 'labels.jsonl')]),
    ...args,
  ])
const labels = () => parseLines(readFileSync(join(dir, 'labels.jsonl'), 'utf8'))

test('so many of each domain are judged, and their labels are what a classifier is fitted on', async () => {
  await using server = await serveJudge(scoreMath)
  const { status, out, err } = await sample('run', server.url, '--per', 'domain=20')
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /domain +kept +drawn +answered +mean score\nweb +\d+ +20 +20 /)
  assert.ok(!out.includes('\u001b'))
  const found = labels()
  assert.ok(found.every(({ id, text }) => !String(id).startsWith('copy') && texts.get(String(id)) === text))
  assert.equal(server.asked.length, 60)
  assert.deepEqual(Object.keys(found[0]), ['id', 'text', 'url', 'source', 'language', 'label', 'score', 'kind'])
  const counts = Map.groupBy(found, ({ source }) => source)
  assert.deepEqual(
    [...counts.values()].map(rows => rows.length),
    [20, 20, 20],
  )
  for (const { id, label, score } of found)
    assert.deepEqual([label, score], [isMath(Number(String(id).slice(1))) ? 5 : 0, label])
})

test('its labels teach a classifier', async () => {
  await using server = await serveJudge(scoreMath)
  await sample('run', server.url, '--per', 'domain=200')
  const model = join(dir, 'math.linear')
  const fit = await runMain([
    'classifier',
    'fit',
    'math',
    '--labels',
    join(dir, 'labels.jsonl'),
    '--out',
    model,
    '--json',
  ])
  assert.equal(fit.status, 0, fit.err)
  assert.ok(existsSync(model))
})

test('the same sample again asks nobody, a larger one for the others alone, and a label may be another dimension', async () => {
  await using server = await serveJudge(scoreMath)
  const store = ['--store', join(dir, 'shared')]
  await sample('run', server.url, '--per', 'language=30', ...store)
  const first = readFileSync(join(dir, 'labels.jsonl'), 'utf8')
  const again = await sample('run', server.url, '--per', 'language=30', ...store, '--json')
  assert.equal(readFileSync(join(dir, 'labels.jsonl'), 'utf8'), first)
  const { reused, spent, answered } = JSON.parse(again.out)
  assert.deepEqual([server.asked.length, reused, spent.requests, answered], [30, 30, 30, 30])
  await sample('run', server.url, '--per', 'language=40', ...store, '--label', 'kind')
  assert.equal(server.asked.length, 40)
  assert.ok(labels().every(({ label }) => label === 'prose'))
  // Another run over the same documents draws the same ones.
  await sample('kept', server.url, '--per', 'language=40', ...store)
  assert.equal(server.asked.length, 40)
})

test('a dry run says what it would cost and asks nobody', async () => {
  await using server = await serveJudge(scoreMath)
  const { status, out } = await sample('run', server.url, '--per', 'domain=20', '--dry-run', '--json')
  const cost = JSON.parse(out)
  assert.deepEqual([status, cost.documents, cost.stored, server.asked.length], [0, 60, 0, 0])
  assert.ok(cost.tokens > 60 * 50 && cost.tokensMax > 4 * cost.tokens)
  const told = await sample('run', server.url, '--dry-run')
  assert.match(told.out, /requests are to be made/)
})

test('a budget leaves documents without a label, and says so; one of 0 asks nobody and writes nothing', async () => {
  await using server = await serveJudge(scoreMath)
  const part = await sample('run', server.url, '--per', 'domain=20', '--budget-requests', '7')
  assert.deepEqual([part.status, server.asked.length, labels().length], [0, 7, 7])
  assert.match(part.out, /53 documents without an answer: the budget has nothing left/)
  const before = readFileSync(join(dir, 'labels.jsonl'), 'utf8')
  for (const budget of ['--budget-requests', '--budget-tokens']) {
    const none = await sample('run', server.url, budget, '0')
    assert.equal(none.status, 69)
    assert.match(none.err, /nothing was written.*budget has nothing left/)
  }
  assert.equal(server.asked.length, 7)
  assert.equal(readFileSync(join(dir, 'labels.jsonl'), 'utf8'), before)
  assert.ok(!existsSync(join(dir, 'labels.jsonl.tmp')))
})

test('a run without its texts is refused with what to do', async () => {
  await using server = await serveJudge(scoreMath)
  const { status, err } = await sample('none', server.url)
  assert.equal(status, 64)
  assert.match(err, /does not store the texts.*store/)
})

const refused: [args: string[], says: RegExp][] = [
  [['judge', 'fit', 'run'], /neither 'sample' nor 'check'/],
  [['judge', 'sample', 'run'], /--rubric is missing/],
  [['judge', 'sample', 'run', '--rubric', rubric], /--model is missing/],
  [['judge', 'sample', 'run', '--rubric', rubric, '--model', 'm', '--out', 'x'], /--endpoint is missing/],
  [['judge', 'sample', 'run', '--rubric', rubric, '--model', 'm', '--dry-run', '--per', 'host=3'], /--per is 'host=3'/],
  [['judge', 'sample', 'run', '--rubric', rubric, '--model', 'm', '--dry-run', '--label', 'x'], /has score, kind/],
  [['judge', 'sample', 'run', '--by-hand', 'x'], /--by-hand goes with check/],
  [['judge', 'check', 'x', '--dry-run'], /--dry-run goes with sample/],
  [['judge', 'check', 'x'], /--by-hand is missing/],
]
for (const [args, says] of refused)
  test(`${args.filter(arg => arg !== rubric).join(' ')}: ${says}`, async () => {
    const { status, err } = await runMain(args)
    assert.equal(status, 64)
    assert.match(err, says)
  })

const write = (name: string, rows: object[]) => {
  writeFileSync(join(dir, name), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return join(dir, name)
}
const byHand = (count: number) =>
  write(
    'hand.jsonl',
    Array.from({ length: count }, (_, i) => ({ id: `d${i}`, label: i % 5 })),
  )

test('check says how far both agree, on 50 documents or more', async () => {
  const judged = write(
    'judged.jsonl',
    Array.from({ length: 60 }, (_, i) => ({ id: `d${i}`, text: 'x', label: i < 50 ? i % 5 : 0, kind: hostile })),
  )
  const few = await runMain(['judge', 'check', judged, '--by-hand', byHand(49)])
  assert.equal(few.status, 64)
  assert.match(few.err, /49 documents .* 50 are the fewest/)
  const enough = await runMain(['judge', 'check', judged, '--by-hand', byHand(50), '--json'])
  const { kappa, texts, meanDifference } = JSON.parse(enough.out)
  assert.deepEqual([enough.status, texts, kappa, meanDifference], [0, 50, 1, 0])
  const told = await runMain(['judge', 'check', judged, '--by-hand', byHand(70)])
  assert.match(
    told.out,
    /same label +86\.7%\nCohen's kappa +0\.8\d\d\nweighted by squares +0\.\d+\njudge less hand, mean +-0\.333\n/,
  )
  assert.match(told.out, /10 documents labelled by hand have no label of the judge/)
})

test("lines that can't be used are counted, and nothing of them reaches a terminal raw", async () => {
  const judged = write('judged.jsonl', [
    ...Array.from({ length: 60 }, (_, i) => ({ id: `d${i}`, label: i % 2 ? hostile : '__proto__' })),
    { id: 'd0', label: 'x' },
    { label: 'x' },
    { id: 'd61' },
    [],
  ])
  const { status, out } = await runMain(['judge', 'check', judged, '--by-hand', judged])
  assert.equal(status, 0)
  assert.ok(!out.includes('\u001b'))
  assert.match(out, /3 lines of the judge without an id or a label, and 1 with an id that stood before/)
})
