import assert from 'node:assert/strict'
import { test } from 'node:test'
import { density } from '../../../src/annotate/quality/density.ts'
import { numbers, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { mix32 } from '../../../src/text/hash.ts'

const prose =
  'It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife. ' +
  'However little known the feelings or views of such a man may be on his first entering a neighbourhood, this truth is so ' +
  'well fixed in the minds of the surrounding families, that he is considered as the rightful property of some one or other ' +
  'of their daughters. "My dear Mr. Bennet," said his lady to him one day, "have you heard that Netherfield Park is let at ' +
  'last?" Mr. Bennet replied that he had not. "But it is," returned she; "for Mrs. Long has just been here, and she told me ' +
  'all about it." Mr. Bennet made no answer. "Do not you want to know who has taken it?" cried his wife impatiently. "You ' +
  'want to tell me, and I have no objection to hearing it." This was invitation enough. "Why, my dear, you must know, Mrs. ' +
  'Long says that Netherfield is taken by a young man of large fortune from the north of England; that he came down on ' +
  'Monday in a chaise and four to see the place, and was so much delighted with it that he agreed with Mr. Morris ' +
  'immediately; that he is to take possession before Michaelmas, and some of his servants are to be in the house by the end ' +
  'of next week."'

/** A text, and the reasons for which the default rules would drop it. */
const cases: [string, string[]][] = [
  [prose, []],
  ['', []],
  ['Too short to say.', []],
  ['Buy now! '.repeat(300), ['too-repetitive', 'too-few-different-words']],
  [Array.from({ length: 400 }, (_, i) => `term${Math.imul(i, 7919)}`).join('\n'), ['too-few-repeated-words']],
  [Array.from({ length: 4000 }, (_, i) => String.fromCharCode(33 + (mix32(i) % 90))).join(''), ['too-random']],
]

test('what the default rules would drop', async () => {
  const annotator = density()
  const texts = utf8From(cases.map(([text]) => text))
  const columns = await annotator.annotate({ rows: cases.length, columns: { text: texts } })
  const batch = { rows: cases.length, columns }
  checkFields(batch, annotator.writes, annotator.name)
  const reasons = cases.map((_, row) =>
    annotator.rules
      .filter(({ column, below, above }) => {
        const value = numbers(batch, column)[row]
        return value < (below ?? Number.NaN) || value > (above ?? Number.NaN)
      })
      .map(({ reason }) => reason),
  )
  assert.deepEqual(
    reasons,
    cases.map(([, expected]) => expected),
  )
})
