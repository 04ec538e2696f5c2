import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStep, type Step } from '../../../src/feed/files/steps.ts'
import type { BlockSpec, CutBlock } from '../../../src/feed/plan/blocks.ts'
import type { ControlEntry } from '../../../src/feed/plan/control.ts'
import { Planner, type PlanOptions } from '../../../src/feed/plan/planner.ts'
import { limits } from '../../../src/limits.ts'
import type { ManifestEntry } from '../../../src/shards/manifest.ts'
import { drawFrom } from '../../random.ts'
import { setLimits } from '../../simulate/small-limits.ts'

const base: PlanOptions = {
  ...{ feed: 'f'.repeat(64), length: 10, batch: 4, mixture: null, blockTokens: 300, blockSlotsMax: 1000 },
  ...{ dry: 'renormalise', repeatMax: 4 },
}

/** A manifest of shards `[domain, tokens]`, a slot each. */
function manifest(shards: readonly (readonly [string, number])[]): ManifestEntry[] {
  const numbers = new Map<string, number>()
  return shards.map(([domain, tokens], slot) => {
    const number = numbers.get(domain) ?? 0
    numbers.set(domain, number + 1)
    const address = { slot, row: 0 }
    return {
      ...{ path: `${domain}/${number}`, domain, number, rows: 1, tokens, textBytes: 0, bytes: 0, sha256: '' },
      ...{ first: address, last: address, tokenizer: '', fingerprint: '' },
    }
  })
}

/** Full samples and a short one, as `concatenate` gives. */
const cut: CutBlock = async ({ shards }) => {
  const tokens = shards.reduce((sum, shard) => sum + shard.tokens, 0)
  const samples = Int32Array.from({ length: Math.ceil(tokens / 10) }, (_, i) => Math.min(10, tokens - 10 * i))
  return { tokens: samples, sha256: null }
}

/** Plans all of a manifest, asking for steps after every `stride` entries. */
async function planAll(
  entries: readonly ManifestEntry[],
  options: Partial<PlanOptions> = {},
  stride = 1,
  controls: ControlEntry[] = [],
) {
  const planner = new Planner({ ...base, ...options }, cut)
  for (const entry of controls) planner.control(entry)
  const lines: string[] = []
  const drain = async () => {
    for (let next = await planner.nextStep(); next; next = await planner.nextStep()) lines.push(next.line)
  }
  for (const [i, entry] of entries.entries()) {
    planner.add(entry)
    if ((i + 1) % stride === 0) await drain()
  }
  planner.end()
  await drain()
  return { lines, steps: openAll(lines), leftover: { ...(await planner.leftover()) } }
}

function openAll(lines: readonly string[]): Step[] {
  let previous = base.feed
  return lines.map((line, i) => {
    const step = openStep(line, i, previous)
    previous = step.digest
    return step
  })
}

function randomManifest(seed: number, domains: readonly string[], count: number): ManifestEntry[] {
  const random = drawFrom(seed)
  return manifest(Array.from({ length: count }, () => [domains[random(domains.length)], random(150)] as const))
}

/** Throws unless each domain's samples are fed in order, block by block, each once an epoch. Returns samples fed by domain. */
function checkRanges(steps: readonly Step[]): Record<string, number> {
  const at = new Map<string, { epoch: number; block: number; to: number }>()
  const fed: Record<string, number> = {}
  for (const { domains, samples } of steps) {
    let sum = 0
    for (const [name, ranges] of Object.entries(domains))
      for (const { epoch, block, from, to } of ranges) {
        const last = at.get(name) ?? { epoch: 0, block: 0, to: 0 }
        const joins = epoch === last.epoch && block === last.block && from === last.to
        const begins = from === 0 && (epoch > last.epoch ? block === 0 : epoch === last.epoch && block > last.block)
        assert.ok(joins || begins, `${name}: ${JSON.stringify({ epoch, block, from })} after ${JSON.stringify(last)}`)
        at.set(name, { epoch, block, to })
        fed[name] = (fed[name] ?? 0) + to - from
        sum += to - from
      }
    assert.equal(sum, samples)
  }
  return fed
}

