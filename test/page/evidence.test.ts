import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutExcerpt, findEvidence, findOwnLines } from '../../src/page/evidence.ts'

const found: [column: string, text: string, marked: string[]][] = [
  ['gopherAlphaWords', 'a 12 b -- ü', ['12', '--']],
  ['gopherDuplicate2', 'one two, one two three one two', ['one two', 'one two']],
  ['gopherTop2', 'A b c a b', ['A b', 'a b']],
  ['gopherDuplicateLines', 'x\ny\nx\n x', ['x', ' x']],
  ['gopherDuplicateParagraphs', 'x\ny\n\nx\ny\n\nz', ['x\ny']],
  ['gopherBulletLines', '- a\nb\n • c', ['- a', ' • c']],
  ['gopherEllipsisLines', 'a...\nb… \nc', ['a...', 'b… ']],
  ['finewebShortLines', `short\n${'x'.repeat(40)}`, ['short']],
  ['finewebLinePunctuation', 'a\nb.', ['a']],
  ['c4CurlyBrackets', 'a{b}', ['{']],
  ['languageScore', 'a b', []],
  ['__proto__', 'a b', []],
]
for (const [column, text, marked] of found)
  test(`${column} in ${JSON.stringify(text.slice(0, 30))}`, () => {
    assert.deepEqual(
      findEvidence(column, text).map(([from, to]) => text.slice(from, to)),
      marked,
    )
  })

test('an excerpt is cut around what is marked, and not from the beginning', () => {
  const text = `${'filler line\n'.repeat(500)}here it is\n${'more\n'.repeat(900)}`
  const at = text.indexOf('here')
  const {
    text: part,
    from,
    length,
    marks,
  } = cutExcerpt(text, [
    [3, 4],
    [at, at + 10],
  ])
  assert.ok(from > 5000 && from < at && part.length <= 1400)
  assert.equal(length, text.length)
  assert.deepEqual(
    marks.map(([begin, end]) => part.slice(begin, end)),
    ['here it is'],
  )
})

test('marks hold at both ends of an excerpt, and signs that steer are shown', () => {
  const text = `${'a'.repeat(3000)}\u202e\u001b`
  const { text: part, marks } = cutExcerpt(text, [[0, 3002]])
  assert.deepEqual(marks, [[0, part.length]])
  assert.equal(cutExcerpt('\u202e\u001b\n', []).text, '\ufffd\ufffd\n')
})

test('lines that the other text does not have', () => {
  const own = findOwnLines('a\n b  c\nd', 'b c\nx')
  assert.deepEqual(own, [
    [0, 1],
    [8, 9],
  ])
})

for (const unit of ['ab ', '\t ', '...', '-\n', ' \n', 'x', '# ', 'a1-'])
  test(`a megabyte of ${JSON.stringify(unit)} costs little`, () => {
    const text = unit.repeat(1e6 / unit.length)
    const started = performance.now()
    for (const [column] of found) cutExcerpt(text, findEvidence(column, text))
    findOwnLines(text, text)
    // Quadratic time would be minutes.
    assert.ok(performance.now() - started < 10_000)
  })
