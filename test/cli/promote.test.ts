import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { runHeadrace, writeCorpus } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// Whole runs of two thresholds over the same files, by the command line.
const dir = makeFolder('runs')
const pipelineOf = (wordsMin: number) => (glob: string) =>
  `h.pipeline('test')
  .from(h.jsonl(${glob}))
  .annotate(h.gopherQuality({ wordsMin: ${wordsMin} }), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4, blockTokens: 5000 })`

before(async () => {
  const corpus = await writeCorpus({ seed: 3, files: 2, documentsPerFile: 40 })
  const begin = async (name: string, wordsMin: number) => {
    const file = join(corpus.dir, `${name}.ts`)
    const glob = JSON.stringify(join(corpus.dir, '*.jsonl'))
    writeFileSync(file, `import * as h from 'headrace'\nexport default ${pipelineOf(wordsMin)(glob)}\n`)
    const { status, err } = await runHeadrace(['run', file, '--dir', dir, '--run', name, '--workers', '1'])
    assert.equal(status, 0, err)
  }
  await Promise.all([begin('A', 450), begin('B', 200)])
})

const promote = (...args: string[]) => runMain(['promote', 'A', 'B', '--dir', dir, ...args])

test('a plan, the promotion, and what verify, feed and report say of it', async () => {
  const plan = await promote('--plan', '--backfill', 'd0=d0-again')
  assert.equal(plan.status, 0, plan.err)
  const head = () => JSON.parse(readFileSync(join(dir, 'A', 'feed', 'head.json'), 'utf8'))
  const { steps } = head()
  assert.match(plan.out, new RegExp(`would promote the feed of .*A to .*B from step ${steps} on`))
  assert.match(plan.out, /domain +fed +tokens +backfilled +tokens +left out +tokens +covered +tokens\n/)
  assert.match(plan.out, new RegExp(`first changed step: ${steps} .*Nothing was written\\.`))
  assert.match(plan.out, /--backfill\s+'d1=d1-backfill'/)
  const done = await promote('--json', '--backfill', 'd0=d0-again', '--at', String(steps))
  assert.equal(done.status, 0, done.err)
  const { rows, step, planned, domains } = JSON.parse(done.out)
  assert.deepEqual([step, planned, rows.covered > 0, rows.backfilled > 0], [steps, false, true, true])
  assert.ok(head().steps > steps && head().ended && domains.length > 0)
  const verified = await runMain(['verify', '--dir', dir, '--run', 'A', '--steps', '8'])
  assert.deepEqual([verified.status, verified.err], [0, ''], verified.out)
  const fed = await runMain(['feed', join(dir, 'A'), '--from', String(steps), '--json'])
  assert.ok(
    fed.out
      .split('\n')
      .filter(Boolean)
      .some(line => 'd0-again' in JSON.parse(line).domains),
  )
  const again = await promote('--backfill', 'd0=d0-again')
  assert.match(
    again.out,
    new RegExp(`goes on with .*B from step ${steps} on since an earlier command: \\d+ steps? follow`),
  )
  for (const command of ['report', 'doctor']) {
    const { status, err } = await runMain([command, '--dir', dir, '--run', 'A'])
    assert.deepEqual([status, err], [0, ''], command)
  }
})

test('verify sees a changed count, another file behind a link, and tells of a run that is gone', async () => {
  const path = join(dir, 'A', 'feed', 'control.json')
  const text = readFileSync(path, 'utf8')
  const verify = () => runMain(['verify', '--dir', dir, '--run', 'A', '--steps', '2'])
  writeFileSync(path, text.replace(/"covered": \d+/, '"covered": 1'))
  writeFileSync(join(dir, 'A', 'feed', 'promoted', 'other.jsonl'), '')
  const changed = await verify()
  assert.equal(changed.status, 65)
  assert.match(changed.out, /plan: feed\/control\.json\n +the promotion at step \d+: its rows is/)
  assert.match(changed.out, /feed\/promoted\/other\.jsonl is of a promotion that was not recorded/)
  writeFileSync(path, text)
  renameSync(join(dir, 'B'), join(dir, 'C'))
  const gone = await verify()
  renameSync(join(dir, 'C'), join(dir, 'B'))
  assert.equal(gone.status, 0, gone.out)
  assert.match(gone.out, /what was not checked\n +the promotion at step \d+: .*is\s+no\s+longer\s+in/s)
  const promoted = JSON.parse(text)[0].promote
  const [line] = readFileSync(join(dir, 'A', 'feed', promoted.selection), 'utf8').split('\n')
  const shard = join(dir, 'A', 'shards', JSON.parse(line).path)
  const bytes = readFileSync(shard)
  bytes[bytes.length >> 1] ^= 1
  // A link's file is the other run's, too: a file of its own takes its place.
  renameSync(shard, `${shard}.whole`)
  writeFileSync(shard, bytes)
  const damaged = await verify()
  assert.equal(damaged.status, 65)
  assert.match(damaged.out, /shards: promoted.*its SHA-256 is.*the\s+promotion\s+says/s)
  renameSync(`${shard}.whole`, shard)
})

const bad: [args: string[], status: number, message: RegExp][] = [
  [['--backfill', 'd0'], 64, /--backfill is 'd0': it takes a domain, = and a value/],
  [['--backfill', 'd0=x', '--backfill', 'd0=y'], 64, /'d0' is given twice/],
  [['--weight', 'd0=much'], 64, /the weight 'much'; it takes a number/],
  [['--at', '-1'], 64, /--at/],
  [['--feed', join(dir, 'nowhere')], 66, /there is no feed in/],
]
for (const [args, status, message] of bad)
  test(`${args.join(' ').replace(dir, 'DIR')} is refused`, async () => {
    const found = await promote(...args)
    assert.equal(found.status, status, found.err)
    assert.match(found.err, message)
  })

test('a run that is not there is refused with those that are', async () => {
  const { status, err } = await runMain(['promote', 'A', 'X', '--dir', dir])
  assert.equal(status, 66)
  assert.match(err, /there is no run 'X': .* holds (A, B|B, A)/)
})
