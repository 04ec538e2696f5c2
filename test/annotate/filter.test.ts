import assert from 'node:assert/strict'
import { test } from 'node:test'
import { annotatorSuite } from '../../conformance/annotator.ts'
import { findBrokenRules } from '../../conformance/suite.ts'
import { type Filter, filter } from '../../src/annotate/filter.ts'
import { above, any, below, columnOf, count, type Measures, type NoOptions, ratio } from '../../src/annotate/measure.ts'
import { simpleFilter } from '../../src/annotate/simple-filter.ts'
import type { Texts } from '../../src/annotate/texts.ts'
import { type Column, type NumberArray, utf8From } from '../../src/batch/batch.ts'
import { HeadraceError } from '../../src/errors.ts'
import { oneOf, optional, whole } from '../../src/options.ts'

const batchOf = (...texts: string[]) => ({ rows: texts.length, columns: { text: utf8From(texts) } })
const valuesOf = (column: Column) => ('values' in column ? [...column.values] : null)
const refuses = (code: string, says: RegExp) => (error: unknown) =>
  error instanceof HeadraceError && error.code === code && error.exit === 64 && says.test(error.message)

/** Every part of a table. */
const every = filter({
  name: 'every',
  version: 3,
  measures: {
    letters: count('letters', { lettersMin: below(2, 'few'), lettersMax: above(9, 'many') }, below(1, 'empty')),
    marks: ratio('marks a letter', { unit: optional('a unit', oneOf(['line', 'page']), 'line'), marks: any('marked') }),
    note: columnOf('utf8')('a note'),
  },
  options: { widths: optional('a measure each', whole(1, 9), 2) },
  measuresFor: ({ widths }) => ({ [`width${widths}`]: ratio(`width ${widths}`, {}, above(widths, 'wide')) }),
  prepare: ({ unit, widths }) => ({ unit, widths, calls: 0 }),
  measure({ rows, string }: Texts, out: Readonly<Record<string, NumberArray>>, prepared) {
    prepared.calls++
    for (let row = 0; row < rows; row++) out[`width${prepared.widths}`][row] = prepared.calls
    return { note: utf8From(Array.from({ length: rows }, () => `${prepared.unit} ${typeof string}`)) }
  },
})

test('the table makes the declaration, in its order', () => {
  const { name, version, exact, options, reads, writes, resources, rules } = every()
  assert.deepEqual([name, version, exact, reads, resources], ['every', 3, true, ['text'], []])
  assert.equal(JSON.stringify(options), '{"lettersMin":2,"lettersMax":9,"unit":"line","marks":true,"widths":2}')
  assert.deepEqual(writes, [
    { name: 'letters', kind: 'u32' },
    { name: 'marks', kind: 'f64' },
    { name: 'note', kind: 'utf8' },
    { name: 'width2', kind: 'f64' },
  ])
  assert.deepEqual(rules, [
    { reason: 'empty', column: 'letters', below: 1 },
    { reason: 'few', column: 'letters', below: 2 },
    { reason: 'many', column: 'letters', above: 9 },
    { reason: 'marked', column: 'marks', above: 0 },
    { reason: 'wide', column: 'width2', above: 2 },
  ])
})

test('options move thresholds, switch them off, and name measures', () => {
  const { options, writes, rules } = every({ lettersMin: null, lettersMax: 5, marks: false, widths: 4 })
  assert.equal(JSON.stringify(options), '{"lettersMin":null,"lettersMax":5,"unit":"line","marks":false,"widths":4}')
  assert.equal(writes.at(-1)?.name, 'width4')
  assert.deepEqual(
    rules.map(({ reason, below, above }) => [reason, below ?? above]),
    [
      ['empty', 1],
      ['many', 5],
      ['wide', 4],
    ],
  )
})

test('what is prepared is made once for each annotator, and columns come in the order of the table', async () => {
  const annotator = every({ unit: 'page' })
  for (const calls of [1, 2]) {
    const columns = await annotator.annotate(batchOf('a', 'b'))
    assert.deepEqual(Object.keys(columns), ['letters', 'marks', 'note', 'width2'])
    assert.deepEqual(valuesOf(columns.width2), [calls, calls])
    assert.deepEqual(valuesOf(columns.letters), [0, 0])
  }
  assert.deepEqual(valuesOf((await every().annotate(batchOf('a'))).width2), [1])
})

const refused: [given: unknown, says: RegExp][] = [
  [
    { letterMin: 1 },
    /^annotator 'every' has no option 'letterMin'; did you mean 'lettersMin'\? there are lettersMin, /,
  ],
  [{ lettersMin: '1' }, /'lettersMin' "1": give a number, or null/],
  [{ marks: null }, /'marks' null: give true or false/],
  [{ unit: 'word' }, /'unit' "word": give one of line, page/],
  [{ widths: 0 }, /'widths' 0: give a whole number from 1 to 9/],
  [7, /takes an object of options, not 7/],
]
for (const [given, says] of refused)
  test(`${JSON.stringify(given)} is refused before any work`, () => {
    assert.throws(() => (every as unknown as (given: unknown) => unknown)(given), refuses('bad-option', says))
  })

