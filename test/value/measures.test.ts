import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logistic } from '../../src/text/linear/train.ts'
import {
  areaUnderCurve,
  averagePrecision,
  calibrationError,
  fitPlatt,
  precisionAt,
  rankCorrelation,
  ranksOf,
} from '../../src/value/measures.ts'
import { drawFrom } from '../random.ts'

const near = (a: number, b: number, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`)
const labels = (text: string) => [...text].map(sign => sign === '+')

// By hand, and by scikit-learn 1.7 (roc_auc_score, average_precision_score) where there are no ties.
const cases: [scores: number[], labels: string, area: number, precision: number][] = [
  [[4, 3, 2, 1], '++--', 1, 1],
  [[1, 2, 3, 4], '++--', 0, (1 / 3 + 2 / 4) / 2],
  [[4, 3, 2, 1], '+-+-', 0.75, (1 + 2 / 3) / 2],
  [[1, 1, 1, 1], '+-+-', 0.5, Number.NaN],
  [[2, Number.NaN, 1, Number.NaN], '+-+-', 1, 1],
]
for (const [scores, signs, area, precision] of cases)
  test(`${scores} of ${signs}`, () => {
    near(areaUnderCurve(scores, labels(signs)), area)
    if (!Number.isNaN(precision)) near(averagePrecision(scores, labels(signs)), precision)
  })

test('ranks of equal scores are their mean, and correlate as Spearman says', () => {
  assert.deepEqual([...ranksOf([5, 1, 5, 3])], [2.5, 0, 2.5, 1])
  near(rankCorrelation([1, 2, 3, 4], [10, 100, 1000, 10_000]), 1)
  near(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1]), -1)
  near(rankCorrelation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]), 0.8)
  assert.ok(Number.isNaN(rankCorrelation([1, 1, 1], [1, 2, 3])))
  assert.equal(precisionAt(2, [1, 2, 3], labels('+-+')), 0.5)
})

test('scores that are twice too sure, and off by 1, are calibrated', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = drawFrom(seed)
  const logits = Array.from({ length: 20_000 }, () => random(8000) / 1000 - 4)
  const isPositive = logits.map(logit => random(1_000_000) / 1_000_000 < logistic(logit))
  const sure = logits.map(logit => 2 * logit + 1)
  const { scale, shift } = fitPlatt(sure, isPositive)
  assert.ok(Math.abs(scale - 0.5) < 0.03 && Math.abs(shift + 0.5) < 0.08, `seed ${seed}: ${scale} ${shift}`)
  const after = calibrationError(
    sure.map(score => score * scale + shift),
    isPositive,
  )
  const before = calibrationError(sure, isPositive)
  assert.ok(after < 0.02 && before > 0.05, `seed ${seed}: ${before} ${after}`)
})

test('sides that a score parts give finite odds', () => {
  const { scale, shift } = fitPlatt([-3, -2, -1, 1, 2, 3], labels('---+++'))
  assert.ok(scale > 0.2 && Number.isFinite(scale) && Math.abs(shift) < 0.1, `${scale} ${shift}`)
})
