import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scoreWords, weighBuckets } from '../../src/text/likeness/seed.ts'
import { ShingleBuffer } from '../../src/text/likeness/shingles.ts'
import { cutWords } from '../../src/text/likeness/word-grams.ts'
import { LinearScorer } from '../../src/text/linear/model.ts'
import { findBestBackground, fitRound, nameText, RoundScorer, type RoundText } from '../../src/value/fit-round.ts'
import { drawFrom } from '../random.ts'

const random = drawFrom(41)
const words = [
  'sofa price order shipping cart discount'.split(' '),
  'theorem proof lemma prime integer modulus'.split(' '),
]
const makeTexts = (kind: number, count: number): RoundText[] =>
  Array.from({ length: count }, () => {
    const text = Array.from({ length: 20 }, () => words[random(6) === 0 ? 1 - kind : kind][random(6)]).join(' ')
    return { bytes: new TextEncoder().encode(text), group: 'g', source: 's' }
  })
const [math, more, shop, hidden] = [makeTexts(1, 30), makeTexts(1, 20), makeTexts(0, 200), makeTexts(1, 10)]

async function* read(texts: readonly RoundText[]) {
  yield* texts
}

const fit = (added: readonly RoundText[], background: readonly RoundText[], left: Iterable<number> = []) =>
  fitRound(
    'm',
    3,
    { given: () => read(math), added: () => read(added), background: () => read(background) },
    new Set(left),
  )
const nameAll = (texts: readonly RoundText[]) => texts.map(({ bytes }) => nameText(bytes))

test('each text counts once: of both sides it is a positive, and what is left is no negative', async () => {
  const first = await fit([], [...shop, ...shop.slice(0, 5), ...math.slice(0, 4), ...hidden])
  assert.deepEqual([first.texts.size, first.background, first.passedOver], [30, 210, 9])
  assert.deepEqual([first.seed.seed.documents, first.seed.background.documents], [30, 210])
  assert.deepEqual(first.learned.learned, { positives: 30, negatives: 210 })
  const second = await fit(
    [...more, hidden[0], math[3]],
    [...shop, ...hidden],
    [...nameAll(hidden), ...nameAll(shop.slice(0, 7))],
  )
  // What is added is positive, though it was left out of the background.
  assert.deepEqual([second.texts.size, second.background, second.passedOver], [51, 193, 17])
  assert.equal(second.seed.background.documents, 193)
})

test('inputs are named by what is given, not by what is added or left', async () => {
  const { inputs } = await fit([], shop)
  assert.equal((await fit(more, shop, nameAll(shop.slice(0, 5)))).inputs, inputs)
  assert.notEqual((await fit([], shop.slice(1))).inputs, inputs)
  assert.notEqual((await fit([], [...shop.slice(1), shop[0]])).inputs, inputs)
})

test('both scores are those of the models alone', async () => {
  const fitted = await fit(more, shop)
  const scorer = new RoundScorer(fitted)
  const [linear, buffer, weights] = [
    new LinearScorer({ heads: [fitted.learned.head], weights: fitted.learned.weights }),
    new ShingleBuffer(),
    weighBuckets(fitted.seed),
  ]
  for (const { bytes } of [...hidden, ...shop.slice(0, 10)]) {
    assert.ok(scorer.read(bytes))
    linear.score(bytes, 0, bytes.length)
    const count = cutWords(bytes, 0, bytes.length, buffer)
    assert.deepEqual([scorer.score, scorer.seed], [linear.outputs[0], scoreWords(weights, buffer.low, count)])
  }
  assert.equal(scorer.read(new TextEncoder().encode(' ... ')), false)
})

test('the best of the background are what is hidden in it', async () => {
  const fitted = await fit([], [...shop, ...hidden])
  const best = await findBestBackground(
    read([...shop, ...hidden, ...math]),
    new RoundScorer(fitted),
    fitted.texts,
    0.05,
  )
  assert.equal(best.length, 10)
  assert.deepEqual(new Set(best), new Set(nameAll(hidden)))
  assert.deepEqual(await findBestBackground(read(shop), new RoundScorer(fitted), fitted.texts, 0), [])
})
