import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { FeatureReader, featureBuckets } from '../../../src/text/linear/features.ts'
import { LinearScorer } from '../../../src/text/linear/model.ts'
import { type Example, type Loss, logistic, trainHead } from '../../../src/text/linear/train.ts'
import { drawFrom } from '../../random.ts'

const encode = (text: string) => new TextEncoder().encode(text)

/** Texts of words that are drawn around the target. */
function makeExamples(targets: readonly number[], seed: number): Example[] {
  const random = drawFrom(seed)
  const reader = new FeatureReader()
  return targets.map(target => {
    const bytes = encode(Array.from({ length: 30 }, () => `w${random(6) + 3 * target}`).join(' '))
    const length = reader.read(bytes, 0, bytes.length)
    return { buckets: reader.buckets.slice(0, length), values: reader.values.slice(0, length), target, weight: 1 }
  })
}

const score = (weights: Float32Array, outputs: number, text: string) => {
  const heads = Array.from({ length: outputs }, (_, i) => ({
    name: `h${i}`,
    kind: 'score' as const,
    classes: [],
    scale: 1,
    shift: 0,
  }))
  const scorer = new LinearScorer({ heads, weights })
  const bytes = encode(text)
  scorer.score(bytes, 0, bytes.length)
  return [...scorer.outputs]
}

const cases: [loss: Loss, outputs: number, targets: number[]][] = [
  ['logistic', 1, [0, 1, 0, 1]],
  ['squared', 1, [-1, 0, 1, 0]],
  ['softmax', 3, [0, 1, 2, 1]],
]
for (const [loss, outputs, targets] of cases)
  test(`${loss} learns what texts are`, async () => {
    const many = Array.from({ length: 50 }, () => targets).flat()
    const examples = makeExamples(many, 3)
    const weights = await trainHead(1, () => examples, { loss, outputs, epochs: 5 })
    const words = (target: number) => Array.from({ length: 12 }, (_, i) => `w${(i % 6) + 3 * target}`).join(' ')
    for (const target of new Set(targets)) {
      const sums = score(weights, outputs, words(target))
      if (loss === 'softmax') assert.equal(sums.indexOf(Math.max(...sums)), target, String(sums))
      else if (loss === 'logistic') assert.equal(sums[0] > 0, target === 1, String(sums))
      else assert.ok(Math.abs(sums[0] - target) < 0.5, `${target}: ${sums}`)
    }
  })

test('the same texts give the same bits, and how often they were learned from matters', async () => {
  const examples = makeExamples([0, 1, 1, 0, 1, 0], 5)
  const hash = async (epochs: number) =>
    createHash('sha256')
      .update(await trainHead(1, () => examples, { loss: 'logistic', outputs: 1, epochs }))
      .digest('hex')
      .slice(0, 16)
  // Of no machine's own exp, log or order: pinned.
  assert.equal(await hash(2), '1942b4a3b40c3220')
  assert.notEqual(await hash(3), await hash(2))
})

test('parts are learned from as one, whichever way they are cut', async () => {
  const examples = makeExamples(
    Array.from({ length: 60 }, (_, i) => i % 2),
    7,
  )
  const weights = await trainHead(4, part => examples.slice(15 * part, 15 * part + 15), {
    loss: 'logistic',
    outputs: 1,
    epochs: 3,
  })
  assert.ok(score(weights, 1, 'w8 w7 w6 w8 w7')[0] > 0 && score(weights, 1, 'w0 w1 w2 w0')[0] < 0)
})

for (const outputs of [2, 3, 4, 7, 8, 16, 17])
  test(`${outputs} outputs give what each gives alone, to the bit`, () => {
    const random = drawFrom(9)
    const all = Float32Array.from({ length: outputs * (featureBuckets + 1) }, () => random(1000) / 1000 - 0.5)
    const one = (o: number) => Float32Array.from({ length: featureBuckets + 1 }, (_, i) => all[outputs * i + o])
    const text = 'some words, and some words more'
    assert.deepEqual(
      score(all, outputs, text),
      Array.from({ length: outputs }, (_, o) => score(one(o), 1, text)[0]),
    )
    assert.ok(score(all, outputs, '').every(Number.isNaN))
  })

test('the logistic is right at both ends', () => {
  for (const x of [-200, -30, -1, 0, 1, 30, 200]) {
    const right = 1 / (1 + Math.exp(-x))
    assert.ok(Math.abs(logistic(x) - right) < 1e-15, `${x}: ${logistic(x)}`)
  }
})
