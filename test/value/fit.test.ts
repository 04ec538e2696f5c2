import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HeadraceError } from '../../src/errors.ts'
import { Examples, type LabelledText } from '../../src/value/examples.ts'
import { fitHead } from '../../src/value/fit.ts'
import { findHeavyBuckets, GramNames } from '../../src/value/heavy-grams.ts'
import { findFault } from '../../src/value/report-head.ts'
import { drawFrom } from '../random.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const common = ['the', 'of', 'and', 'to', 'in', 'is', 'that', 'for', 'it', 'as']
const words = [
  ['sofa', 'price', 'order', 'shipping', 'cart', 'discount'],
  ['theorem', 'proof', 'lemma', 'prime', 'integer', 'modulus'],
]

interface Making {
  readonly texts?: number
  readonly groups?: number
  readonly noise?: number
  readonly sourceOf?: (target: number, i: number) => string
  readonly lengthOf?: (target: number) => number
}

/** Texts about two things, each word of the other's with the odds `noise` in 10. */
function makeTexts(seed: number, { texts = 300, groups = 12, noise = 1, ...more }: Making = {}): LabelledText[] {
  const random = drawFrom(seed)
  const { sourceOf = () => 's', lengthOf = () => 40 } = more
  return Array.from({ length: texts }, (_, i) => {
    const target = i % 2
    const word = () => {
      if (random(2) === 0) return common[random(common.length)]
      return words[random(10) < noise ? 1 - target : target][random(6)]
    }
    const text = Array.from({ length: lengthOf(target) + random(10) }, word).join(' ')
    return { bytes: encode(text), target, group: `g${random(groups)}`, source: sourceOf(target, i) }
  })
}

async function fit(texts: readonly LabelledText[], order: Partial<Parameters<typeof fitHead>[1]> = {}) {
  await using examples = await Examples.open()
  for (const text of texts) await examples.add(text)
  return await fitHead(examples, { name: 'math', kind: 'score', classes: [], epochs: 5, ...order })
}

test('what two kinds of texts differ in is learned, measured on groups that were held out, and named', async () => {
  const texts = makeTexts(1)
  const fitted = await fit(texts)
  const { report, head } = fitted
  assert.ok(report.quality > 0.98 && report.averagePrecision! > 0.98, JSON.stringify(report))
  assert.ok(report.calibrationError![1] < 0.1, JSON.stringify(report))
  assert.ok(head.scale > 0)
  assert.equal(findFault(report), null)
  const { up, down } = findHeavyBuckets(fitted)
  const names = new GramNames([...up, ...down])
  for (const { bytes } of texts) names.read(bytes)
  const [first, last] = [up, down].map(list => list.slice(0, 4).map(bucket => names.nameOf(bucket)!))
  for (const [list, own] of [
    [first, words[1]],
    [last, words[0]],
  ] as const)
    assert.ok(
      list.every(name => name.split(' ').some(word => own.includes(word))),
      `${first} | ${last}`,
    )
})

test('the same texts give the same bits; another order of learning does not change what is held out', async () => {
  const hash = async (epochs: number) =>
    createHash('sha256')
      .update((await fit(makeTexts(2), { epochs })).weights)
      .digest('hex')
  assert.equal(await hash(2), await hash(2))
  assert.notEqual(await hash(2), await hash(3))
})

test('texts that say nothing, the same twice and with two labels are left out, and counted', async () => {
  const texts = makeTexts(3)
  const [one, two] = [texts[0], texts[1]]
  const { report } = await fit([...texts, { ...one, bytes: encode('... !') }, one, { ...two, target: 1 - two.target }])
  assert.deepEqual(report.leftOut, { empty: 1, repeated: 1, contradicting: 1 })
})

test('of many negatives forty a positive are learned from, drawn by their content', async () => {
  const texts = makeTexts(4, { texts: 2400, groups: 30 }).filter(({ target }, i) => target === 0 || i % 80 === 1)
  const { report } = await fit(texts)
  assert.equal(report.learned.negatives, 40 * report.learned.positives)
  assert.equal(
    report.notDrawn,
    texts.filter(({ target }) => target === 0).length - report.learned.negatives - report.held.negatives,
  )
  assert.ok(report.notDrawn > 0)
})

const faults: [what: string, making: Making, message: RegExp][] = [
  ['labels that are drawn', { noise: 5 }, /below 0\.6|alone is/],
  [
    'kinds that differ in length alone',
    { noise: 5, lengthOf: target => 30 + 60 * target },
    /the length of a text alone is 1\.000/,
  ],
  [
    'labels that go with the source, which has a few of the other',
    { noise: 4, sourceOf: (target, i) => (i % 40 < 2 ? 'a' : target === 1 ? 'a' : 'b') },
    /the source of a text alone is 0\.9/,
  ],
]
for (const [what, making, message] of faults)
  test(`a head is of no use: ${what}`, async () => {
    const fault = findFault((await fit(makeTexts(5, making))).report)
    assert.match(fault ?? 'none', message)
  })

test('where each source has one label, nobody tells source from content', async () => {
  const { report } = await fit(makeTexts(6, { sourceOf: target => `s${target}` }))
  assert.equal(report.sourceAlone, null)
})

test('numbers are learned on their own scale, and classes by their names', async () => {
  const texts = makeTexts(7)
  const value = await fit(
    texts.map(text => ({ ...text, target: 10 + 4 * text.target })),
    { kind: 'value' },
  )
  assert.ok(value.report.quality > 0.8 && Math.abs(value.head.shift - 12) < 0.5 && Math.abs(value.head.scale - 2) < 0.1)
  const classes = await fit(texts, { kind: 'class', classes: ['shop', 'maths'] })
  assert.ok(classes.report.quality > 0.95, JSON.stringify(classes.report))
  assert.deepEqual(classes.head.classes, ['shop', 'maths'])
})

test('too few texts, and labels that are all the same, are refused', async () => {
  const refused = (work: Promise<unknown>, message: RegExp) =>
    assert.rejects(
      work,
      error => error instanceof HeadraceError && error.code === 'bad-option' && message.test(error.message),
    )
  const texts = makeTexts(8)
  await refused(fit(texts.filter(({ target }) => target === 0)), /there are 0 positives with words/)
  await refused(fit(texts.slice(0, 15)), /there are 8 negatives with words in them, and 10 are the least/)
  await refused(
    fit(
      texts.map(text => ({ ...text, target: 3 })),
      { kind: 'value' },
    ),
    /all labels are 3/,
  )
})
