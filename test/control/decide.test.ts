import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type ControlOptions, decideMixture, stepsOf } from '../../src/control/decide.ts'
import { changeSettings } from '../../src/feed/change/settings.ts'
import { readControls } from '../../src/feed/files/control-file.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { LedgerReader } from '../../src/feed/files/ledger.ts'
import type { Mixture } from '../../src/feed/options.ts'
import { openFeed, reopenFeed } from '../../src/feed/publish.ts'
import { type Corpus, writeCorpus } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'

const home = makeFolder('control')
const domains = ['fast', 'slow', 'usual']
let corpus: Corpus
let folders = 0
before(async () => {
  corpus = await writeCorpus(home, { domains, shards: 80, seed: 3 })
})

const options: ControlOptions = {
  trainer: null,
  alpha: 0.9,
  shareMin: 0.01,
  shareMax: 0.9,
  everySteps: 20,
  leadSteps: 5,
}

interface Given {
  readonly mixture?: Mixture | null
  readonly steps?: number
  readonly ended?: boolean
}

/** A feed that repeats its domains, with so many steps so far. */
async function makeFeed({ mixture = { fast: 1, slow: 1, usual: 1 }, steps = 60, ended = false }: Given = {}) {
  const dir = join(home, `feed-${folders++}`)
  await goOn(dir, mixture, steps, ended)
  return dir
}

