import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { embedding } from '../../../src/annotate/embedding/embedding.ts'
import { type Batch, fixed, numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { runMain } from '../../cli/terminal.ts'
import { randomFrom } from '../../random.ts'
import { makeText } from '../../run/fixture.ts'
import { makeFolder } from '../../temporary.ts'
import { refuse } from '../model-server/server.ts'
import { dimensions, good, type Reply, serveVectors, vectorOf } from './server.ts'

const given = (url: URL, others: object = {}) => ({
  name: 'own',
  endpoint: url.origin,
  model: 'm',
  dimensions,
  ...others,
})
const batchOf = (texts: readonly string[]): Batch => ({ rows: texts.length, columns: { text: utf8From(texts) } })

/** The vector in a row, as who reads the column reads it. */
function vectorAt(batch: Batch, row: number): number[] {
  const { bytes, width } = fixed(batch, 'embedding:own')
  const view = new DataView(bytes.buffer, bytes.byteOffset + row * width, width)
  return Array.from({ length: width / 4 }, (_, i) => view.getFloat32(4 * i, true))
}

test('a vector a text, why there is none, and whether the text was cut', async () => {
  await using server = await serveVectors((response, asked, count) =>
    (asked.texts.includes('passage: bad') ? refuse(413) : good)(response, asked, count),
  )
  const annotator = embedding(given(server.url, { prefix: 'passage: ', charactersMax: 4 }))
  assert.deepEqual([annotator.exact, annotator.name], [false, 'embedding-own'])
  const texts = ['good', '', 'bad', ' \n\t\n and', '𝒳𝒳𝒳𝒳𝒳']
  const embedded = { rows: 5, columns: await annotator.annotate(batchOf(texts)) }
  checkFields(embedded, annotator.writes, annotator.name)
  assert.deepEqual(annotator.writes[0], { name: 'embedding:own', kind: 'fixed', width: 16 })
  const none = [0, 0, 0, 0]
  assert.deepEqual(
    texts.map((_, row) => vectorAt(embedded, row)),
    [vectorOf('passage: good'), none, none, none, vectorOf('passage: 𝒳𝒳𝒳𝒳')],
  )
  assert.deepEqual(
    texts.map((_, row) => stringAt(utf8(embedded, 'embedding:own:missing'), row)),
    ['', 'empty', 'refused:status-413', 'empty', ''],
  )
  assert.deepEqual([...numbers(embedded, 'embedding:own:cut')], [0, 0, 0, 1, 1])
})

test('a batch of no rows, or of none with a text, asks nobody', async () => {
  await using server = await serveVectors(good)
  const annotator = embedding(given(server.url))
  for (const texts of [[], ['', ' ']]) await annotator.annotate(batchOf(texts))
  assert.equal(server.asked.length, 0)
})

test('more vectors than memory is given to are refused', async () => {
  const annotator = embedding(given(new URL('http://localhost:1'), { dimensions: 4096 }))
  const many = batchOf(Array.from({ length: 16_385 }, () => ''))
  await assert.rejects(async () => annotator.annotate(many), { code: 'limit', message: /16385 documents, and 16384/ })
})

const refused: [options: object, says: RegExp][] = [
  [{ endpoint: undefined }, /needs 'endpoint'/],
  [{ endpoint: 'localhost:8000' }, /URL as http/],
  [{ endpoint: 'http://me:secret@localhost' }, /^(?!.*secret).*environment variable/],
  [{ keyFrom: 'HEADRACE_NO_SUCH_KEY' }, /no HEADRACE_NO_SUCH_KEY/],
  [{ name: 'a b' }, /'name' "a b"/],
  [{ dimensions: undefined }, /needs 'dimensions'/],
  [{ dimensions: 5000 }, /from 1 to 4096/],
  [{ temperature: 1 }, /no option 'temperature'/],
]
for (const [options, says] of refused)
  test(`${JSON.stringify(options)} is refused: ${says}`, () => {
    assert.throws(() => embedding(given(new URL('http://localhost:1'), options)), { code: 'bad-option', message: says })
  })

const dir = makeFolder('embedding')
const input = join(dir, 'in.jsonl')
before(() => {
  const random = randomFrom(3)
  const rows = Array.from({ length: 30 }, (_, i) => `${JSON.stringify({ id: `d${i}`, text: makeText(random, 3) })}\n`)
  writeFileSync(input, rows.join(''))
})

let recipes = 0
/** A recipe that embeds by this server, with rules. */
function writeRecipe(url: URL, rules: object, others: object = {}): string {
  // A file for each, as Node loads one of a name once.
  const recipe = join(dir, `embedded-${++recipes}.ts`)
  writeFileSync(
    recipe,
    `import * as h from 'headrace'
export default h.pipeline('embedded')
  .from(h.jsonl(${JSON.stringify(input)}))
  .annotate(h.embedding(${JSON.stringify(given(url, others))}))
  .decide(h.rules(${JSON.stringify(rules)}))\n`,
  )
  return recipe
}

test('a run asks for each document, a replay with other rules for none, and one with another model for all', async () => {
  await using server = await serveVectors(good)
  const asked = () => server.asked.reduce((sum, { texts }) => sum + texts.length, 0)
  const run = async (command: string[], recipe: string) => {
    const { status, err, out } = await runMain([...command, recipe, '--dir', join(dir, 'runs'), '--workers', '1'])
    assert.equal(status, 0, `${err}${out}`)
  }
  await run(['run', '--run', 'first'], writeRecipe(server.url, {}))
  assert.equal(asked(), 30)
  await run(['replay', 'first', '--run', 'second'], writeRecipe(server.url, { 'embedding:own:cut': { above: 0 } }))
  assert.equal(asked(), 30)
  // Of another place with the same model, too.
  await run(['replay', 'second', '--run', 'third'], writeRecipe(server.url, {}, { concurrency: 1, batchTexts: 3 }))
  assert.equal(asked(), 30)
  await run(['replay', 'third', '--run', 'fourth'], writeRecipe(server.url, {}, { model: 'm2' }))
  assert.equal(asked(), 60)
  await run(['replay', 'fourth', '--run', 'fifth'], writeRecipe(server.url, {}, { model: 'm2', charactersMax: 9 }))
  assert.equal(asked(), 90)
})

test('a run whose server refuses all fails, says so, and goes on when it does not', async () => {
  let isUp = false
  const reply: Reply = (response, asked, count) => (isUp ? good : refuse(401))(response, asked, count)
  await using server = await serveVectors(reply)
  const recipe = writeRecipe(server.url, {})
  const run = () => runMain(['run', recipe, '--run', 'down', '--dir', join(dir, 'runs'), '--workers', '1'])
  const { status, err } = await run()
  assert.notEqual(status, 0)
  assert.match(err, /status 401 \(no key was sent\)/)
  isUp = true
  assert.equal((await run()).status, 0)
})
