import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { holdoutDomain } from '../../src/decide/holdout.ts'
import * as h from '../../src/index.ts'
import { limits } from '../../src/limits.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { findDeficits } from '../../src/value/deficits.ts'
import { parseTargets } from '../../src/value/targets.ts'
import { drawFrom } from '../random.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { storeRun } from '../what-if/stored-run.ts'

const dir = makeFolder('deficits')
const draw = drawFrom(Math.floor(Math.random() * 2 ** 31))

const topics = ['mathematics', 'code', 'knowledge']
const documents = Array.from({ length: 500 }, (_, i) => {
  const domain = ['web', 'books', '__proto__'][draw(3)]
  // One has the length that a condition ends before.
  const text = i === 0 ? 'mathematics '.padEnd(140, 'x') : `${topics[draw(3)]} ${'x'.repeat(draw(200))}`
  return { id: `d${i}`, domain, text }
})
type Document = (typeof documents)[number]
const topicOf = ({ text }: Document) => text.slice(0, text.indexOf(' '))
const tokensOf = (of: readonly Document[]) => of.reduce((sum, { text }) => sum + text.length / 4, 0)

const size = h.simpleFilter('size', { size: h.count('letters') }, text => ({ size: text.length }))
/** Says a document's topic, as a classifier of names does. */
const topic: h.Annotator = {
  name: 'topic',
  version: 1,
  exact: true,
  options: {},
  reads: ['text'],
  writes: [{ name: 'class:topic', kind: 'utf8' }],
  resources: [],
  rules: [],
  annotate: batch => {
    const texts = h.utf8(batch, 'text')
    const words = Array.from({ length: batch.rows }, (_, row) => h.stringAt(texts, row).split(' ')[0])
    return { 'class:topic': h.utf8From(words) }
  },
}

let held = new Set<string>()
before(async () => {
  setLimits({ slotBytes: 4096 })
  writeFileSync(join(dir, 'in.jsonl'), documents.map(row => `${JSON.stringify(row)}\n`).join(''))
  const source = h.jsonl(join(dir, 'in.jsonl'), { domain: 'domain' })
  const decide = [h.rules({ size: { below: 30 } }), h.holdout({ rate: 0.1 })] as const
  await storeRun(
    join(dir, 'run'),
    h
      .pipeline('topics')
      .from(source)
      .annotate(size(), topic)
      .decide(...decide),
  )
  await using run = await RunReader.open(join(dir, 'run'))
  for await (const { slot } of run.slots()) {
    const kept = (await run.kept(slot))!
    const [ids, domains] = [h.utf8(kept, 'id'), h.utf8(kept, 'domain')]
    for (let row = 0; row < kept.rows; row++)
      if (h.stringAt(domains, row) === holdoutDomain) held = held.add(h.stringAt(ids, row))
  }
})

async function find(content: object) {
  await using run = await RunReader.open(join(dir, 'run'))
  return await findDeficits(run, parseTargets(JSON.stringify(content), 't.json'))
}

test('each document is of the first target that it meets; held-out and dropped ones are of none', async () => {
  const large = { size: { from: 150 } }
  const maths = { 'class:topic': ['mathematics', 'logic'], size: { from: 50, below: 140 } }
  const found = await find({
    tokens: 20_000,
    targets: [
      { name: 'large', where: large, share: 0.5 },
      { name: 'maths', where: maths, share: 0.5 },
    ],
  })
  const kept = documents.filter(({ text }) => text.length >= 30)
  const fed = kept.filter(({ id }) => !held.has(id))
  assert.ok(held.size > 0 && fed.length < kept.length)
  const isMaths = (one: Document) => topicOf(one) === 'mathematics' && one.text.length >= 50 && one.text.length < 140
  const first = fed.filter(({ text }) => text.length >= 150)
  const second = fed.filter(one => one.text.length < 150 && isMaths(one))
  for (const [i, own] of [first, second].entries()) {
    const { has, byDomain, short, shortRepeated } = found.deficits[i]
    assert.deepEqual([has.documents, has.tokens], [own.length, tokensOf(own)])
    for (const domain of ['web', 'books', '__proto__'])
      assert.equal(byDomain.get(domain)!.tokens, tokensOf(own.filter(one => one.domain === domain)))
    assert.equal(short, Math.max(0, 10_000 - tokensOf(own)))
    assert.equal(shortRepeated, Math.max(0, 10_000 - 4 * tokensOf(own)))
  }
  const { all, others, several, heldOut } = found
  assert.deepEqual(
    [all, others, several, heldOut].map(({ documents }) => documents),
    [kept.length, fed.length - first.length - second.length, first.filter(isMaths).length, held.size],
  )
  assert.deepEqual(found.deficits[1].unmet, [{ column: 'class:topic', names: ['logic'] }])
})

