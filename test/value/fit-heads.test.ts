import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinearScorer } from '../../src/text/linear/model.ts'
import { decodeModel, encodeModel } from '../../src/text/linear/model-file.ts'
import { combineHeads } from '../../src/value/combine-heads.ts'
import { Examples, type HeadTarget } from '../../src/value/examples.ts'
import { fitHead } from '../../src/value/fit.ts'
import { fitHeads, type HeadOutcome } from '../../src/value/fit-heads.ts'
import type { HeadOrder } from '../../src/value/head-order.ts'
import { drawFrom } from '../random.ts'

const words = [
  ['sofa', 'price', 'order', 'shipping', 'cart', 'discount'],
  ['theorem', 'proof', 'lemma', 'prime', 'integer', 'modulus'],
  ['verse', 'moon', 'river', 'song', 'grief', 'spring'],
]
const random = drawFrom(21)
const texts = Array.from({ length: 360 }, (_, i) => {
  const own = words[i % 3]
  const text = Array.from({ length: 30 }, () => (random(9) === 0 ? words[random(3)] : own)[random(6)]).join(' ')
  return { bytes: new TextEncoder().encode(text), group: `g${random(12)}`, source: 's', kind: i % 3 }
})

const order = (name: string, kind: HeadOrder['kind'] = 'score', classes: readonly string[] = []): HeadOrder => {
  return { name, kind, classes, epochs: 3 }
}
const orders = [
  order('maths'),
  order('few'),
  order('worth', 'value'),
  order('kind', 'class', ['shop', 'maths', 'poem']),
]
/** What each head knows a text by; `few` has two positives. */
const targetsOf = (kind: number, i: number): HeadTarget[] => [
  ...(kind < 2 ? [{ head: 0, target: kind }] : []),
  { head: 1, target: i < 2 ? 1 : 0 },
  { head: 2, target: 5 * kind },
  { head: 3, target: kind },
]

async function fitAll(): Promise<HeadOutcome[]> {
  await using examples = await Examples.open()
  for (const [i, { kind, ...text }] of texts.entries()) await examples.addFor(text, targetsOf(kind, i))
  return await fitHeads(examples, orders)
}

test('heads of one pass are those that each would be alone, to the bit; one that can not be fitted spoils none', async () => {
  const outcomes = await fitAll()
  assert.match(outcomes[1].fault ?? '', /there are 2 positives with words/)
  assert.equal(outcomes[1].fitted, null)
  for (const head of [0, 2, 3]) {
    await using examples = await Examples.open()
    for (const [i, { kind, ...text }] of texts.entries()) {
      const own = targetsOf(kind, i).find(target => target.head === head)
      if (own) await examples.add({ ...text, target: own.target })
    }
    const alone = await fitHead(examples, orders[head])
    const { fitted, fault } = outcomes[head]
    assert.equal(fault, null)
    assert.deepEqual(fitted?.report, alone.report)
    assert.deepEqual(fitted?.head, alone.head)
    assert.ok(Buffer.from(alone.weights.buffer).equals(Buffer.from(fitted!.weights.buffer)), orders[head].name)
  }
})

test('one file of several heads scores as each does alone', async () => {
  const fitted = (await fitAll()).flatMap(outcome => (outcome.fitted ? [outcome.fitted] : []))
  const file = Buffer.concat([...encodeModel({ model: combineHeads(fitted), report: {} })])
  const together = new LinearScorer(decodeModel(file, 'file').model)
  const apart = fitted.map(({ head, weights }) => new LinearScorer({ heads: [head], weights }))
  assert.equal(together.outputs.length, 5)
  for (const { bytes } of texts.slice(0, 20)) {
    together.score(bytes, 0, bytes.length)
    const alone = apart.flatMap(scorer => {
      scorer.score(bytes, 0, bytes.length)
      return [...scorer.outputs]
    })
    assert.deepEqual([...together.outputs], alone)
  }
})

test('of each head what is repeated or contradicting is its own', async () => {
  await using examples = await Examples.open()
  const [{ kind, ...text }, other] = texts
  await examples.addFor(text, [{ head: 0, target: 1 }])
  await examples.addFor(text, [
    { head: 0, target: 0 },
    { head: 1, target: 0 },
  ])
  await examples.addFor(text, [{ head: 1, target: 0 }])
  await examples.addFor({ ...text, bytes: new Uint8Array() }, [{ head: 1, target: kind }])
  await examples.addFor({ bytes: other.bytes, group: 'g', source: 's' }, [{ head: 1, target: 1 }])
  assert.deepEqual(examples.of(0).leftOut, { empty: 0, repeated: 0, contradicting: 1 })
  assert.deepEqual(examples.of(1).leftOut, { empty: 1, repeated: 1, contradicting: 0 })
  assert.deepEqual(
    [0, 1].map(head => examples.of(head).facts.map(({ target }) => target)),
    [[1], [0, 1]],
  )
})
