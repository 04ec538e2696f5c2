import assert from 'node:assert/strict'
import { test } from 'node:test'
import { c4, c4RemovalCauses } from '../../../src/annotate/quality/c4.ts'
import { type Columns, list, numbers, stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { decide, findReason } from '../../bench/compare-datatrove.ts'
import { answer, cases } from '../../golden/filters/cases.ts'

async function measure(texts: string[], annotator = c4()): Promise<Columns> {
  const columns = await annotator.annotate({ rows: texts.length, columns: { text: utf8From(texts) } })
  checkFields({ rows: texts.length, columns }, annotator.writes, annotator.name)
  return columns
}
const column = (columns: Columns, name: string) => [...numbers({ rows: 0, columns }, name)]

async function edit(text: string, options: Parameters<typeof c4>[0] = {}): Promise<string> {
  const columns = await measure([text], c4(options))
  return stringAt(utf8({ rows: 1, columns }, 'text'), 0)
}

for (const filter of ['c4', 'c4AnyLineEnd'])
  test(`gives the reasons of datatrove: ${filter}`, async () => {
    const { ours, datatrove } = await answer(filter)
    assert.deepEqual(ours, datatrove)
  })

test('leaves the text of datatrove', async () => {
  const ours = await decide(cases.map(({ text }) => text))
  for (const filter of ['c4Text', 'c4AnyLineEndText'])
    assert.deepEqual(
      cases.map(({ name }, row) => [name, ours[row][filter]]),
      cases.map(({ name, datatrove }) => [name, datatrove[filter]]),
    )
})

const edits: [name: string, text: string, expected: string, options?: Parameters<typeof c4>[0]][] = [
  [
    'line ends of Python',
    'One two three.\v Four five six.\x85Seven eight nine.\r\n',
    'One two three.\nFour five six.\nSeven eight nine.',
  ],
  ['citations', 'A[1] b[] c[edit] d[citation needed] e[x] f[[2]] [٣].', 'A b c d e[x] f[] .'],
  ['citations that stay', 'A[1] b[] c[edit].', 'A[1] b[] c[edit].', { citations: false }],
  ['an open bracket at the end', 'One two three [1', 'One two three [1', { terminalMark: false }],
  ['marks', "A b c\nD e f...\nG h i'\nJ k l!", "G h i'\nJ k l!"],
  ['JavaScript', 'Enable JAVASCRIPT now please.\nIt is java script.', 'It is java script.'],
  [
    'policies',
    'We use cookies here.\nUse no cookies here.\nTerms  of use apply.',
    'Use no cookies here.\nTerms  of use apply.',
  ],
  ['policies that stay', 'We use cookies here.', 'We use cookies here.', { policy: false }],
  ['short lines', 'One two.\nOne two three.', 'One two.\nOne two three.', { wordsPerLineMin: 2 }],
  ['long words', 'One two ééé.\nOne two éééé.', 'One two ééé.', { wordLengthMax: 4 }],
  ['nothing stays', 'One\n\ntwo', ''],
  [
    'sentences',
    'One two three. Four five. Six\nseven eight! Nine',
    'One two three. Six\nseven eight!',
    { unit: 'sentence' },
  ],
]
for (const [name, text, expected, options] of edits)
  test(`edits: ${name}`, async () => assert.equal(await edit(text, options), expected))

test('counts removed lines by cause and texts apart', async () => {
  const texts = [
    `x y ${'z'.repeat(1001)}.\nno mark at all\nTwo words.\nIt is JavaScript.\nOur privacy policy.\nIt stays here.`,
    '',
    'a b c.',
  ]
  const columns = await measure(texts)
  const removed = list({ rows: 3, columns }, 'c4RemovedByCause')
  assert.equal(c4RemovalCauses.length, 5)
  assert.deepEqual([...removed.values], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  assert.deepEqual([...removed.offsets], [0, 5, 10, 15])
  assert.deepEqual(column(columns, 'c4Lines'), [6, 0, 1])
  assert.deepEqual(column(columns, 'c4LinesRemoved'), [5, 0, 0])
  assert.deepEqual(column(columns, 'c4Sentences'), [1, 0, 1])
  assert.equal(stringAt(utf8({ rows: 3, columns }, 'text'), 2), 'a b c.')
})

test('measures what drops a text on lines that count only', async () => {
  const texts = ['Here is lorem ipsum { for you.', 'lorem ipsum {', 'Here is JavaScript { for you.']
  const columns = await measure(texts)
  assert.deepEqual(column(columns, 'c4LoremIpsum'), [1, 0, 0])
  assert.deepEqual(column(columns, 'c4CurlyBrackets'), [1, 0, 0])
  const both = ['A { b c.\nIt is lorem ipsum.']
  assert.deepEqual(column(await measure(both), 'c4LoremIpsum'), [0])
  assert.deepEqual(column(await measure(both, c4({ curlyBracket: false })), 'c4LoremIpsum'), [1])
  const { rules } = c4({ loremIpsum: false, sentencesMin: null })
  assert.deepEqual(
    [0, 1, 2].map(row => findReason(columns, rules, row)),
    ['curly-bracket', null, null],
  )
})

test('takes linear time for brackets and digits that never close', async () => {
  const texts = ['['.repeat(1 << 20), `[${'1'.repeat(1 << 20)}`, '[1'.repeat(1 << 19), `[${'٣'.repeat(1 << 18)}`]
  const columns = await measure(texts, c4({ wordLengthMax: null, terminalMark: false, wordsPerLineMin: 1 }))
  assert.deepEqual(column(columns, 'c4LinesRemoved'), [0, 0, 0, 0])
})
