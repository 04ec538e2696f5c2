import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { lineQuality } from '../../src/annotate/line-quality.ts'
import { numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { FeatureReader, featureBuckets } from '../../src/text/linear/features.ts'
import type { Head } from '../../src/text/linear/model.ts'
import { encodeModel } from '../../src/text/linear/model-file.ts'
import { makeFolder } from '../temporary.ts'

const directory = makeFolder('line-quality')
const [one, several] = ['one.linear', 'several.linear'].map(name => join(directory, name))
const prose: Head = { name: 'prose', kind: 'score', classes: [], scale: 1, shift: 0 }

/** `menu` makes a line poor and `story` a good one; of two heads the first says it of `topic` alone. */
function write(file: string, heads: readonly Head[], outputs: number): void {
  const weights = new Float32Array(outputs * (featureBuckets + 1))
  const reader = new FeatureReader()
  for (const [word, weight] of [
    ['menu', -9],
    ['story', 9],
  ] as const) {
    const bytes = new TextEncoder().encode(word)
    reader.read(bytes, 0, bytes.length)
    weights[outputs * reader.buckets[0] + outputs - 1] = weight
  }
  writeFileSync(file, Buffer.concat([...encodeModel({ model: { heads, weights }, report: null })]))
}
before(() => {
  write(one, [prose], 1)
  write(
    several,
    [{ name: 'topic', kind: 'class', classes: ['a', 'b'], scale: 1, shift: 0 }, { ...prose, name: 'other' }, prose],
    4,
  )
})

type Options = Partial<Parameters<typeof lineQuality>[0]>
async function clean(texts: readonly string[], options: Options = {}) {
  const annotator = lineQuality({ model: one, below: 0, wordsMin: 2, ...options })
  const batch = {
    rows: texts.length,
    columns: await annotator.annotate({ rows: texts.length, columns: { text: utf8From(texts) } }),
  }
  checkFields(batch, annotator.writes, annotator.name)
  const [lines, share] = ['lineQuality:prose', 'lineQuality:prose:share'].map(name => [...numbers(batch, name)])
  return texts.map((_, row) => [stringAt(utf8(batch, 'text'), row), lines[row], share[row]])
}

const cases: [what: string, text: string, kept: string, lines: number, options?: Options][] = [
  ['a poor line in the middle', 'a story\nthe menu\nmore story', 'a story\nmore story', 1],
  ['the last line', 'a story\r\nthe menu', 'a story\r\n', 1],
  ['all of it', 'the menu\nthe menu\n', '', 2],
  ['none', 'a story\n\nmore story\n', 'a story\n\nmore story\n', 0],
  ['lines of few words stay', 'menu\na menu\n', 'menu\n', 1],
  ['lines without words stay', '---\n\nthe menu', '---\n\n', 1],
  ['another threshold', 'a menu', 'a menu', 0, { below: -9 }],
  ['a head of several', 'a story\na menu', 'a story\n', 1, { model: several, head: 'prose' }],
]
for (const [what, text, kept, lines, options] of cases)
  test(`lines that go: ${what}`, async () => {
    const [[found, count, share]] = await clean([text], options)
    assert.deepEqual([found, count], [kept, lines])
    assert.ok(Math.abs(Number(share) - (1 - kept.length / text.length)) < 1e-12)
  })

test('rows do not touch each other, and an empty text has no share', async () => {
  const rows = await clean(['the menu\nx y', '', '水の物語 story a\nthe menu', 'a story'])
  assert.deepEqual(
    rows.map(([text]) => text),
    ['x y', '', '水の物語 story a\n', 'a story'],
  )
  assert.deepEqual(
    rows.map(([, lines]) => lines),
    [1, 0, 1, 0],
  )
  assert.ok(Number.isNaN(rows[1][2]) && rows[3][2] === 0)
})

test('the share can drop a document', () => {
  const rule = { reason: 'too-many-poor-lines', column: 'lineQuality:prose:share', above: 0.5 }
  assert.deepEqual(lineQuality({ model: one, below: 0, shareMax: 0.5 }).rules, [rule])
  assert.deepEqual(lineQuality({ model: one, below: 0 }).rules, [])
})

const refused: [options: object, code: string, message: RegExp][] = [
  [{ model: join(directory, 'gone.linear') }, 'not-found', /headrace classifier fit/],
  [{ model: several }, 'bad-option', /has 2 heads that score: give 'head'; heads of scores in it: other, prose/],
  [{ head: 'pros' }, 'bad-option', /has no head 'pros' that scores; heads of scores in it: prose/],
  [{ model: several, head: 'topic' }, 'bad-option', /has no head 'topic' that scores/],
  [{ below: 'low' }, 'bad-option', /'below'/],
  [{ wordsMin: 0 }, 'bad-option', /'wordsMin'/],
]
for (const [options, code, message] of refused)
  test(`refused before any work: ${JSON.stringify(options).replaceAll(directory, '')}`, () => {
    assert.throws(() => lineQuality({ model: one, below: 0, ...options }), { code, message })
  })
