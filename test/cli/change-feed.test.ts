import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockDirectory } from '../../src/disk/lock.ts'
import { readControls } from '../../src/feed/files/control-file.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { LedgerReader } from '../../src/feed/files/ledger.ts'
import { controlAnswers, controlRequests } from '../../src/record/control-request.ts'
import { hashFiles, runHeadrace, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// Feeds are changed by the real command line: of a run that has ended, of one that is at work, and of one that was stopped.
const small = { slotBytes: 32 * 1024, shardSlotsMax: 1 }
const corpus = await writeCorpus({ seed: 41, files: 3, documentsPerFile: 60 })
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize()).tokenize('gpt2')
    .feed({ length: 64, batch: 4, blockSlotsMax: 1, mixture: { d0: 1, d1: 1 }, dry: 'renormalise' })`,
)
const run = (dir: string) => ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
const original = makeFolder('changed')
const begun = await runHeadrace(run(original), undefined, small)
assert.equal(begun.status, 0, begun.err)
const published = (await readHead(join(original, 'test', 'feed')))!
let copies = 0

function copyRuns(): string {
  const to = join(makeFolder('changed'), String(copies++))
  cpSync(original, to, { recursive: true })
  return to
}

const feedOf = (dir: string) => join(dir, 'test', 'feed')
async function readLines(feed: string, to: number): Promise<string[]> {
  const ledger = new LedgerReader(feed, (await readHead(feed))!)
  const lines: string[] = []
  for (let step = 0; step < to; step++) lines.push(await ledger.read(step))
  return lines
}

async function checkSound(dir: string): Promise<void> {
  const { status, out } = await runMain(['verify', '--dir', dir])
  assert.equal(status, 0, out)
}

const stepsNow = published.steps
const refusals: [args: string[], status: number, message: RegExp][] = [
  [['mix'], 64, /--set is missing/],
  [['mix', '--set', 'd0'], 64, /--set has 'd0': it takes a domain, = and a weight/],
  [['mix', '--set', '=1'], 64, /--set has '=1'/],
  [['mix', '--set', 'd0=much'], 64, /'d0' the weight 'much'; it takes a number from 0 on/],
  [['mix', '--set', 'd0='], 64, /'d0' the weight ''/],
  [['mix', '--set', 'd0=-1'], 64, /'d0' the weight '-1'/],
  [['mix', '--set', 'd0=Infinity'], 64, /'d0' the weight 'Infinity'/],
  [['mix', '--set', 'd0=0,d1=0'], 64, /'d0=0,d1=0': all its weights are 0/],
  [['mix', '--set', 'd0=1', '--set', 'd0=2'], 64, /gives 'd0' two weights/],
  [['mix', '--set', 'd0=1', '--none'], 64, /--none is given with --set/],
  [['mix', '--set', 'd0=1,d7=1'], 64, /names 'd7', and the feed has 'd0', 'd1', 'd2' so far; .* --unseen/],
  [['mix', '--set', 'a,b=1'], 64, /names 'a,b', and/],
  [['mix', '--set', 'd2=1', '--at', '3'], 64, new RegExp(`step 3 can't be changed.* name step ${stepsNow} or a later`)],
  [['mix', '--set', 'd2=1', '--at', 'x'], 64, /--at is 'x'/],
  [['mix', 'nobody', '--set', 'd2=1'], 66, /no run 'nobody'/],
  [['mix', '--feed', 'nowhere', '--set', 'd2=1'], 66, /no feed in nowhere/],
  [['mix', '--set', 'd2=1', '--note', 'a\nb'], 64, /--note has more than one line/],
  [['mix', '--replay', '1'], 64, /--replay is '1'; it takes a share from 0 on and below 1/],
  [['mix', '--replay', ''], 64, /--replay is ''/],
  [['mix', '--replay', '0.1', '--repeats-max', '0'], 64, /--repeats-max is '0'/],
  [
    ['mix', '--replay', '0.1', '--replay-from', 'd7'],
    64,
    /--replay-from names 'd7', and the feed has 'd0', 'd1', 'd2'/,
  ],
  [['mix', '--replay-from', 'd0'], 64, /--replay-from is given without --replay/],
  [['mix', '--set', 'd0=1', '--repeats-max', '2'], 64, /--repeats-max is given without --replay/],
  [['batch'], 64, /--samples and --sample-tokens are missing/],
  [['batch', '--sample-tokens', '0'], 64, /--sample-tokens is '0'/],
  [['batch', '--sample-tokens', '96'], 64, /4 samples of 64 tokens by then, and samples of 96 do not divide these 256/],
  [['batch', '--samples', '0'], 64, /--samples is '0'/],
  [['batch', '--samples', '2', '--at', '0'], 64, new RegExp(`name step ${stepsNow} or`)],
  [['budget'], 64, /--tokens is missing/],
  [['budget', '--tokens', '1.5'], 64, /--tokens is '1\.5'/],
  [['budget', '--tokens', 'all'], 64, /--tokens is 'all'/],
  [['budget', '--tokens', '0'], 64, /--tokens is '0'/],
  [['budget', '--tokens', '1e30'], 64, /--tokens is '1e30'/],
  [['budget', '--tokens', '1', '--none'], 64, /--none is given with --tokens/],
  [['budget', '--tokens', '100'], 64, new RegExp(`100 tokens is passed: the ${stepsNow} steps`)],
]
test('what makes no sense is refused with the value and what would do, and nothing is written', async () => {
  const before = await hashFiles(join(original, 'test'))
  for (const [args, status, message] of refusals) {
    const done = await runMain([...args, '--dir', original])
    assert.equal(done.status, status, `${args.join(' ')}: ${done.err}`)
    assert.match(done.err, message)
  }
  assert.deepEqual(await hashFiles(join(original, 'test')), before)
})

