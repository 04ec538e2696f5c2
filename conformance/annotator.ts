import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Annotator } from '../src/annotate/annotator.ts'
import { type Batch, type Columns, rowsOf, stringAt, type Utf8Column, utf8 } from '../src/batch/batch.ts'
import { checkFields } from '../src/batch/contract.ts'
import { takeColumn, takeRows } from '../src/batch/rows.ts'
import { type Open, registering, type Suite, suiteOf } from './suite.ts'
import { documents, oddTexts } from './texts.ts'

/** An annotator, and rows for it. Without `batch` it gets the odd texts as documents. */
export interface AnnotatorSubject {
  readonly annotator: Annotator
  /** Has all columns that the annotator reads. */
  readonly batch?: Batch
}

/** Bytes of the one long row. */
const longRowBytes = 256 * 1024

/** Equal values row by row; offsets may begin elsewhere. Plain comparison, as the difference of long columns takes a minute to print. */
function assertSameColumns(actual: Columns, expected: Columns, what: string): void {
  for (const [name, column] of Object.entries(expected)) {
    assert.ok(actual[name], `${what}: column '${name}' is missing`)
    const rows = Array.from({ length: rowsOf(column) }, (_, i) => i)
    const isSame = isDeepStrictEqual(takeColumn(actual[name], rows), takeColumn(column, rows))
    assert.ok(isSame, `${what}: column '${name}' has other values`)
  }
}

const takeColumns = (columns: Columns, rows: readonly number[]): Columns =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, takeColumn(column, rows)]))

/** The same strings in the middle of a longer buffer. */
function shift(column: Utf8Column): Utf8Column {
  const [before, after] = [7, 5]
  const bytes = new Uint8Array(before + column.bytes.length + after).fill(0x7a)
  bytes.set(column.bytes, before)
  return { kind: 'utf8', offsets: column.offsets.map(offset => offset + before), bytes }
}

/** The batch with a text of `longRowBytes` in its first row. */
function withLongRow(batch: Batch): Batch {
  const text = utf8(batch, 'text')
  const strings = Array.from({ length: batch.rows }, (_, row) => stringAt(text, row))
  const long = 'A long text, 12 km of it: “words” и слова 字. \n'.repeat(Math.ceil(longRowBytes / 56))
  const { columns } = documents([long, ...strings.slice(1)])
  return { rows: batch.rows, columns: { ...batch.columns, text: columns.text } }
}

/** Runs a check on a fresh annotator and fresh rows. */
const onAnnotator =
  (check: (annotator: Annotator, batch: Batch) => void | Promise<void>) =>
  async (open: Open<AnnotatorSubject>): Promise<void> => {
    const { annotator, batch = documents(oddTexts) } = await open()
    await check(annotator, batch)
  }

const isNumber = (kind: string | undefined) => kind !== undefined && !['utf8', 'list<i32>', 'fixed'].includes(kind)

