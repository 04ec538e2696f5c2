import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readHead } from '../../src/feed/files/head.ts'
import { holdFeed } from '../../src/feed/files/holds.ts'
import { LedgerReader } from '../../src/feed/files/ledger.ts'
import { snapshot } from '../feed/corpus.ts'
import { runHeadrace, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// A run's feed is trimmed by the real command, with small blocks, rows, and what trainers report.
const small = { slotBytes: 32 * 1024, shardSlotsMax: 1 }
const corpus = await writeCorpus({ seed: 41, files: 3, documentsPerFile: 60 })
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize()).tokenize('gpt2')
    .feed({ length: 64, batch: 4, blockTokens: 2000, blockSlotsMax: 1, mixture: { d0: 1, d1: 1 }, dry: 'renormalise' })`,
)
const original = makeFolder('trimmed')
const run = (dir: string) => ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
const begun = await runHeadrace(run(original), undefined, small)
assert.equal(begun.status, 0, begun.err)
const head = (await readHead(join(original, 'test', 'feed')))!
const ledger = new LedgerReader(join(original, 'test', 'feed'), head)
const digestBefore = async (step: number) => (await ledger.open(step - 1)).digest
let copies = 0

function copyRun(): { dir: string; feed: string } {
  const dir = join(makeFolder('trimmed'), String(copies++))
  cpSync(original, dir, { recursive: true })
  return { dir, feed: join(dir, 'test', 'feed') }
}

/** Reports as a trainer writes them: of a checkpoint, unless it has none. */
async function report(feed: string, trainer: string, checkpoint: [step: number, oldest: number] | null, digest = '') {
  const folder = join(feed, 'trainers', trainer)
  mkdirSync(folder, { recursive: true })
  const at = '2026-01-01T00:00:00.000Z'
  const lines: object[] = [{ form: 1, feed: head.feed, trainer }]
  const consumed = { step: 0, digest: await digestBefore(1), at }
  if (checkpoint) {
    const [step, oldest] = checkpoint
    lines.push({ checkpoint: step, oldest, digest: digest || (await digestBefore(step)), at })
  } else lines.push(consumed)
  appendFileSync(join(folder, '00000000.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
}

type Reports = [trainer: string, checkpoint: [number, number] | null, digest?: string][]
const refused: [what: string, reports: Reports, args: string[], message: RegExp][] = [
  ['nobody has reported', [], [], /no trainer has reported a checkpoint, so that nobody knows .* name --before-step/],
  [
    'a trainer without a checkpoint',
    [
      ['a', [9, 9]],
      ['b', null],
    ],
    [],
    /'b' has reported no checkpoint and may begin/,
  ],
  [
    'one of another history',
    [
      ['a', [9, 9]],
      ['b', [7, 5], 'f'.repeat(64)],
    ],
    [],
    /trainer 'b': it reports a check/,
  ],
  ['a step that a trainer keeps', [['a', [9, 6]]], ['--before-step', '7'], /trainer 'a' keeps a checkpoint of step 6/],
  ['no step', [], ['--before-step', 'x'], /--before-step is 'x'/],
  ['step 0', [], ['--before-step', '0'], /--before-step is '0'/],
  ['a step to come', [], ['--before-step', '999999'], /step 999999 is no place to trim to: .* has steps 0 to \d+$/m],
  ['both ways at once', [], ['--restore', '--apply'], /--restore makes blocks again: it goes with no other/],
]
for (const [what, reports, args, message] of refused)
  test(`refused: ${what}`, async () => {
    const { dir, feed } = copyRun()
    for (const [trainer, checkpoint, digest] of reports) await report(feed, trainer, checkpoint, digest)
    const before = await snapshot(feed)
    const { status, err } = await runMain(['trim', '--dir', dir, ...args])
    assert.deepEqual([status, message.test(err)], [64, true], err)
    assert.deepEqual(await snapshot(feed), before)
  })

test('a feed is trimmed to the oldest checkpoint of all, and whoever looks is told', async () => {
  const { dir, feed } = copyRun()
  const whole = await snapshot(feed)
  const { steps } = head
  const oldest = Math.floor(steps / 2)
  await report(feed, 'a', [steps, oldest])
  await report(feed, 'b', [steps - 1, steps - 1])
  assert.equal((await runMain(['materialise', '--dir', dir, '--file-steps', '4'])).status, 0)
  const before = await snapshot(feed)

  const { documents } = JSON.parse((await runMain(['audit', '--dir', dir, '--step', '0', '--json'])).out)
  const auditOne = async () => (await runMain(['audit', '--dir', dir, '--document', documents[0].id, '--json'])).out
  const audited = await auditOne()
  assert.match(audited, /"step":0/)

  const dry = await runMain(['trim', '--dir', dir])
  assert.equal(dry.status, 0, dry.err)
  assert.match(dry.out, new RegExp(`trainer +checkpoint +oldest kept\\na +${steps} +${oldest}\\n`))
  assert.match(dry.out, /nothing is touched: --apply lets go of them\n$/)
  assert.deepEqual(await snapshot(feed), before)

  const done = await runMain(['trim', '--dir', dir, '--apply', '--json', '--note', 'epoch 1 is over'])
  const [line] = parseLines(done.out)
  assert.deepEqual([line.step, line.applied], [oldest, true])
  assert.ok(Number(line.blocks) > 1 && Number(line.rows) > 0, done.out)
  const after = await snapshot(feed)
  const gone = Object.keys(before).filter(path => !(path in after))
  assert.equal(gone.filter(path => path.startsWith('blocks/')).length, line.blocks)
  assert.equal(gone.filter(path => /^rows\/.*\.json$/.test(path)).length, line.rows)
  assert.ok(gone.every(path => /^(blocks|rows)\//.test(path)))
  assert.deepEqual(parseLines((await runMain(['trim', '--dir', dir, '--apply', '--json'])).out)[0].blocks, 0)

  const told = new RegExp(`was trimmed by .*epoch 1 is over.*from step ${oldest} on`)
  const read = await runMain(['feed', '--dir', dir, '--json'])
  assert.deepEqual(
    parseLines(read.out).map(({ step }) => step),
    Array.from({ length: steps - oldest }, (_, i) => oldest + i),
  )
  assert.match(read.err, told)
  for (const args of [
    ['feed', '--from', '0'],
    ['audit', '--step', '0'],
    ['export', '--to', 'mds', '--out', join(dir, 'out'), '--fields', 'tokens'],
  ]) {
    const early = await runMain([...args, '--dir', dir])
    assert.equal(early.status, 65, `${args}: ${early.err}`)
    assert.match(early.err, told)
  }
  assert.equal((await runMain(['feed', '--dir', dir, '--domains'])).status, 0)
  assert.equal(await auditOne(), audited, 'which steps held a document is known all the same')
  const verified = await runMain(['verify', '--dir', dir])
  assert.equal(verified.status, 0, verified.out)
  assert.match(
    verified.out,
    new RegExp(`${line.blocks} blocks of feed were let go, and the shards give the same again`),
  )
  assert.match(verified.out.replaceAll(/\s+/g, ' '), told)

  // A start plans the feed again, and shows steps that are there.
  const again = await runHeadrace(run(dir).slice(0, -1), undefined, small)
  assert.equal(again.status, 0, again.err)
  assert.match(again.out, new RegExp(`first steps of the feed\\n +step .*\\n +${oldest} `))
  assert.deepEqual(await snapshot(feed), after)
  assert.equal((await runMain(['materialise', '--dir', dir, '--file-steps', '4'])).status, 0)

  const restored = await runMain(['trim', '--dir', dir, '--restore', '--json'])
  assert.equal(parseLines(restored.out)[0].restored, line.blocks, restored.err)
  const now = await snapshot(feed)
  for (const [path, bytes] of Object.entries(whole)) assert.equal(now[path], bytes, path)
  assert.equal((await runMain(['feed', '--dir', dir, '--from', '0'])).status, 0)
  assert.equal((await runMain(['verify', '--dir', dir])).status, 0)
})

test('a block that was let go and that the shards no longer give is found', async () => {
  const { dir, feed } = copyRun()
  assert.equal((await runMain(['trim', '--dir', dir, '--before-step', String(head.steps), '--apply'])).status, 0)
  const [left] = Object.keys(await snapshot(join(feed, 'trimmed')))
  const bytes = Buffer.from((await snapshot(join(feed, 'trimmed')))[left], 'latin1')
  const at = bytes.lastIndexOf('sha256') + 11
  bytes[at] = bytes[at] === 0x61 ? 0x62 : 0x61
  writeFileSync(join(feed, 'trimmed', left), bytes)
  const { status, out } = await runMain(['verify', '--dir', dir])
  assert.equal(status, 65, out)
  assert.match(out, /the block that was let go is not what its shards give/)
})

test('nothing is let go while the feed is exported or rows are written', async () => {
  const { dir, feed } = copyRun()
  const args = ['trim', '--dir', dir, '--before-step', String(head.steps), '--apply']
  {
    await using _ = await holdFeed(feed)
    const { status, err } = await runMain(args)
    assert.deepEqual([status, /is being exported by process \d+ on/.test(err)], [73, true], err)
  }
  assert.equal(existsSync(join(feed, 'trimmed.json')), false)
  mkdirSync(join(feed, 'holds', 'x'), { recursive: true })
  assert.equal((await runMain(args)).status, 0, 'what a dead one left holds nothing')
  assert.equal(existsSync(join(feed, 'trimmed.json')), true)
  const nothing = await runMain(args)
  assert.match(nothing.out, /there is nothing to let go of\n$/)
})