test('the feed of a run that has ended goes on with another mixture up to its budget, and on with a raised one', async () => {
  const dir = copyRuns()
  const feed = feedOf(dir)
  const lines = await readLines(feed, stepsNow)
  const held = JSON.parse((await runMain(['feed', '--domains', '--dir', dir, '--json'])).out)
  const change = async (...args: string[]) => {
    const done = await runMain([...args, '--dir', dir, '--json'])
    assert.equal(done.status, 0, done.err)
    return JSON.parse(done.out)
  }
  const budget = held.tokens + 1000
  await change('budget', 'test', '--tokens', String(budget), '--note', 'a part of d2')
  const mixed = await change('mix', 'test', '--set', 'd2=2,d9=1', '--unseen', '--note', 'd1 is over')
  assert.deepEqual([mixed.step, mixed.recorded, mixed.replaces, mixed.endedBy], [stepsNow, true, [], 'budget'])
  const { steps } = mixed
  assert.ok(steps > stepsNow + 2)
  assert.deepEqual(await readLines(feed, stepsNow), lines)
  await checkSound(dir)
  assert.match((await runMain(['report', '--dir', dir])).out, /ended by its budget of [\d,]+ tokens: \d+ steps hold/)
  assert.match((await runMain(['feed', '--dir', dir])).out, /ended by its budget of/)
  const shown = JSON.parse((await runMain(['feed', '--domains', '--dir', dir, '--json'])).out)
  const d2 = shown.domains.find(({ domain }: { domain: string }) => domain === 'd2')
  const kept = held.domains.find(({ domain }: { domain: string }) => domain === 'd2').ready
  const given = shown.tokens - held.tokens
  assert.ok(given <= 1000, `${given} tokens`)
  assert.deepEqual([d2.weight, d2.later, d2.tokens, d2.ready, d2.epoch], [2 / 3, 2 / 3, given, kept - given, 0])
  const page = (await runMain(['feed', '--domains', '--dir', dir])).out
  assert.match(page, new RegExp(`^d2 +66\\.7% +${given} `, 'm'))
  // Nothing is there of d9, and of the few last steps a third was planned of it.
  const missed = ((100 / 3) * given) / shown.tokens
  assert.match(page, new RegExp(`^d9 +33\\.3% +0 +0\\.0% +0\\.0% +-${missed.toFixed(1)}% +0 +0 +-$`, 'm'))
  const [d0, d1] = ['d0', 'd1'].map(name => held.domains.find(({ domain }: { domain: string }) => domain === name))
  assert.ok(Math.abs(d0.difference + d1.difference) < 1e-9 && Math.abs(d0.difference) < 0.25)
  assert.equal(d0.recentTokens, d0.tokens)
  assert.ok(page.includes(`\n  step ${stepsNow}: mixture d2=2, d9=1\n    ${userInfo().username}@`), page)
  assert.match(page, /: d1 is over\n/)
  const again = await change('mix', 'test', '--set', 'd2=2,d9=1', '--unseen')
  assert.deepEqual([again.recorded, again.steps], [false, steps])
  await change('batch', 'test', '--samples', '2', '--at', String(steps + 2))
  const raised = await change('budget', 'test', '--none')
  assert.ok(raised.steps > steps + 2 && raised.endedBy === null)
  const all = (await readLines(feed, raised.steps)).map(line => JSON.parse(line))
  assert.ok(all[steps].tokens > budget - shown.tokens, 'one step more had been within it')
  const samples = all.map(line => line.samples)
  assert.deepEqual(
    samples,
    samples.map((_, step) => (step < steps + 2 ? 4 : 2)),
  )
  await checkSound(dir)
  // All of it is a function of entries and shards: a start makes a lost feed again.
  const files = await hashFiles(feed)
  for (const name of ['steps', 'blocks']) rmSync(join(feed, name), { recursive: true })
  rmSync(join(feed, 'head.json'))
  assert.equal((await runHeadrace(run(dir), undefined, small)).status, 0)
  assert.deepEqual(await hashFiles(feed), files)
})