test('when steps are asked for changes nothing', async () => {
  for (const mixture of [null, { a: 3, b: 1, c: 1 }]) {
    const entries = randomManifest(21, ['a', 'b', 'c', 'holdout'], 200)
    const first = await planAll(entries, { mixture })
    assert.ok(first.lines.length > 100)
    for (const stride of [2, 7, 1000]) assert.deepEqual(await planAll(entries, { mixture }, stride), first)
  }
})

test('every token is in a step or counted as left over', async () => {
  for (const seed of [1, 2, 3]) {
    const entries = randomManifest(seed, ['a', 'b', 'c'], 150)
    const { steps, leftover } = await planAll(entries, { batch: 7 })
    checkRanges(steps)
    for (const domain of ['a', 'b', 'c']) {
      const all = entries.filter(e => e.domain === domain).reduce((sum, e) => sum + e.tokens, 0)
      assert.equal((steps.at(-1)!.totals[domain]?.tokens ?? 0) + (leftover[domain]?.tokens ?? 0), all)
    }
    const left = Object.values(leftover).reduce((sum, { samples }) => sum + samples, 0)
    assert.ok(left < 7, `${left} samples would have been another step`)
  }
})

test('the check of ranges sees a repeat and a gap', async () => {
  const { steps } = await planAll(randomManifest(1, ['a'], 40))
  checkRanges(steps)
  assert.throws(() => checkRanges([...steps.slice(0, 3), ...steps.slice(2)]))
  assert.throws(() => checkRanges([...steps.slice(0, 3), ...steps.slice(4)]))
})

test('a mixture holds by tokens within a sample after every step, short samples and all', async () => {
  const mixture = { a: 0.62, b: 0.3, c: 0.07, d: 0.01 }
  const shards = Array.from({ length: 400 }, (_, i) => [i % 2 ? 'a' : 'bcd'[(i / 2) % 3], 103] as const)
  const { steps } = await planAll(manifest(shards), { mixture, dry: 'wait' })
  assert.ok(steps.length > 50)
  for (const { totals, step } of steps) {
    const all = Object.values(totals).reduce((sum, total) => sum + total.tokens, 0)
    for (const [domain, weight] of Object.entries(mixture)) {
      const error = weight * all - (totals[domain]?.tokens ?? 0)
      assert.ok(Math.abs(error) <= 10, `step ${step}: ${domain} is ${error} tokens off`)
      assert.ok(Math.abs(error - steps[step].carry![domain]) < 1e-6, 'and the carry says so')
    }
  }
})

test('what a dry domain does after the end', async () => {
  const shards = [
    ['a', 400],
    ['b', 100],
  ] as const
  const mixture = { a: 1, b: 1 }
  const wait = await planAll(manifest(shards), { mixture, dry: 'wait' })
  assert.deepEqual(checkRanges(wait.steps), { a: 10, b: 10 })
  assert.deepEqual(wait.leftover, { a: { samples: 30, tokens: 300 } })
  const renormalise = await planAll(manifest(shards), { mixture, dry: 'renormalise' })
  assert.deepEqual(checkRanges(renormalise.steps), { a: 38, b: 10 })
  assert.deepEqual(renormalise.steps.at(-1)!.mixture, { a: 1 })
  assert.deepEqual(renormalise.leftover, { a: { samples: 2, tokens: 20 } })
  const repeat = await planAll(manifest(shards), { mixture, dry: 'repeat', repeatMax: 3 })
  assert.deepEqual(checkRanges(repeat.steps), { a: 118, b: 30 })
  assert.equal(repeat.steps.at(-1)!.domains.a[0].epoch, 2)
})

