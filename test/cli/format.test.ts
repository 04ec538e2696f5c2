import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeProgress, fitParts } from '../../src/cli/show-progress.ts'
import {
  formatBytes,
  formatMeasured,
  formatPlural,
  formatSeconds,
  formatShort,
  formatTable,
} from '../../src/cli/table.ts'
import { clipText, displayWidth, formatPairs, printable, wrapText } from '../../src/cli/wrap.ts'
import { emptyFigures } from '../../src/record/figures.ts'
import { compareLines, differenceStart } from '../../src/text/compare-lines.ts'

test('figures', () => {
  const cases: [string, string][] = [
    [formatShort(9999), '9,999'],
    [formatShort(12_345), '12.3k'],
    [formatShort(1_234_567), '1.2M'],
    [formatShort(123_456_789), '123M'],
    [formatBytes(0), '0 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(12_345_678), '12.3 MB'],
    [formatSeconds(4.52), '4.5 s'],
    [formatSeconds(123), '2:03'],
    [formatSeconds(3723), '1:02:03'],
    [formatMeasured(0.7885416), '0.7885'],
    [formatMeasured(123_456), '123456'],
    [formatMeasured('fr'), 'fr'],
    [formatMeasured(null), ''],
    [formatPlural(1, 'record'), '1 record'],
    [formatPlural(1200, 'record'), '1,200 records'],
  ]
  for (const [found, wanted] of cases) assert.equal(found, wanted)
})

test('tables align their columns, wide characters too, and may be empty', () => {
  assert.equal(formatTable([]), '')
  assert.equal(
    formatTable([
      ['a', '1'],
      ['中文', '23'],
    ]),
    'a      1\n中文  23\n',
  )
})

test('text is wrapped at spaces, or anywhere where there are none, and by columns', () => {
  const cases: [string, number, string[]][] = [
    ['', 10, ['']],
    ['one two three', 8, ['one two', 'three']],
    ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
    ['a\n\nb', 4, ['a', '', 'b']],
    ['中文字符', 4, ['中文', '字符']],
    ['exactly8 x', 8, ['exactly8', 'x']],
    ['中', 1, ['中']],
  ]
  for (const [text, width, lines] of cases) assert.deepEqual(wrapText(text, width), lines)
  assert.deepEqual(wrapText('one two three four', 5, 2), ['one', 'two…'])
  for (const line of wrapText('word '.repeat(500) + 'x'.repeat(500), 37)) assert.ok(displayWidth(line) <= 37)
})

test('text is clipped to the columns', () => {
  assert.equal(clipText('short', 5), 'short')
  assert.equal(clipText('longer', 5), 'long…')
  assert.equal(clipText('中文字', 5), '中文…')
})

test('pairs wrap under themselves', () => {
  assert.equal(
    formatPairs(
      [
        ['a', 'one two three four five'],
        ['bcd', 'x'],
      ],
      27,
    ),
    '  a    one two three four\n       five\n  bcd  x\n',
  )
  assert.equal(formatPairs([], 80), '')
})

test('nothing that is printed moves the cursor', () => {
  assert.equal(printable('a\x1b[2Jb\rc\td\u202ee\u0007\nf\ud800'), 'a\ufffd[2Jb c d\ufffde\ufffd\nf\ufffd')
})

test('two texts differ by lines, whatever their order and white space', () => {
  assert.deepEqual(compareLines('a\nb  c\n\nd', 'd\nb c\ne'), { ours: ['a'], theirs: ['e'] })
  assert.deepEqual(compareLines('a\nb', 'b\na'), { ours: [], theirs: [] })
  assert.equal(differenceStart('the quick brown fox', 'the quick brown dog', 6), 10)
  assert.equal(differenceStart('abc', 'abd', 6), 0)
})

test('progress says how much is left when the input is known, and fits the terminal', () => {
  const progress = {
    ...emptyFigures(),
    ...{ inputBytes: 100e6, readBytes: 40e6, readBytesBefore: 10e6, steps: 3 },
  }
  Object.assign(progress.decide, { documents: 1234, kept: 1000, dead: 2, dropped: { a: 200, b: 32 } })
  progress.shard.tokens = 7_654_321
  const whole = fitParts(describeProgress(progress, 10), 200)
  assert.equal(
    whole,
    '█████·······  40%  40.0 MB  3.0 MB/s  20.0 s left  1,234 documents  1,000 kept  232 dropped  2 dead  7.7M tokens  3 steps',
  )
  for (let width = 10; width < 200; width++)
    assert.ok(displayWidth(fitParts(describeProgress(progress, 10), width)) <= width)
  assert.match(fitParts(describeProgress(progress, 10), 60), /40%.*3\.0 MB\/s.*20\.0 s left.*1,234 documents/)
  const unknown = fitParts(describeProgress({ ...progress, inputBytes: 0 }, 10), 200)
  assert.match(unknown, /^40\.0 MB {2}3\.0 MB\/s {2}1,234 documents/)
  assert.doesNotMatch(unknown, /left|%/)
})
