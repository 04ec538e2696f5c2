import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashRubric, parseRubric, readRubric } from '../../../src/annotate/judge/rubric.ts'

const json = {
  name: 'edu',
  instructions: 'Judge.\n\nWell.',
  dimensions: [
    { name: 'score', from: 0, to: 5, meaning: 'How good.' },
    { name: 'kind', labels: ['prose', 'source code'], meaning: 'What it is.' },
  ],
}
const markdown = '# edu\n\nJudge.\n\nWell.\n\n## score: 0 to 5\nHow good.\n\n## kind: prose, source code\nWhat it is.\n'

test('Markdown and JSON say the same, with either line end', () => {
  const rubric = parseRubric(JSON.stringify(json), 'a.json')
  assert.deepEqual(parseRubric(markdown, 'a.md'), rubric)
  const windows = parseRubric(markdown.replaceAll('\n', '\r\n'), 'a.md')
  assert.deepEqual(windows.dimensions, rubric.dimensions)
  assert.equal(hashRubric(parseRubric(markdown, 'b.md')), hashRubric(rubric))
  assert.notEqual(hashRubric({ ...rubric, instructions: 'Judge.' }), hashRubric(rubric))
})

const [score, kind] = json.dimensions
const withScore = (others: object) => JSON.stringify({ ...json, dimensions: [{ ...score, ...others }] })
const wrong: [text: string, says: RegExp][] = [
  ['', /no line '# NAME'/],
  ['# edu\n## score: 0 to 5\n', /no instructions/],
  ['# edu\nJudge.\n', /0 dimensions/],
  ['# edu\nJudge.\n## score\n', /says no values/],
  ['# edu\nJudge.\n## score: 5 to 0\n', /goes from 5 to 0/],
  ['# edu\nJudge.\n## score: high\n', /needs 2 to 64 labels/],
  ['# edu it is\nJudge.\n## score: 0 to 5\n', /named 'edu it is'/],
  ['{"name":', /no JSON object/],
  [JSON.stringify({ ...json, model: 'm' }), /it has 'model'/],
  [withScore({ weight: 1 }), /has 'weight'/],
  [withScore({ to: 0.5 }), /goes from 0 to 0.5/],
  [withScore({ to: 1000 }), /101 values/],
  [withScore({ labels: ['a', 'b'] }), /not both/],
  [withScore({ name: 'unanswered' }), /another meaning/],
  [JSON.stringify({ ...json, dimensions: [score, score] }), /two dimensions of one name/],
  [JSON.stringify({ ...json, dimensions: [{ ...kind, labels: ['a', 'a'] }] }), /a label twice/],
  [JSON.stringify({ ...json, dimensions: [{ ...kind, labels: ['a', 'b\u001b'] }] }), /labels of 1 to 64/],
  [' '.repeat(70_000), /70000 characters/],
]
for (const [text, says] of wrong)
  test(`${JSON.stringify(text.slice(0, 60))}: ${says}`, () => {
    assert.throws(() => parseRubric(text, 'x.md'), { code: 'bad-option', message: says })
  })

test('a rubric that is not there is not found', () => {
  assert.throws(() => readRubric('/nowhere/x.md'), { code: 'not-found' })
})