async function goOn(dir: string, mixture: Mixture | null, steps: number, ended = false): Promise<void> {
  const origin = { run: 'r', shards: join(home, 'shards'), tokenizer: 't', fingerprint: 'f' }
  const dry = ended ? 'stop' : 'repeat'
  await using feed = await openFeed(dir, { length: 16, batch: 12, blockTokens: 100_000, mixture, dry }, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end(ended ? undefined : steps)
}

type Losses = (domain: string, tokens: number, step: number) => [sum: number | null, targets: number] | null

/** A trainer's reports of steps `from` to `to`, of which each domain has as many targets as tokens. `edit` makes them others. */
async function report(
  dir: string,
  losses: Losses,
  { from = 0, to = 60, name = 't', edit = (line: Record<string, unknown>): object => line } = {},
): Promise<void> {
  const head = (await readHead(dir))!
  const ledger = new LedgerReader(dir, head)
  const lines: object[] = [edit({ form: 1, feed: head.feed, trainer: name })]
  for (let step = from; step < Math.min(to, head.steps); step++) {
    const { digest, domains: given, length = 16 } = await ledger.open(step)
    const told = Object.entries(given).flatMap(([domain, ranges]) => {
      const tokens = length * ranges.reduce((sum, range) => sum + range.to - range.from, 0)
      const loss = losses(domain, tokens, step)
      return loss ? [[domain, loss] as const] : []
    })
    lines.push(edit({ step, digest, at: '2026-01-01T00:00:00.000Z', losses: Object.fromEntries(told) }))
  }
  const folder = join(dir, 'trainers', name)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${String(from).padStart(8, '0')}.jsonl`)
  writeFileSync(file, lines.map(line => `${JSON.stringify(line)}\n`).join(''))
}

const means = { fast: 1, slow: 3, usual: 2 } as Readonly<Record<string, number>>
const plain: Losses = (domain, tokens) => [means[domain] * tokens, tokens]
const spoil =
  (value: number | null, at = 55): Losses =>
  (domain, tokens, step) =>
    domain === 'slow' && step === at ? [value, tokens] : plain(domain, tokens, step)

test('a domain whose loss is high gets more, and the evidence says why', async () => {
  const dir = await makeFeed()
  await report(dir, plain)
  const decision = await decideMixture(dir, options)
  assert.deepEqual(await decideMixture(dir, options), decision, 'the same reports decide the same')
  const { change, evidence } = decision
  assert.equal(change!.step, 65, 'five steps ahead of the last that was reported')
  const { fast, slow, usual } = change!.mixture
  assert.ok(slow > usual && usual > fast, JSON.stringify(change))
  assert.deepEqual([evidence!.trainer, evidence!.firstStep, evidence!.lastStep], ['t', 0, 59])
  for (const { domain, loss, before, after } of evidence!.domains) {
    assert.ok(Math.abs(loss - means[domain]) < 1e-12 && Math.abs(before - 1 / 3) < 1e-12, domain)
    assert.equal(after, change!.mixture[domain])
  }
})

test('losses of samples that became longer are those of all their tokens', async () => {
  const dir = await makeFeed({ steps: 30 })
  await using feed = await reopenFeed(dir)
  const about = { who: 'ann@host', at: '2026-01-01T00:00:00.000Z', note: null }
  await changeSettings(feed, dir, { id: 'longer', step: null, change: { length: 32 }, ...about })
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end(60)
  await report(dir, plain)
  const { change, why } = await decideMixture(dir, options)
  assert.ok(change && change.mixture.slow > change.mixture.fast, why)
})

const leaves: [what: string, given: Given, tell: (dir: string) => Promise<void>, why: RegExp][] = [
  ['nobody reports', {}, async () => {}, /no trainer reports to it/],
  [
    'losses are left out',
    {},
    dir => report(dir, () => null, { edit: line => ({ ...line, losses: undefined }) }),
    /no losses/,
  ],
  [
    'a domain is missing',
    {},
    dir => report(dir, (d, n, s) => (d === 'slow' ? null : plain(d, n, s))),
    /no loss of 'slow'/,
  ],
  ['a loss is no number', {}, dir => report(dir, spoil(null)), /'slow' in step 55 a loss that is no number/],
  ['a loss is below 0', {}, dir => report(dir, spoil(-1)), /'slow' in step 55 a loss of -0\.\d+, which is not from 0/],
  ['a loss is absurd', {}, dir => report(dir, spoil(1e300)), /'slow' in step 55 a loss of 1\.\d+e\+298, which is not/],
  [
    'a step has more targets than tokens',
    {},
    dir => report(dir, (_, n) => [n, n + 1]),
    /reports of '\w+' in step 0 \d+ targets, and that has \d+ tokens/,
  ],
  [
    'a domain is not in the step',
    {},
    dir =>
      report(dir, plain, {
        edit: l => (l.losses ? { ...l, losses: { ...(l.losses as object), __proto__x: [1, 1] } } : l),
      }),
    /'__proto__x' in step 0 1 targets, and that has 0 tokens/,
  ],
  [
    'another feed was read',
    {},
    dir => report(dir, plain, { edit: line => ('form' in line ? { ...line, feed: '0'.repeat(64) } : line) }),
    /t read another feed/,
  ],
  [
    'another history was read',
    {},
    dir => report(dir, plain, { edit: line => (line.step === 44 ? { ...line, digest: '0'.repeat(64) } : line) }),
    /step 44 of another history/,
  ],
  [
    'the feed was put back',
    {},
    dir => report(dir, plain, { edit: line => (line.step === 59 ? { ...line, step: 60 } : line) }),
    /reports step 60, and the feed has 60/,
  ],
  ['the feed has ended', { ended: true }, dir => report(dir, plain), /has ended, and its \d+ steps never change/],
]
for (const [what, given, tell, why] of leaves)
  test(`the mixture stays as it is where ${what}`, async () => {
    const dir = await makeFeed(given)
    await tell(dir)
    const decision = await decideMixture(dir, options)
    assert.equal(decision.change, null)
    assert.match(decision.why, why)
  })

const refused: [what: string, given: Given, options: Partial<ControlOptions>, why: RegExp][] = [
  ['no mixture', { mixture: null, steps: 3 }, {}, /has no mixture of several domains/],
  ['one domain', { mixture: { fast: 1 }, steps: 3 }, {}, /has no mixture of several domains/],
  ['least shares above 1', { steps: 3 }, { shareMin: 0.4 }, /3 domains can't have 0\.4 to 0\.9 each/],
  ['most shares below 1', { steps: 3 }, { shareMax: 0.3 }, /3 domains can't have 0\.01 to 0\.3 each/],
  ['a trainer that is not there', { steps: 3 }, { trainer: 'x' }, /name one of the trainers .*: t, u$/],
  ['several trainers', { steps: 3 }, {}, /name one of the trainers .*: t, u$/],
]
for (const [what, given, more, why] of refused)
  test(`refused: ${what}`, async () => {
    const dir = await makeFeed(given)
    for (const name of ['t', 'u']) await report(dir, plain, { name })
    await assert.rejects(decideMixture(dir, { ...options, ...more }), { code: 'bad-option', message: why })
  })

/** Records what is decided, as the command does. */
async function apply(dir: string, { mixture, step }: { mixture: Mixture; step: number }): Promise<void> {
  const origin = { run: 'r', shards: join(home, 'shards'), tokenizer: 't', fingerprint: 'f' }
  const first = {
    length: 16,
    batch: 12,
    blockTokens: 100_000,
    mixture: { fast: 1, slow: 1, usual: 1 },
    dry: 'repeat',
  } as const
  await using feed = await openFeed(dir, first, origin)
  const order = { id: `${step}`, step, change: { mixture }, who: 'controller', at: '', note: null }
  assert.deepEqual(await changeSettings(feed, dir, order), { step, isNew: true })
}

test('a change waits until the one before it was seen, and so many steps behind it', async () => {
  const dir = await makeFeed()
  await report(dir, plain)
  const { change } = await decideMixture(dir, options)
  await apply(dir, change!)
  const why = async () => (await decideMixture(dir, options)).why
  assert.match(await why(), /the mixture of step 65 is not seen yet: the last step with losses is 59/)
  await goOn(dir, { fast: 1, slow: 1, usual: 1 }, 78)
  await report(dir, plain, { from: 60, to: 78 })
  assert.match(await why(), /was changed at step 65, and the next change is at 85 or later/)
  await goOn(dir, { fast: 1, slow: 1, usual: 1 }, 84)
  await report(dir, plain, { from: 78, to: 84 })
  const later = await decideMixture(dir, options)
  assert.equal(later.why, 'from step 89 on')
  const { mixture } = change!
  const weights = domains.reduce((sum, domain) => sum + mixture[domain], 0)
  for (const { domain, reward } of later.evidence!.domains) {
    let expected = 0
    // Each loss counts by the share that was in force when it was met.
    for (let step = 0; step < 84; step++)
      expected = 0.9 * expected + (0.1 * means[domain]) / (step < 65 ? 1 / 3 : mixture[domain] / weights)
    assert.ok(Math.abs(reward - expected) < 1e-9, `${domain}: ${reward} and ${expected}`)
  }
})

test('the moving average reads as many steps as it remembers', () => {
  for (const alpha of [0.5, 0.9, 0.99])
    assert.ok(alpha ** stepsOf(alpha) <= 2 ** -53 && alpha ** (stepsOf(alpha) - 1) > 2 ** -53)
  assert.equal(stepsOf(0), 0)
})

test('a simulated trainer: the domain that learns slowly gets more, and less again once it has caught up', async () => {
  const dir = await makeFeed({ steps: 20 })
  const speeds = { fast: 900, slow: 30_000, usual: 6_000 } as Readonly<Record<string, number>>
  const tokens = new Map(domains.map(domain => [domain, 0]))
  // Each domain has one loss at the beginning and one at the end, and its own speed between.
  const learn: Losses = (domain, count) => {
    tokens.set(domain, tokens.get(domain)! + count)
    const mean = 1 + 4 * Math.exp(-tokens.get(domain)! / speeds[domain])
    return [mean * count, count]
  }
  const shares: Mixture[] = []
  for (let steps = 20, reported = 0; shares.length < 14; steps += 30) {
    await goOn(dir, { fast: 1, slow: 1, usual: 1 }, steps)
    await report(dir, learn, { from: reported, to: steps })
    reported = steps
    const { change, why } = await decideMixture(dir, options)
    assert.ok(change, why)
    await apply(dir, change)
    shares.push(change.mixture)
  }
  const told = JSON.stringify(shares)
  const spread = ({ fast, slow }: Mixture) => slow - fast
  for (const { fast, slow, usual } of shares.slice(1, 8)) assert.ok(slow > usual && usual > fast, told)
  for (const mixture of shares) {
    const sum = domains.reduce((total, domain) => total + mixture[domain], 0)
    assert.ok(Math.abs(sum - 1) < 3e-6 && domains.every(domain => mixture[domain] >= 0.01), told)
  }
  const most = Math.max(...shares.map(spread))
  assert.ok(most > 0.05 && spread(shares.at(-1)!) < most, told)
  const entries = await readControls(dir)
  assert.equal(entries.length, shares.length)
  assert.ok(entries.every(({ step }, i) => i === 0 || step - entries[i - 1].step >= options.everySteps))
})