test('a command that was stopped behind its entry goes on when it is given again', async () => {
  const dir = copyRuns()
  const args = ['mix', '--dir', dir, '--set', 'd2=1', '--json']
  assert.equal((await runMain(args)).status, 0)
  const files = await hashFiles(feedOf(dir))
  const stopped = copyRuns()
  cpSync(join(feedOf(dir), 'control.json'), join(feedOf(stopped), 'control.json'))
  const done = JSON.parse((await runMain(['mix', '--dir', stopped, '--set', 'd2=1', '--json'])).out)
  assert.deepEqual([done.recorded, done.step], [false, stepsNow])
  assert.deepEqual(await hashFiles(feedOf(stopped)), files)
})

test('a bare fork takes changes before it is planned, and is held only by other commands', async () => {
  const dir = copyRuns()
  const fork = ['fork', '--dir', dir, '--at', '3', '--name', 'other']
  assert.equal((await runMain([...fork, '--bare'])).status, 0)
  const feed = join(dir, 'test', 'forks', 'other')
  const change = (...args: string[]) => runMain([...args, '--feed', feed, '--json'])
  assert.equal(JSON.parse((await change('mix', '--set', 'd2=1')).out).steps, 3)
  assert.equal(JSON.parse((await change('batch', '--samples', '8')).out).step, 3)
  {
    await using _ = await lockDirectory(join(dir, 'test', 'forks'))
    assert.equal((await change('batch', '--samples', '16')).status, 73)
  }
  assert.equal((await runMain(fork)).status, 0)
  const ledger = new LedgerReader(feed, (await readHead(feed))!)
  assert.deepEqual(Object.keys((await ledger.open(3)).mixture), ['d2'])
  assert.equal((await ledger.open(3)).samples, 8)
  await checkSound(dir)
})

test('a share of a fork is drawn again, is counted by domain, and can be ended', async () => {
  const dir = copyRuns()
  const fork = ['fork', '--dir', dir, '--at', '6', '--name', 'again']
  assert.equal((await runMain([...fork, '--bare'])).status, 0)
  const feed = join(dir, 'test', 'forks', 'again')
  const args = [
    'mix',
    '--feed',
    feed,
    '--replay',
    '0.25',
    '--replay-from',
    'd0',
    '--repeats-max',
    '2',
    '--note',
    'forgets',
  ]
  const said = (await runMain(args)).out
  assert.match(said, /^25\.0% drawn again of d0, a document 2 times at most from step 6 of /)
  assert.equal((await runMain(fork)).status, 0)
  const head = (await readHead(feed))!
  assert.deepEqual(Object.keys(head.replayed!), ['d0'])
  const { tokens } = head.replayed!.d0
  const shown = JSON.parse((await runMain(['feed', feed, '--domains', '--json'])).out)
  const d0 = shown.domains.find(({ domain }: { domain: string }) => domain === 'd0')
  assert.deepEqual([d0.replayed, d0.epoch], [tokens, 0])
  const page = (await runMain(['feed', feed, '--domains'])).out
  assert.match(page, /share +again +of late/)
  assert.match(page, /step 6: 25\.0% drawn again of d0, a document 2 times at most\n.*: forgets\n/)
  assert.match(
    (await runMain(['feed', feed])).out,
    /\d tokens \([\d.]+% of those fed\) were drawn again from documents/,
  )
  await checkSound(dir)
  const path = join(feed, 'head.json')
  await writeFile(path, readFileSync(path, 'utf8').replace(`"tokens": ${tokens}`, `"tokens": ${tokens + 1}`))
  const { status, out } = await runMain(['verify', '--dir', dir])
  assert.equal(status, 65)
  assert.match(out, /it says that .* was drawn again, and it is/)
})

