import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deadWithin, hasLine, joinRanges, type LineRanges, rangesWithin } from '../../src/sources/line-ranges.ts'
import { type DeadRecord, lineAtEnd } from '../../src/sources/source.ts'
import { randomFrom } from '../random.ts'

test('ranges hold the lines that were put in, however they overlap', () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = randomFrom(seed)
    const pick = () => Math.floor(random() * 60)
    const ranges = Array.from({ length: pick() / 4 }, () => pick()).map(first => [first, first + pick() / 8] as const)
    const whole = ranges.map(([first, last]) => [first, Math.floor(last)] as const)
    const joined = joinRanges(whole)
    for (let line = 0; line < 80; line++)
      assert.equal(
        hasLine(joined, line),
        whole.some(([first, last]) => first <= line && line <= last),
        `seed ${seed}, line ${line}`,
      )
    for (let i = 1; i < joined.length; i++) assert.ok(joined[i][0] > joined[i - 1][1] + 1, `seed ${seed}`)
    const [first, end] = [pick(), pick()]
    assert.deepEqual(
      rangesWithin(joined, first, end),
      joined.filter(range => range[0] < end && range[1] >= first),
      `seed ${seed}`,
    )
  }
})

const rest = (line: number): DeadRecord => ({ line, reason: 'truncated-file', detail: 'cut' })
const cases: [what: string, ranges: LineRanges, dead: DeadRecord[], expected: string[]][] = [
  ['a record that is meant', [[3, 4]], [{ line: 4, reason: 'too-long', detail: '' }], ['4 too-long']],
  ['one that is not', [[3, 3]], [{ line: 4, reason: 'too-long', detail: '' }], []],
  [
    'a file that is cut before what is meant',
    [
      [3, 4],
      [9, 9],
    ],
    [rest(4)],
    ['4 not-read-again', '9 not-read-again'],
  ],
  ['and after it', [[3, 4]], [rest(5)], []],
  [
    'a file that is gone',
    [
      [3, 3],
      [7, lineAtEnd],
    ],
    [rest(0)],
    ['3 not-read-again', '7 truncated-file'],
  ],
  ['one that was gone and is', [[0, lineAtEnd]], [rest(0)], ['0 truncated-file']],
  ['one that was gone and is cut', [[0, lineAtEnd]], [rest(5)], ['5 truncated-file']],
]
for (const [what, ranges, dead, expected] of cases)
  test(`dead when read again: ${what}`, () => {
    const chunk = { split: 'a', line: 1, bytes: new Uint8Array(0), dead, next: { offset: 0, line: 1 } }
    assert.deepEqual(
      deadWithin(ranges, chunk).map(({ line, reason }) => `${line} ${reason}`),
      expected,
    )
  })
