import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readControls } from '../../src/feed/files/control-file.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { LedgerReader } from '../../src/feed/files/ledger.ts'
import { snapshot } from '../feed/corpus.ts'
import { runHeadrace, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// The real command over a fork that has steps to come, and what a trainer reports to it.
const small = { slotBytes: 32 * 1024, shardSlotsMax: 1 }
const corpus = await writeCorpus({ seed: 41, files: 3, documentsPerFile: 60 })
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize()).tokenize('gpt2')
    .feed({ length: 64, batch: 8, blockSlotsMax: 1, mixture: { d0: 1, d1: 1 }, dry: 'renormalise' })`,
)
const original = makeFolder('controlled')
const begun = await runHeadrace(['run', pipeline, '--dir', original, '--workers', '1', '--json'], undefined, small)
assert.equal(begun.status, 0, begun.err)
const forked = await runMain(['fork', '--dir', original, '--at', '12', '--bare'])
assert.equal(forked.status, 0, forked.err)
let copies = 0

async function copyFork(means: Readonly<Record<string, number>>): Promise<{ dir: string; feed: string }> {
  const dir = join(makeFolder('controlled'), String(copies++))
  cpSync(original, dir, { recursive: true })
  const feed = join(dir, 'test', 'forks', 'at-12')
  const head = (await readHead(feed))!
  const ledger = new LedgerReader(feed, head)
  const lines: object[] = [{ form: 1, feed: head.feed, trainer: 't' }]
  for (let step = 0; step < head.steps; step++) {
    const { digest } = await ledger.open(step)
    const losses = Object.fromEntries(Object.entries(means).map(([name, mean]) => [name, [mean * 50, 50]]))
    lines.push({ step, digest, at: '2026-01-01T00:00:00.000Z', losses })
  }
  mkdirSync(join(feed, 'trainers', 't'), { recursive: true })
  writeFileSync(join(feed, 'trainers', 't', '00000000.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  return { dir, feed }
}

const refused: [args: string[], message: RegExp][] = [
  [['--alpha', '1'], /--alpha is '1'; it takes a number from 0 to 0\.999/],
  [['--min', 'x'], /--min is 'x'/],
  [['--max=-0.5'], /--max is '-0\.5'; it takes a number from 0 to 1/],
  [['--min', '0.6', '--max', '0.5'], /the least is above the most/],
  [['--min', '0.6'], /2 domains can't have 0\.6 to 0\.9 each/],
  [['--every', '0'], /--every is '0'/],
  [['--trainer', 'nobody'], /name one of the trainers that report, by --trainer: t$/m],
]
for (const [args, message] of refused)
  test(`refused: ${args.join(' ')}`, async () => {
    const { dir, feed } = await copyFork({ d0: 1, d1: 3 })
    const { status, err } = await runMain(['control', '--dir', dir, '--feed', feed, '--once', ...args])
    assert.deepEqual([status, message.test(err)], [64, true], err)
  })

test('it says what it would do, does it once, and records why', async () => {
  const { dir, feed } = await copyFork({ d0: 1, d1: 3 })
  const before = await snapshot(feed)
  const args = ['control', '--dir', dir, '--feed', feed, '--lead', '4']
  const dry = await runMain([...args, '--dry-run'])
  assert.equal(dry.status, 0, dry.err)
  assert.match(
    dry.out,
    /^losses of t in steps 0 to 11\ndomain +loss +reward +share now +asked +share then\nd0 +1\.0000/,
  )
  assert.match(dry.out, /the mixture of .*at-12 changes from step 16 on\n$/)
  assert.deepEqual(await snapshot(feed), before)
  const known = (await readControls(feed)).length

  const [done] = parseLines((await runMain([...args, '--once', '--json'])).out)
  assert.equal(done.refused, false)
  const entries = await readControls(feed)
  const { who, step, mixture, note } = entries[known]
  assert.deepEqual([entries.length, who, step], [known + 1, 'controller', 16])
  assert.ok(mixture!.d1 > 0.5 && mixture!.d0 < 0.5)
  const by = `online data mixing (arXiv 2312.02406) by the losses of t in steps 0 to 11`
  assert.equal(note, `${by}: d0 loss 1.0000, 0.5 -> ${mixture!.d0}; d1 loss 3.0000, 0.5 -> ${mixture!.d1}`)
  const again = await runMain([...args, '--once'])
  assert.match(again.out, /stays as it is: the mixture of step 16 is not seen yet: the last step with losses is 11\n$/)
  assert.equal((await readControls(feed)).length, known + 1)

  // The fork goes on under it, and the log of changes names the controller.
  const ended = await runMain(['fork', '--dir', dir, '--at', '12'])
  assert.equal(ended.status, 0, ended.err)
  assert.match(
    (await runMain(['feed', feed, '--domains'])).out,
    /step 16: mixture .*\n +controller, .*online data mixing/,
  )
  assert.match((await runMain([...args, '--once'])).out, /stays as it is: the feed has ended/)
  assert.equal((await runMain(['verify', '--dir', dir])).status, 0)
})

test('it looks again until it is stopped', async () => {
  const { dir, feed } = await copyFork({ d0: 2 })
  const bin = join(import.meta.dirname, '..', '..', 'bin', 'headrace.js')
  const child = spawn(process.execPath, [bin, 'control', '--dir', dir, '--feed', feed, '--look-seconds', '1'])
  let out = ''
  child.stdout.on('data', data => {
    out += data
    child.kill('SIGTERM')
  })
  const status = await new Promise(resolve => child.on('close', resolve))
  assert.deepEqual([status, /stays as it is: t has reported no loss of 'd1' of late/.test(out)], [0, true], out)
})
