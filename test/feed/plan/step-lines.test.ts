import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Step } from '../../../src/feed/files/steps.ts'
import type { CutBlock } from '../../../src/feed/plan/blocks.ts'
import type { ControlEntry } from '../../../src/feed/plan/control.ts'
import { Planner, type PlanOptions } from '../../../src/feed/plan/planner.ts'
import { StepOpener } from '../../../src/feed/plan/step-lines.ts'
import type { ManifestEntry } from '../../../src/shards/manifest.ts'
import { drawFrom } from '../../random.ts'

const seed = Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${seed}`)

const feed = 'f'.repeat(64)
const length = 10

/** What stands for the hash of a block's file. */
const hashOf = (domain: string, number: number, epoch: number) =>
  Buffer.from(`${domain} ${number} ${epoch}`).toString('hex').padEnd(64, '0').slice(0, 64)

/** Full samples and a short one. */
const cut: CutBlock = async ({ domain, number, epoch, shards }) => {
  const tokens = shards.reduce((sum, shard) => sum + shard.tokens, 0)
  const samples = Array.from({ length: Math.ceil(tokens / length) }, (_, i) => Math.min(length, tokens - length * i))
  return { tokens: Int32Array.from(samples), sha256: hashOf(domain, number, epoch) }
}

type Planned = { step: Step; line: string }[]

async function plan(
  entries: readonly ManifestEntry[],
  options: Partial<PlanOptions>,
  controls: readonly ControlEntry[] = [],
): Promise<Planned> {
  const base = { feed, length, batch: 4, mixture: null, blockTokens: 300, blockSlotsMax: 1000 }
  const planner = new Planner({ ...base, dry: 'repeat', repeatMax: 2, ...options }, cut)
  for (const entry of controls) planner.control(entry)
  for (const entry of entries) planner.add(entry)
  planner.end()
  const planned: Planned = []
  for (let next = await planner.nextStep(); next; next = await planner.nextStep()) planned.push(next)
  return planned
}

function drawManifest(draw: (below: number) => number, domains: readonly string[], count: number): ManifestEntry[] {
  const numbers = new Map<string, number>()
  return Array.from({ length: count }, (_, slot) => {
    const domain = domains[draw(domains.length)]
    const number = numbers.get(domain) ?? 0
    numbers.set(domain, number + 1)
    const address = { slot, row: 0 }
    const sizes = { rows: 1, tokens: 1 + draw(150), textBytes: 0, bytes: 0 }
    const rest = { first: address, last: address, sha256: '', tokenizer: '', fingerprint: '' }
    return { path: `${domain}/${number}`, domain, number, ...sizes, ...rest }
  })
}

const form = (snapshotSteps: number, segmentSteps: number) => ({ ledger: 2 as const, snapshotSteps, segmentSteps })
/** What a line of either form gives. */
const factsOf = ({ step, domains, samples, tokens, totals, manifest, control }: Step) =>
  plainOf({ step, domains, samples, tokens, totals, manifest, control })
const plainOf = (value: unknown) => JSON.parse(JSON.stringify(value))

test('lines that say what changed open to what lines in full say, from any step on', async () => {
  const domains = ['a', 'b', '__proto__', 'constructor', '0']
  for (let round = 0; round < 15; round++) {
    const draw = drawFrom(seed + round)
    const entries = drawManifest(draw, domains, 40)
    const mixture = draw(2) ? { a: 5, b: 3, ['__proto__']: 1, '0': 1 } : null
    const controls = draw(2)
      ? [
          { step: 5, batch: 3 },
          { step: 7, mixture: { a: 1, b: 1 } },
        ]
      : []
    const segmentSteps = 1 + draw(20)
    const options = form(1 + draw(8), segmentSteps)
    const whole = await plan(entries, { mixture, segmentSteps }, controls)
    const lines = await plan(entries, { mixture, ...options }, controls)
    assert.ok(whole.length > 10, `${whole.length} steps`)
    assert.deepEqual(
      lines.map(({ step }) => factsOf(step)),
      whole.map(({ step }) => factsOf(step)),
    )
    const opener = new StepOpener({ ...options, length })
    for (const [i, { step, line }] of lines.entries()) {
      const opened = opener.open(line, i, i === 0 ? feed : lines[i - 1].step.digest)
      assert.deepEqual(plainOf(opened), plainOf(step), `seed ${seed + round}, step ${i}`)
      for (const [domain, hashes] of Object.entries(opened.blocks!))
        assert.deepEqual(
          hashes,
          opened.domains[domain].map(({ block, epoch }) => hashOf(domain, block, epoch)),
        )
    }
    const at = draw(lines.length)
    const other = new StepOpener({ ...options, length })
    const snapshot = Array.from({ length: at + 1 }, (_, i) => i).findLast(i => other.canOpen(i))!
    for (let i = snapshot; i < at; i++) other.open(lines[i].line, i, null)
    assert.deepEqual(plainOf(other.open(lines[at].line, at, null)), plainOf(lines[at].step), `from step ${at} on`)
  }
})

test('a line that is altered, or opened without those since the snapshot, is refused', async () => {
  const planned = await plan(drawManifest(drawFrom(seed), ['a', 'b'], 30), form(4, 8))
  const opener = new StepOpener({ ...form(4, 8), length })
  const lines = planned.map(({ line }) => line)
  assert.throws(() => opener.open(lines[1], 1, null), /step 1 is opened after step null/)
  opener.open(lines[0], 0, feed)
  assert.throws(() => opener.open(lines[1].replace('"control":0', '"control":1'), 1, null), { code: 'corrupt' })
  assert.throws(() => opener.open(lines[2], 2, null), RangeError, 'nobody knows what changed since')
  opener.open(lines[4], 4, null)
  assert.throws(() => opener.open(lines[5], 5, planned[3].step.digest), { code: 'corrupt' })
})

test('a line with 21 domains is under 700 bytes, and a snapshot comes each 256', async () => {
  const domains = Array.from({ length: 21 }, (_, i) => `en-domain-${i}`)
  const entries = drawManifest(drawFrom(seed), domains, 100).map(entry => ({ ...entry, tokens: 5000 }))
  const mixture = Object.fromEntries(domains.map((name, i) => [name, i + 1]))
  const blockTokens = 60_000
  const sizes = async (options: Partial<PlanOptions>) =>
    (await plan(entries, { mixture, batch: 96, blockTokens, dry: 'renormalise', ...options }))
      .slice(0, 300)
      .map(({ line }) => line.length)
  const whole = await sizes({})
  const short = await sizes({ ledger: 2 })
  assert.ok(short.length === 300 && whole.length === 300)
  const mean = (lengths: readonly number[]) => lengths.reduce((sum, one) => sum + one, 0) / lengths.length
  assert.ok(mean(whole) > 3000, `in full ${mean(whole)} bytes`)
  assert.ok(mean(short) < 700, `${mean(short)} bytes`)
  const long = short.flatMap((size, step) => (size > 700 ? [step] : []))
  assert.deepEqual(
    long.filter(step => step % 256 === 0),
    [0, 256],
  )
})