test('steps that are off the mixture are counted from the first on', async () => {
  const shards = [
    ['a', 400],
    ['b', 100],
  ] as const
  const options = { ...base, mixture: { a: 1, b: 1, none: 0 } }
  const offOf = async (change: Partial<PlanOptions>) => {
    const planner = new Planner({ ...options, ...change }, cut)
    for (const entry of manifest(shards)) planner.add(entry)
    planner.end()
    const tokens: number[] = []
    for (let next = await planner.nextStep(); next; next = await planner.nextStep()) tokens.push(next.step.tokens)
    return { off: planner.offMixture, tokens }
  }
  for (const dry of ['stop', 'wait'] as const) assert.equal((await offOf({ dry })).off, null)
  const { off, tokens } = await offOf({ dry: 'renormalise' })
  assert.deepEqual(off, { step: 5, tokens: tokens.slice(5).reduce((sum, one) => sum + one, 0) })
  assert.ok(tokens.length > 6)
  assert.equal((await offOf({ dry: 'renormalise', mixture: null })).off, null)
})

/** The domains of each block, in the order of closing. */
async function blocksOf(entries: readonly ManifestEntry[], options: Partial<PlanOptions>): Promise<string[][]> {
  const planner = new Planner({ ...base, batch: 1, ...options }, cut)
  const blocks: string[][] = []
  for (const entry of entries) {
    planner.add(entry)
    for (let next = await planner.nextStep(); next; next = await planner.nextStep())
      for (const [domain, ranges] of Object.entries(next.step.domains))
        for (const { block } of ranges) (blocks[block] ??= []).push(domain)
  }
  return blocks.map(names => [...new Set(names)].sort())
}

test('without a mixture no block holds one domain alone, however small blocks are', async () => {
  // A large domain is sealed often, two others once in a while.
  const shards = Array.from({ length: 60 }, (_, i) => [i % 10 === 8 ? 'b' : i % 10 === 9 ? 'c' : 'a', 100] as const)
  const alone = await blocksOf(manifest(shards), { blockTokens: 100 })
  assert.ok(
    alone.some(names => names.length === 1),
    'as feeds that were begun before',
  )
  const mixed = await blocksOf(manifest(shards), { blockTokens: 100, blockSlotsMin: 20 })
  assert.ok(mixed.length >= 2)
  assert.deepEqual(
    mixed,
    mixed.map(() => ['a', 'b', 'c']),
  )
})

test('with a freshness blocks close with the shard that says so, and without a mixture with no other', async () => {
  const shards = Array.from({ length: 60 }, (_, i) => [i % 10 === 8 ? 'b' : i % 10 === 9 ? 'c' : 'a', 100] as const)
  const entries = manifest(shards).map((entry, i) => (i % 10 === 9 ? { ...entry, closes: true } : entry))
  const fresh = await blocksOf(entries, { blockTokens: 100, freshness: 10 })
  assert.deepEqual(fresh, Array(6).fill(['a', 'b', 'c']))
  const weighted = await blocksOf(entries, { blockTokens: 1e6, freshness: 10, mixture: { a: 8, b: 1, c: 1 } })
  assert.ok(weighted.length >= 4, `${weighted.length} blocks`)
})

test('before the end a dry domain is waited for', async () => {
  const planner = new Planner({ ...base, mixture: { a: 1, b: 1 } }, cut)
  for (const entry of manifest([
    ['a', 400],
    ['a', 400],
  ]))
    planner.add(entry)
  assert.equal(await planner.nextStep(), null)
  planner.add(manifest([['b', 400]])[0])
  assert.equal((await planner.nextStep())!.step.manifest, 3, 'it needed the third entry')
})

test('a domain of the mixture that has no shard yet is owed its weight from the first step on', async () => {
  const shards = [...Array.from({ length: 20 }, () => ['a', 100] as const), ['b', 200] as const]
  const { steps } = await planAll(manifest(shards), { mixture: { a: 0.9, b: 0.1 }, blockTokens: 100 })
  const first = steps.findIndex(({ domains }) => 'b' in domains)
  assert.ok(first <= 2, `b is fed from step ${first} on`)
  for (const { step, carry } of steps.slice(0, 10))
    assert.ok(Math.abs(carry!.b) <= 10, `step ${step}: b is behind ${carry!.b}`)
})