test('a run at work takes changes between its steps, and who asks is told of the step or why not', async () => {
  const dir = makeFolder('changed-live')
  const feed = feedOf(dir)
  const inbox = () => readdir(join(dir, 'test', 'inbox')).catch(() => [])
  let answers: Awaited<ReturnType<typeof runMain>>[] = []
  let lines: string[] = []
  const live = await runHeadrace(
    [...run(dir), '--follow'],
    async child => {
      while (((await readHead(feed).catch(() => null))?.steps ?? 0) < 4) await sleep(20)
      const ask = (...args: string[]) => runMain([...args, '--dir', dir, '--json'])
      answers = [
        await ask('mix', '--set', 'd0=1,d2=3', '--note', 'live'),
        await ask('batch', '--samples', '2', '--at', '1'),
        await ask('budget', '--tokens', '1e9'),
        await ask('budget', '--tokens', '1e9'),
        await ask('batch', '--sample-tokens', '128', '--at', '100000'),
        await ask('batch', '--sample-tokens', '96', '--at', '100000'),
      ]
      lines = await readLines(feed, (await readHead(feed))!.steps)
      child.kill('SIGTERM')
    },
    small,
  )
  assert.equal(live.status, 130, live.err)
  const [mixed, refused, bounded, known, longer, indivisible] = answers
  assert.deepEqual(
    answers.map(({ status }) => status),
    [0, 64, 0, 0, 0, 64],
    answers.map(({ err }) => err).join('\n'),
  )
  assert.match(mixed.err, /left in .*inbox for the process that holds the run/)
  const { step, recorded } = JSON.parse(mixed.out)
  assert.ok(recorded && step >= 4)
  assert.match(refused.err, /step 1 can't be changed: the steps before \d+ are planned; name step \d+ or a later one/)
  assert.deepEqual([JSON.parse(bounded.out).recorded, JSON.parse(known.out).recorded], [true, false])
  const { length, batch } = JSON.parse(longer.out)
  assert.deepEqual([length, batch], [128, 2], 'a step has as many tokens as before')
  assert.match(indivisible.err, /2 samples of 128 tokens by then, and samples of 96 do not divide these 256/)
  assert.deepEqual(await inbox(), [])
  const entries = await readControls(feed)
  assert.deepEqual(
    entries.map(({ note, budget, length }) => [note, budget, length]),
    [
      ['live', undefined, undefined],
      [undefined, 1e9, undefined],
      [undefined, undefined, 128],
    ],
  )
  // One whose command died waits for the next start. What is no change is told, and stops nothing.
  const order = { kind: 'control', step: null, who: 'ann@mill', at: '2026-01-02T03:04:05.678Z', note: null } as const
  await controlRequests.put(join(dir, 'test'), 'b', { ...order, id: 'b', change: { batch: 2 } })
  await controlRequests.put(join(dir, 'test'), 'c', { ...order, id: 'c', change: { batch: -2 } })
  await writeFile(join(corpus.dir, 'part-9.jsonl'), readFileSync(join(corpus.dir, 'part-0.jsonl')))
  try {
    const ended = await runHeadrace(run(dir), undefined, small)
    assert.equal(ended.status, 0, ended.err)
  } finally {
    rmSync(join(corpus.dir, 'part-9.jsonl'))
  }
  const answer = await controlAnswers.list(join(dir, 'test'))
  assert.match(answer.get('c')!.refused!, /'batch'.* -2/)
  assert.equal((await controlRequests.list(join(dir, 'test'))).size, 0)
  const taken = (await readControls(feed)).at(-1)!
  assert.deepEqual([taken.id, taken.batch, taken.step >= lines.length], ['b', 2, true])
  assert.deepEqual(await readLines(feed, lines.length), lines)
  const { steps } = (await readHead(feed))!
  const ledger = new LedgerReader(feed, (await readHead(feed))!)
  assert.ok(steps > taken.step + 2, `${steps} steps`)
  for (let at = 0; at < steps; at++) {
    const { samples, mixture } = await ledger.open(at)
    assert.equal(samples, at < taken.step ? 4 : 2)
    assert.equal('d2' in mixture, at >= step && mixture.d2 > 0, `step ${at}`)
  }
  await checkSound(dir)
})
