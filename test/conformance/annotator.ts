import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Annotator } from '../../src/annotate/annotator.ts'
import { type Batch, type Column, type Columns, stringAt, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { takeColumn, takeRows } from '../../src/batch/rows.ts'

/** Texts that have broken filters: empty, blank, one character, no spaces, no letters, mixed scripts, long words, odd line ends. */
export const oddTexts: readonly string[] = [
  '',
  ' \t \n \n',
  'a',
  '.',
  '…',
  '# # # ... ...',
  '- one\n- two\n• three\n* four',
  'The quick brown fox jumps over the lazy dog, and that is to be the end of it with all that we have.',
  'same line\nsame line\nsame line\n\nsame paragraph\n\nsame paragraph',
  '春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。',
  'Ελληνικά и русский и 日本語 mixed with English in one line',
  'mail me at jane.doe@mail.com or call +1 212 555 0199, from 8.8.8.8',
  'x'.repeat(5000),
  'word '.repeat(2000),
  'l1\r\nl2\rl3\u2028l4\u0085l5\x0bl6',
  '👩‍👩‍👧‍👦 🏳️‍🌈 \u0301\u0301e\u0301 \ufeff\u200b zero width',
  'lorem ipsum dolor { sit } javascript terms of use privacy policy',
  '\ud7ff\ue000\uffff\u{10ffff}',
  `${'A proper sentence stands here, with words of some length in it. '.repeat(8)}\n`.repeat(6),
]

/** A batch of these texts with the columns of a document. */
export function documents(texts: readonly string[], extra: Columns = {}): Batch {
  const each = (make: (row: number) => string) => utf8From(texts.map((_, row) => make(row)))
  return {
    rows: texts.length,
    columns: {
      ...{ text: utf8From(texts), id: each(row => `id-${row}`), domain: each(() => 'web'), url: each(() => '') },
      ...{
        added: each(() => ''),
        meta: each(() => ''),
        file: each(() => 'f'),
        line: { kind: 'u32', values: Uint32Array.from(texts.keys()) },
      },
      ...extra,
    },
  }
}

const snapshot = (columns: Columns) => structuredClone(columns)

/** Equal values row by row; offsets may begin elsewhere. */
function assertSameColumn(actual: Column, expected: Column, message: string): void {
  const rows = Array.from(
    {
      length:
        'offsets' in expected
          ? expected.offsets.length - 1
          : 'width' in expected
            ? expected.bytes.length / expected.width
            : expected.values.length,
    },
    (_, i) => i,
  )
  assert.deepEqual(takeColumn(actual, rows), takeColumn(expected, rows), message)
}

/** The rules of an annotator, each in one line, as checks that throw. `batch` has all that it reads. */
export const annotatorRules: Record<string, (annotator: Annotator, batch: Batch) => Promise<void>> = {
  'it writes what it declares, one value a row, and no more': async (annotator, batch) => {
    const columns = await annotator.annotate(batch)
    checkFields({ rows: batch.rows, columns }, annotator.writes, annotator.name)
    assert.deepEqual(Object.keys(columns).sort(), annotator.writes.map(field => field.name).sort())
  },
  'the same rows give the same columns again': async (annotator, batch) => {
    const first = snapshot(await annotator.annotate(batch))
    assert.ok(isDeepStrictEqual(snapshot(await annotator.annotate(batch)), first), 'the second time differs')
  },
  'a row is measured the same alone, in a batch and in another order': async (annotator, batch) => {
    const whole = await annotator.annotate(batch)
    const reversed = Array.from({ length: batch.rows }, (_, i) => batch.rows - 1 - i)
    const turned = await annotator.annotate(takeRows(batch, reversed))
    for (const name of Object.keys(whole)) assertSameColumn(takeColumn(turned[name], reversed), whole[name], name)
    for (let row = 0; row < batch.rows; row++) {
      const alone = await annotator.annotate(takeRows(batch, [row]))
      for (const name of Object.keys(whole))
        assertSameColumn(alone[name], takeColumn(whole[name], [row]), `${name} of row ${row}`)
    }
  },
  'it leaves what it reads as it was': async (annotator, batch) => {
    const before = snapshot(batch.columns)
    await annotator.annotate(batch)
    // A plain comparison: the difference of whole columns would take a minute to print.
    assert.ok(isDeepStrictEqual(snapshot(batch.columns), before), 'a column was written to')
  },
  'a batch without rows gives columns without rows': async (annotator, batch) => {
    const columns = await annotator.annotate(takeRows(batch, []))
    checkFields({ rows: 0, columns }, annotator.writes, annotator.name)
  },
  'edited text is well-formed UTF-8': async (annotator, batch) => {
    const { text } = await annotator.annotate(batch)
    if (text?.kind === 'utf8')
      for (let row = 0; row < batch.rows; row++) assert.ok(!stringAt(text, row).includes('\ufffd'), `row ${row}`)
  },
  'its rules read what it writes, and have distinct reasons': async annotator => {
    const written = new Set(annotator.writes.map(field => field.name))
    for (const rule of annotator.rules) assert.ok(written.has(rule.column), `rule ${rule.reason} reads ${rule.column}`)
    const reasons = annotator.rules.map(rule => rule.reason)
    assert.deepEqual(reasons, [...new Set(reasons)])
    for (const reason of reasons) assert.match(reason, /^[a-z0-9]+(-[a-z0-9]+)*$/)
  },
  'its options are JSON': async annotator => {
    assert.deepEqual(JSON.parse(JSON.stringify(annotator.options)), annotator.options)
  },
}

/** Runs every rule on an annotator over odd texts. */
export function testAnnotator(annotator: Annotator, extra: Columns = {}): void {
  for (const [rule, check] of Object.entries(annotatorRules))
    test(`${annotator.name}: ${rule}`, () => check(annotator, documents(oddTexts, extra)))
}