test('an entry is taken in only when the step needs it', async () => {
  const planner = new Planner(base, cut)
  for (const entry of manifest([
    ['a', 300],
    ['b', 300],
    ['a', 300],
  ]))
    planner.add(entry)
  assert.equal((await planner.nextStep())!.step.manifest, 1)
})

test('holdout is fed only where a mixture names it', async () => {
  const shards = [
    ['a', 400],
    ['holdout', 400],
  ] as const
  const natural = await planAll(manifest(shards))
  assert.deepEqual(checkRanges(natural.steps), { a: 40 })
  assert.deepEqual(natural.leftover, { holdout: { samples: 0, tokens: 400 } })
  const named = await planAll(manifest(shards), { mixture: { holdout: 1 } })
  assert.deepEqual(checkRanges(named.steps), { holdout: 40 })
})

test('without a mixture, domains are fed by what they have and end together', async () => {
  const { steps, leftover } = await planAll(
    manifest([
      ['a', 900],
      ['b', 90],
      ['c', 10],
    ]),
    { blockTokens: 10_000 },
  )
  assert.deepEqual(checkRanges(steps), { a: 90, b: 9, c: 1 })
  assert.deepEqual(leftover, {})
  const half = steps[steps.length / 2 - 0.5]
  assert.ok(Math.abs(half.totals.b.samples - 4.5) <= 1, 'not first one, then the other')
})

test('domains beyond those that steps name are fed as one; what is held out never is, and a mixture keeps all apart', async context => {
  const { fedDomainsMax } = limits
  const count = 40
  setLimits({ fedDomainsMax: count })
  context.after(() => setLimits({ fedDomainsMax }))
  const names = [...Array.from({ length: count + 2 }, (_, i) => `d${i}`), 'holdout']
  const entries = manifest([...names, `d${count}`].map(name => [name, 10] as const))
  const { steps, leftover } = await planAll(entries, { batch: 1 })
  const fed = new Map<string, number>()
  for (const { domains } of steps) for (const name of Object.keys(domains)) fed.set(name, (fed.get(name) ?? 0) + 1)
  assert.deepEqual(
    [fed.size, fed.get('other'), fed.has(`d${count - 1}`), fed.has(`d${count}`)],
    [count + 1, 3, true, false],
  )
  assert.deepEqual(leftover, { holdout: { samples: 0, tokens: 10 } })
  const mixture = { d0: 1, [`d${count}`]: 1 }
  const mixed = await planAll(entries, { batch: 1, mixture })
  assert.deepEqual(checkRanges(mixed.steps), { d0: 1, [`d${count}`]: 2 })
})

test('without a mixture, blocks close together, so that what came together is fed together', async () => {
  const shards = Array.from({ length: 60 }, (_, i) => [i % 3 === 2 ? 'b' : 'a', 100] as const)
  const { steps } = await planAll(manifest(shards))
  for (const { totals } of steps) assert.ok(Math.abs(totals.a.samples - 2 * (totals.b?.samples ?? 0)) <= 30)
  assert.ok(steps[0].manifest < 6, 'and the first steps come before the end')
})

test('a small block closes when it is old', async () => {
  const shards = Array.from({ length: 50 }, (_, i) => [i === 0 ? 'rare' : 'a', 20] as const)
  const { steps } = await planAll(manifest(shards), { mixture: { a: 1, rare: 1 }, blockSlotsMax: 20, batch: 2 })
  assert.equal(steps[0].manifest, 21)
})