test('types refuse what the checks refuse', () => {
  const measures = { size: count('characters', { sizeMin: below(1, 'short') }) }
  // @ts-expect-error a text is no number of characters
  const echoing = simpleFilter('echoing', measures, text => ({ size: text }))
  assert.throws(() => echoing().annotate(batchOf('a')), /echoing gives a for 'size'/)
  const sizing = simpleFilter('sizing', measures, text => ({ size: text.length }))
  // @ts-expect-error misspelt
  assert.throws(() => sizing({ sizeMn: 1 }), refuses('bad-option', /did you mean 'sizeMin'/))
  // @ts-expect-error a number as text
  assert.throws(() => sizing({ sizeMin: '1' }), refuses('bad-option', /"1"/))
  const bare = simpleFilter('bare', { size: ratio('size') }, ({ length }) => ({ size: length }))
  // @ts-expect-error it has none
  assert.throws(() => bare({ sizeMin: 1 }), refuses('bad-option', /no option 'sizeMin'; it has none/))
})

const wrong: [what: string, value: unknown][] = [
  ['a fraction', 0.5],
  ['less than none', -1],
  ['no number', Number.NaN],
  ['nothing', undefined],
  ['a text', '3'],
]
for (const [what, value] of wrong)
  test(`a count that is ${what} is the document's error`, () => {
    const counting = simpleFilter('counting', { items: count('items') }, () => ({ items: value as number }))
    assert.throws(() => counting().annotate(batchOf('a')), /counting gives .* for 'items'/)
  })

test('a ratio may be NaN, and a function of the text sees the options', () => {
  const measures = { rate: ratio('rate', { by: optional('what to divide by', whole(), 0) }) }
  const rating = simpleFilter('rating', measures, (text, { by }) => ({ rate: text.length / by }), 2)
  assert.equal(rating().version, 2)
  assert.deepEqual(valuesOf((rating().annotate(batchOf('', 'ab')) as Record<string, Column>).rate), [
    Number.NaN,
    Infinity,
  ])
  assert.deepEqual(valuesOf((rating({ by: 4 }).annotate(batchOf('ab')) as Record<string, Column>).rate), [0.5])
})

const measures = { size: count('bytes', { sizeMin: below(1, 'short') }) }
type Measuring = (texts: Texts, out: Readonly<Record<string, NumberArray>>, scratch: number[]) => undefined
const fill =
  (measure: (texts: Texts, row: number, scratch: number[]) => number): Measuring =>
  (texts, out, scratch) => {
    for (let row = 0; row < texts.rows; row++) out.size[row] = measure(texts, row, scratch)
  }
const sizeOf = ({ offsets }: Texts, row: number) => offsets[row + 1] - offsets[row]
const sizing = (measure: Measuring, its: Measures = measures): Filter<Measures, NoOptions> =>
  filter({ name: 'sizing', version: 1, measures: its, prepare: (): number[] => [], measure })

const broken: [mistake: string, make: Filter<Measures, NoOptions>, rule: RegExp][] = [
  [
    'it adds up rows',
    sizing(fill((texts, row, scratch) => (scratch[0] = (scratch[0] ?? 0) + sizeOf(texts, row)))),
    /columns again/,
  ],
  ['it takes the text to begin at 0', sizing(fill(({ offsets }, row) => offsets[row + 1])), /wherever its bytes lie/],
  ['it measures all bytes of the batch', sizing(fill(({ bytes }) => bytes.length)), /alone, in a batch/],
  [
    'it reads another column',
    sizing(fill(({ batch }, row) => Object.keys(batch.columns).length + row)),
    /reads no column but/,
  ],
  [
    'it gives no column for a measure',
    sizing(fill(sizeOf), { ...measures, note: columnOf('utf8')('') }),
    /writes what it/,
  ],
  [
    'two thresholds have one reason',
    sizing(fill(sizeOf), { size: count('', {}, below(1, 'bad'), above(9, 'bad')) }),
    /rules are/,
  ],
  ['a reason is no name', sizing(fill(sizeOf), { size: count('', {}, below(1, 'Too short')) }), /rules are bounds/],
]
test('a filter that measures is held to no broken rule', async () => {
  assert.deepEqual(await findBrokenRules(annotatorSuite, () => ({ annotator: sizing(fill(sizeOf))() })), [])
})
for (const [mistake, make, rule] of broken)
  test(`the suite catches a filter when ${mistake}`, async () => {
    const found = await findBrokenRules(annotatorSuite, () => ({ annotator: make() }))
    assert.ok(
      found.some(one => rule.test(one.rule)),
      found.map(one => one.rule).join('\n'),
    )
  })