/** The contract of `Annotator`. */
export const annotatorSuite: Suite<AnnotatorSubject> = suiteOf({
  'it writes what it declares, one value a row, and no more': onAnnotator(async (annotator, batch) => {
    const columns = await annotator.annotate(batch)
    checkFields({ rows: batch.rows, columns }, annotator.writes, annotator.name)
    assert.deepEqual(Object.keys(columns).sort(), annotator.writes.map(field => field.name).sort())
    for (const { name, kind, width } of annotator.writes) {
      const column = columns[name]
      if (column.kind === 'fixed') assert.deepEqual([kind, column.width], ['fixed', width], name)
    }
  }),
  'it reads no column but those that it declares': onAnnotator(async (annotator, batch) => {
    const declared = Object.fromEntries(annotator.reads.map(name => [name, batch.columns[name]]))
    const columns = await annotator.annotate({ rows: batch.rows, columns: declared })
    assertSameColumns(columns, await annotator.annotate(batch), 'with the declared columns alone')
  }),
  'the same rows give the same columns again, and from another one with the same options': async open => {
    const [one, other] = [await open(), await open()]
    const batch = one.batch ?? documents(oddTexts)
    const first = structuredClone(await one.annotator.annotate(batch))
    assertSameColumns(await one.annotator.annotate(batch), first, 'the second time')
    assertSameColumns(await other.annotator.annotate(batch), first, 'another annotator')
    const about = ({ name, version, exact, options, resources }: Annotator) => {
      return { name, version, exact, options, resources }
    }
    assert.deepEqual(about(other.annotator), about(one.annotator))
  },
  'a row is measured the same alone, in a batch and in another order': onAnnotator(async (annotator, batch) => {
    const whole = structuredClone(await annotator.annotate(batch))
    const reversed = Array.from({ length: batch.rows }, (_, i) => batch.rows - 1 - i)
    const turned = await annotator.annotate(takeRows(batch, reversed))
    assertSameColumns(takeColumns(turned, reversed), whole, 'in reverse')
    for (let row = 0; row < batch.rows; row++)
      assertSameColumns(await annotator.annotate(takeRows(batch, [row])), takeColumns(whole, [row]), `row ${row} alone`)
  }),
  'a row is measured the same wherever its bytes lie': onAnnotator(async (annotator, batch) => {
    const shifted = Object.entries(batch.columns).map(([name, column]) => [
      name,
      column.kind === 'utf8' ? shift(column) : column,
    ])
    const columns = await annotator.annotate({ rows: batch.rows, columns: Object.fromEntries(shifted) })
    assertSameColumns(columns, await annotator.annotate(batch), 'in the middle of a buffer')
  }),
  'a very long row is measured and changes nothing for the others': onAnnotator(async (annotator, batch) => {
    if (batch.columns.text?.kind !== 'utf8') return
    const others = Array.from({ length: batch.rows - 1 }, (_, i) => i + 1)
    const columns = await annotator.annotate(withLongRow(batch))
    checkFields({ rows: batch.rows, columns }, annotator.writes, annotator.name)
    const expected = takeColumns(await annotator.annotate(batch), others)
    assertSameColumns(takeColumns(columns, others), expected, 'beside a long row')
  }),
  'it leaves what it reads as it was': onAnnotator(async (annotator, batch) => {
    const before = structuredClone(batch.columns)
    await annotator.annotate(batch)
    assert.ok(isDeepStrictEqual(structuredClone(batch.columns), before), 'a column was written to')
  }),
  'what it returned stays as it was when it measures another batch': onAnnotator(async (annotator, batch) => {
    const columns = await annotator.annotate(batch)
    const before = structuredClone(columns)
    await annotator.annotate(takeRows(batch, [...Array(batch.rows).keys()].reverse()))
    assertSameColumns(columns, before, 'after another batch')
  }),
  'a batch without rows gives columns without rows': onAnnotator(async (annotator, batch) => {
    const columns = await annotator.annotate(takeRows(batch, []))
    checkFields({ rows: 0, columns }, annotator.writes, annotator.name)
  }),
  'text that it writes is well-formed UTF-8': onAnnotator(async (annotator, batch) => {
    for (const [name, column] of Object.entries(await annotator.annotate(batch)))
      if (column.kind === 'utf8')
        for (let row = 0; row < batch.rows; row++)
          assert.ok(!stringAt(column, row).includes('\ufffd'), `${name} of row ${row}`)
  }),
  'its rules are bounds on numbers or lists for strings that it writes, and have distinct reasons': onAnnotator(
    annotator => {
      const written = new Map(annotator.writes.map(({ name, kind }) => [name, kind]))
      for (const { reason, column, below, above, oneOf, noneOf } of annotator.rules) {
        assert.ok(written.has(column), `rule ${reason} reads ${column}`)
        assert.match(reason, /^[a-z0-9]+(-[a-z0-9]+)*$/)
        const [hasBound, hasList] = [below ?? above, oneOf ?? noneOf].map(part => part !== undefined)
        assert.ok(hasBound !== hasList, `rule ${reason} has ${hasBound ? 'bounds and a list' : 'no condition'}`)
        assert.equal(isNumber(written.get(column)), hasBound, `rule ${reason} does not fit the kind of ${column}`)
        for (const bound of [below, above]) assert.ok(!Number.isNaN(bound), `rule ${reason} has the bound NaN`)
      }
      const reasons = annotator.rules.map(rule => rule.reason)
      assert.deepEqual(reasons, [...new Set(reasons)])
    },
  ),
  'it says what its output depends on: a version, options as JSON, resources by SHA-256': onAnnotator(
    ({ version, options, resources }) => {
      assert.ok(Number.isSafeInteger(version) && version >= 1, `version ${version}`)
      assert.deepEqual(JSON.parse(JSON.stringify(options)), options)
      for (const { name, sha256 } of resources) assert.match(sha256, /^[0-9a-f]{64}$/, `resource ${name}`)
    },
  ),
})

/** Registers the suite: `testAnnotator('my filter', () => ({ annotator: myFilter() }))`. */
export const testAnnotator = registering(annotatorSuite)