test('control entries act from their step on, whenever they come, and the past is refused', async () => {
  const entries = randomManifest(4, ['a', 'b'], 100)
  const controls = [
    { step: 5, mixture: { a: 1, b: 3 } },
    { step: 8, batch: 6, note: 'longer batches' },
    { step: 12, mixture: null },
  ]
  const first = await planAll(entries, {}, 1, controls)
  assert.deepEqual(
    [4, 5, 8, 12].map(step => first.steps[step].control),
    [0, 1, 2, 3],
  )
  assert.deepEqual(
    [7, 8].map(step => first.steps[step].samples),
    [4, 6],
  )
  assert.deepEqual(first.steps[5].mixture, { a: 0.25, b: 0.75 })
  // The same entries given as late as they may be.
  const planner = new Planner(base, cut)
  for (const entry of entries) planner.add(entry)
  planner.end()
  const lines: string[] = []
  for (;;) {
    for (const entry of controls) if (entry.step === planner.steps) planner.control(entry)
    const next = await planner.nextStep()
    if (!next) break
    lines.push(next.line)
  }
  assert.deepEqual(lines, first.lines)
  assert.throws(() => planner.control({ step: 3, batch: 2 }), /can't be changed/)
  assert.throws(() => planner.control({ step: planner.steps, batch: 2 }), /can't be changed/, 'that step was tried')
  for (const bad of [
    { batch: 0 },
    { batch: 1.5 },
    { mixture: { a: -1 } },
    { mixture: { a: 0 } },
    { mixture: { a: Number.NaN } },
  ])
    assert.throws(() => planner.control({ step: planner.steps + 9, ...bad }), { code: 'bad-option' })
})

test('the digests are a chain: any change of a line, or of their order, is seen', async () => {
  const { lines } = await planAll(randomManifest(1, ['a', 'b'], 60))
  openAll(lines)
  assert.throws(() => openAll(lines.with(3, lines[3].replace('"samples":4', '"samples":5'))), /damaged/)
  assert.throws(() => openAll([...lines.slice(0, 2), ...lines.slice(3)]), /does not follow/)
  const other = (await planAll(randomManifest(2, ['a', 'b'], 60))).lines
  assert.throws(() => openAll(lines.with(3, other[3])), /does not follow/)
})

test('a gap in the manifest is refused', async () => {
  const planner = new Planner(base, cut)
  const [first, , third] = manifest([
    ['a', 10],
    ['a', 10],
    ['a', 10],
  ])
  planner.add(first)
  planner.add(third)
  await assert.rejects(planner.nextStep(), { code: 'corrupt' })
})

test('a block that was fed to its end is not begun again with another length, and one that was not is planned still', async () => {
  const specs: BlockSpec[] = []
  const planner = new Planner({ ...base, mixture: { a: 1, b: 1 } }, async spec => {
    specs.push(spec)
    const tokens = spec.shards.reduce((sum, shard) => sum + shard.tokens, 0) - 10 * (spec.fed?.[0].samples ?? 0)
    return { tokens: new Int32Array(Math.ceil(tokens / spec.length)).fill(spec.length), sha256: null }
  })
  // Before step 15 all samples of a's first block are fed; of b's first block the same, and of its second one some.
  planner.control({ step: 15, length: 20, mixture: { a: 1 } })
  for (const entry of manifest([
    ['a', 300],
    ['b', 200],
    ['b', 200],
    ['a', 400],
  ]))
    planner.add(entry)
  planner.end()
  const steps: Step[] = []
  for (let next = await planner.nextStep(); next && steps.length < 18; next = await planner.nextStep())
    steps.push(next.step)
  assert.deepEqual(steps[14].domains.a, [{ block: 0, epoch: 0, from: 28, to: 30 }])
  assert.deepEqual({ ...steps[15].domains }, { a: [{ block: 1, epoch: 0, cut: 1, from: 0, to: 4 }] })
  assert.deepEqual(
    specs.filter(({ cut }) => cut === 1).map(({ domain, number, fed }) => [domain, number, fed]),
    [['a', 1, undefined]],
  )
  // Nothing was fed of what is left of b since: a promotion would keep it all the same.
  assert.equal(planner.plannedShards().get('b')!.length, 2)
})
