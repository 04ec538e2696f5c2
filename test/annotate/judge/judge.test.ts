import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { judge } from '../../../src/annotate/judge/judge.ts'
import { numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { runMain } from '../../cli/terminal.ts'
import { randomFrom } from '../../random.ts'
import { makeText } from '../../run/fixture.ts'
import { makeFolder } from '../../temporary.ts'
import { type Reply, say, serveJudge } from './server.ts'

const dir = makeFolder('judge')
const rubric = join(dir, 'edu.md')
const source = '# edu\nJudge.\n## score: 0 to 5\nHow good.\n## kind: prose, code\nWhat it is.\n'
writeFileSync(rubric, source)
const good = say('{"score":3,"kind":"prose"}')

const ids = Array.from({ length: 40 }, (_, i) => `d${i}`)
const batch = { rows: 40, columns: { text: utf8From(ids.map(id => `text of ${id}`)), id: utf8From(ids) } }
const store = () => makeFolder('judged')

test('a column a dimension, why there is none, and whether the text was cut', async () => {
  await using server = await serveJudge((response, asked, count) =>
    asked.text.endsWith('of d1') ? say('no')(response, asked, count) : good(response, asked, count),
  )
  const annotator = judge({ rubric, model: 'm', store: store(), endpoint: server.url.origin, charactersMax: 10 })
  assert.deepEqual([annotator.exact, annotator.name], [false, 'judge-edu'])
  const columns = await annotator.annotate(batch)
  const judged = { rows: 40, columns }
  checkFields(judged, annotator.writes, annotator.name)
  assert.deepEqual([...numbers(judged, 'judge:edu:score').subarray(0, 3)], [3, Number.NaN, 3])
  const names = (column: string) => [0, 1, 2].map(row => stringAt(utf8(judged, column), row))
  assert.deepEqual(names('judge:edu:kind'), ['prose', '', 'prose'])
  assert.deepEqual(names('judge:edu:unanswered'), ['', 'invalid:no-json', ''])
  assert.deepEqual([numbers(judged, 'judge:edu:cut')[0], numbers(judged, 'judge:edu:cut')[39]], [0, 1])
})

test('a sample is the same documents whatever their order, and a higher rate has all of a lower one', async () => {
  await using server = await serveJudge(good)
  const sampled = async (sample: number) => {
    const annotator = judge({ rubric, model: 'm', store: store(), endpoint: server.url.href, sample })
    const columns = { rows: 40, columns: await annotator.annotate(batch) }
    return ids.filter((_, row) => stringAt(utf8(columns, 'judge:edu:unanswered'), row) !== 'not-sampled')
  }
  const none = await sampled(0)
  const few = await sampled(0.2)
  const more = await sampled(0.5)
  assert.ok(none.length === 0 && few.length > 0 && few.length < more.length && more.length < 40)
  assert.ok(few.every(id => more.includes(id)))
  assert.equal(server.asked.length, few.length + more.length)
})

test('with ask: false nobody is asked, and with a budget of 0 neither, which is told', async () => {
  await using server = await serveJudge(good)
  const own = store()
  const some = judge({ rubric, model: 'm', store: own, endpoint: server.url.href, sample: 0.5 })
  await some.annotate(batch)
  const stored = server.asked.length
  for (const [others, why] of [
    [{ ask: false, endpoint: server.url.href }, 'not-stored'],
    [{ requestsMax: 0, endpoint: server.url.href }, 'budget'],
    [{ tokensMax: 0, endpoint: server.url.href }, 'budget'],
  ] as const) {
    const annotator = judge({ rubric, model: 'm', store: own, ...others })
    const all = { rows: 40, columns: await annotator.annotate(batch) }
    const reasons = ids.map((_, row) => stringAt(utf8(all, 'judge:edu:unanswered'), row))
    assert.deepEqual(
      [reasons.filter(reason => reason === '').length, reasons.filter(reason => reason === why).length],
      [stored, 40 - stored],
    )
    assert.equal(annotator.notes?.length, 'ask' in others ? 0 : 1)
  }
  assert.equal(server.asked.length, stored)
})

const refused: [options: object, says: RegExp][] = [
  [{ endpoint: undefined }, /needs 'endpoint'/],
  [{ endpoint: 'localhost:8000' }, /URL as http/],
  [{ endpoint: 'http://me:secret@localhost' }, /^(?!.*secret).*environment variable/],
  [{ keyFrom: 'HEADRACE_NO_SUCH_KEY' }, /no HEADRACE_NO_SUCH_KEY/],
  [{ keyFrom: 'HEADRACE_BAD_KEY' }, /^(?!.*hidden).*is no key/],
  [{ sample: 2 }, /'sample' 2/],
  [{ temperature: 1 }, /no option 'temperature'/],
]
for (const [options, says] of refused)
  test(`${JSON.stringify(options)} is refused: ${says}`, () => {
    process.env.HEADRACE_BAD_KEY = 'hidden\nkey'
    const given = { rubric, model: 'm', store: 'judged', endpoint: 'http://localhost:1', ...options }
    assert.throws(() => judge(given), { code: 'bad-option', message: says })
  })

const input = join(dir, 'in.jsonl')
before(() => {
  const random = randomFrom(3)
  const rows = Array.from({ length: 30 }, (_, i) => `${JSON.stringify({ id: `d${i}`, text: makeText(random, 3) })}\n`)
  writeFileSync(input, rows.join(''))
})

let recipes = 0
/** A recipe that judges by this server, with rules. */
function writeRecipe(url: URL, rules: object, own: string): string {
  // A file for each, as Node loads one of a name once.
  const recipe = join(dir, `judged-${++recipes}.ts`)
  writeFileSync(
    recipe,
    `import * as h from 'headrace'
export default h.pipeline('judged')
  .from(h.jsonl(${JSON.stringify(input)}))
  .annotate(h.judge({ rubric: ${JSON.stringify(rubric)}, model: 'm', store: ${JSON.stringify(own)}, endpoint: ${JSON.stringify(url.href)} }))
  .decide(h.rules(${JSON.stringify(rules)}))\n`,
  )
  return recipe
}
const scoreByHash: Reply = (response, asked, count) =>
  say(`{"score":${asked.text.length % 6},"kind":"prose"}`)(response, asked, count)

test('a run asks once for each document, a replay with other rules for none, and one with another rubric for all', async () => {
  await using server = await serveJudge(scoreByHash)
  const [runs, own] = [join(dir, 'runs'), store()]
  const run = async (command: string[], below: number, store = own) => {
    const recipe = writeRecipe(server.url, { 'judge:edu:score': { below } }, store)
    const { status, err } = await runMain([...command, recipe, '--dir', runs, '--workers', '1'])
    assert.equal(status, 0, err)
  }
  await run(['run', '--run', 'first'], 2)
  assert.equal(server.asked.length, 30)
  // What the run has stored is read back: another store has nothing.
  await run(['replay', 'first', '--run', 'second'], 4, store())
  assert.equal(server.asked.length, 30)
  // A new run over the same texts has all answers in the store.
  await run(['run', '--run', 'third'], 2)
  assert.equal(server.asked.length, 30)
  writeFileSync(rubric, source.replace('Judge.', 'Judge well.'))
  await run(['replay', 'first', '--run', 'fourth'], 2)
  assert.equal(server.asked.length, 60)
  writeFileSync(rubric, source)
  await run(['replay', 'fourth', '--run', 'fifth'], 2)
  assert.equal(server.asked.length, 60)
})