test('the mixture gives each target its share where targets are domains, and no document more often than it may', async () => {
  const targets = [
    { name: 'a', where: { domain: ['web'] }, share: 0.8 },
    { name: 'b', where: { domain: ['books', '__proto__'] }, share: 0.2 },
  ]
  const fed = documents.filter(({ id, text }) => text.length >= 30 && !held.has(id))
  const of = (...domains: string[]) => tokensOf(fed.filter(({ domain }) => domains.includes(domain)))
  const few = await find({ tokens: 1000, targets })
  const share = of('books') / of('books', '__proto__')
  const weight = (found: typeof few, name: string) => found.mixture.find(({ domain }) => domain === name)!.weight
  assert.ok(Math.abs(weight(few, 'web') - 0.8) < 1e-9 && Math.abs(weight(few, 'books') - 0.2 * share) < 1e-9)
  assert.deepEqual(
    few.deficits.map(({ shareFed }) => +shareFed.toFixed(9)),
    [0.8, 0.2],
  )
  assert.ok(few.mixture.every(({ passes }) => passes < 1))
  // Web gives four times what it has; the others give the rest.
  const tokens = 4 * of('web') + 2 * of('books', '__proto__')
  const full = await find({ tokens, targets })
  assert.ok(Math.abs(weight(full, 'web') - (4 * of('web')) / tokens) < 1e-9)
  const passes = new Map(full.mixture.map(({ domain, passes }) => [domain, passes]))
  for (const [domain, times] of [
    ['web', 4],
    ['books', 2],
    ['__proto__', 2],
  ] as const)
    assert.ok(Math.abs(passes.get(domain)! - times) < 1e-9)
  // No more is to be had.
  const much = await find({ tokens: 1e9, targets })
  assert.ok(Math.abs(much.tokensFitted - 4 * of('web', 'books', '__proto__')) < 1e-3)
  assert.ok(Math.abs(much.mixture.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-9)
})

test('what a target gets of domains that have other documents, too, is said', async () => {
  const found = await find({ targets: [{ name: 'code', where: { 'class:topic': ['code'] }, tokens: 100 }] })
  const fed = documents.filter(({ id, text }) => text.length >= 30 && !held.has(id))
  const code = fed.filter(one => topicOf(one) === 'code')
  const share = (domain: string) => {
    const [own, all] = [code, fed].map(of => tokensOf(of.filter(one => one.domain === domain)))
    return (own / tokensOf(code)) * (own / all)
  }
  const expected = share('web') + share('books') + share('__proto__')
  assert.ok(Math.abs(found.deficits[0].shareFed - expected) < 1e-9)
  assert.equal(found.deficits[0].shareFitted, 1)
})

test('domains are those that are fed: later ones than are kept apart are one', async context => {
  const { domainsMax } = limits
  context.after(() => setLimits({ domainsMax }))
  setLimits({ domainsMax: 2 })
  const source = h.jsonl(join(dir, 'in.jsonl'), { domain: 'domain' })
  await storeRun(join(dir, 'few'), h.pipeline('few').from(source))
  await using run = await RunReader.open(join(dir, 'few'))
  const { deficits } = await findDeficits(run, parseTargets(JSON.stringify(one({ domain: ['other'] })), 't.json'))
  const [first, second] = [...new Set(documents.map(({ domain }) => domain))]
  const later = documents.filter(({ domain }) => domain !== first && domain !== second)
  assert.equal(deficits[0].has.documents, later.length)
})

const one = (where: object) => ({ targets: [{ name: 'one', where, tokens: 1 }] })
const refused: [content: object, code: string, message: RegExp][] = [
  [
    one({ 'class:topik': ['code'] }),
    'bad-option',
    /target 'one' asks for a column that .* has not: 'class:topik'; did you mean 'class:topic'\?.*headrace classifier fit.*headrace replay/,
  ],
  [one({ 'seed:math': { from: 0 } }), 'bad-option', /'seed:math'.*headrace seed fit/],
  [one({ sizeRank: { from: 0 } }), 'bad-option', /'sizeRank'.*headrace calibrate/],
  [one({ size: ['code'] }), 'bad-option', /column 'size' of .* holds no names/],
  [one({ domain: { from: 1 } }), 'bad-option', /column 'domain' of .* holds no numbers/],
  [
    one({ domain: ['web'], 'class:topic': ['poems'] }),
    'not-found',
    /none of the \d+ documents that .* keeps meets a target: domain is .*web \(\d+\).*; class:topic is .*code \(\d+\)/,
  ],
  [one({ size: { from: 1e6 } }), 'not-found', /size lies from 3\d to \d+$/],
]
for (const [content, code, message] of refused)
  test(`refused: ${JSON.stringify(content)}`, async () => {
    await assert.rejects(find(content), { code, message })
  })
