import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLanguageClassifier, language } from '../../src/annotate/language.ts'
import { type Columns, numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'

interface Golden {
  readonly text: string
  readonly language: string
  readonly score: number
}
const goldenFile = join(import.meta.dirname, '../golden/language/texts.jsonl')
const golden = readFileSync(goldenFile, 'utf8').trimEnd().split('\n').map(parseGolden)

function parseGolden(line: string): Golden {
  return JSON.parse(line) as Golden
}

/** Language and score of each text. */
async function identify(texts: readonly string[], column = 'text'): Promise<[string, number][]> {
  const annotator = language({ from: column })
  const columns: Columns = await annotator.annotate({ rows: texts.length, columns: { [column]: utf8From(texts) } })
  const batch = { rows: texts.length, columns }
  checkFields(batch, annotator.writes, 'language')
  return texts.map((_, row) => [stringAt(utf8(batch, 'language'), row), numbers(batch, 'languageScore')[row]])
}

test('languages and scores are those of fastText', async () => {
  const found = await identify(golden.map(({ text }) => text))
  const oneUlp = 2 ** -23
  for (const [row, expected] of golden.entries()) {
    const [code, score] = found[row]
    assert.equal(code, expected.language, expected.text)
    assert.ok(Math.abs(score - expected.score) <= oneUlp * expected.score, `${score} for ${expected.score}`)
  }
  const equal = golden.filter(({ score }, row) => score === found[row][1]).length
  assert.ok(equal >= golden.length - 2, `only ${equal} of ${golden.length} scores are equal to the last bit`)
})

test('rows do not depend on their batch', async () => {
  const texts = golden.map(({ text }) => text)
  const together = await identify(texts)
  const alone = []
  for (const text of texts.toReversed()) alone.push(...(await identify([text])))
  assert.deepEqual(alone.toReversed(), together)
})

const cases: [text: string, language: string, hasScore: boolean][] = [
  ['', 'und', false],
  [' \n\t\r\0', 'und', false],
  ['Der Regen ist nass.', 'de', true],
  ['\u{1F600}', 'en', true],
]
test('a text without a word is und with score 0', async () => {
  const found = await identify(cases.map(([text]) => text))
  assert.deepEqual(
    found.map(([code, score]) => [code, score > 0]),
    cases.map(([, code, hasScore]) => [code, hasScore]),
  )
})

test('line feeds are spaces', async () => {
  const [lines, spaces] = await identify(['eins\nzwei\n\ndrei', 'eins zwei  drei'])
  assert.deepEqual(lines, spaces)
})

test('reads the column that it is told to', async () => {
  assert.deepEqual(await identify(['Le chat dort.'], 'body'), await identify(['Le chat dort.']))
  assert.deepEqual(language({ from: 'body' }).reads, ['body'])
})

test('options make the rule', () => {
  assert.deepEqual(language().rules, [{ reason: 'language-uncertain', column: 'languageScore', below: 0.65 }])
  assert.equal(language({ minScore: 0.4 }).rules[0].below, 0.4)
  for (const minScore of [-0.1, 1.1, Number.NaN]) assert.throws(() => language({ minScore }), { code: 'bad-option' })
})

test('a model that is not the named one is refused', () => {
  assert.throws(() => createLanguageClassifier(new Uint8Array(1000)), { code: 'corrupt', message: /SHA-256/ })
})
