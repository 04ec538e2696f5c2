import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { runMain } from '../cli/terminal.ts'
import { makeFolder } from '../temporary.ts'
import * as fixture from './fixture.ts'
import { type Corpus, hashOutput, runUntilCommit, writeCorpus, writePipeline } from './fixture.ts'

// One stage fails while the others are at work: the run stops at once, says why, and goes on to the same bytes once that is mended.
const small = { slotBytes: 20 * 1024 }
const runHeadrace = (args: readonly string[], onStart?: Parameters<typeof fixture.runHeadrace>[1]) =>
  fixture.runHeadrace(args, onStart, small)

let corpus: Corpus
/** An undisturbed run, and its output. */
let reference: string
let expected: Record<string, string>
const pipelineOf = (glob: string) => `h.pipeline('test').from(h.jsonl(${glob}))
  .annotate(obey, h.signature()).decide(h.rules(), h.exactDuplicates(), judge).tokenize('gpt2').feed({ length: 256, batch: 4 })`
/** Operators that fail on slot 5 or the like while a file says so. */
const operators = (mark: string) => `import { existsSync, readFileSync } from 'node:fs'
const order = () => existsSync(${JSON.stringify(mark)}) ? readFileSync(${JSON.stringify(mark)}, 'utf8') : ''
const obey = { name: 'obey', version: 1, exact: true, options: {}, reads: ['id'], writes: [], resources: [], rules: [],
  annotate: batch => {
    if (!Buffer.from(batch.columns.id.bytes).includes('3-12')) return {}
    if (order() === 'exit') process.exit(3)
    if (order() === 'throw') throw new Error('thrown')
    if (order() === 'world') throw new h.HeadraceError('corrupt', 'the model is damaged')
    return {}
  } }
const judge = { name: 'judge', version: 1, options: {}, reads: [], reasons: [], tables: [],
  open: (batch, slot) => { if (order() === 'bug' && slot === 5) throw new Error('a mistake in a decider'); return { decide: () => true, keep: () => {} } } }
`

let pipeline: string
let mark: string
before(async () => {
  corpus = await writeCorpus({ seed: 5, files: 5, documentsPerFile: 16 })
  mark = join(corpus.dir, 'mark')
  pipeline = await writePipeline(corpus.dir, pipelineOf)
  await writeFile(pipeline, operators(mark) + (await readFile(pipeline, 'utf8')))
  reference = makeFolder('reference')
  const { status, err } = await runHeadrace(['run', pipeline, '--dir', reference, '--workers', '1', '--json'])
  assert.equal(status, 0, err)
  expected = await hashOutput(join(reference, 'test'))
})

/** A slow machine gets such a line every few seconds. */
const progressLine = /^.*\d [kMG]?B\/s {2}.*\n/gm

/** What a second worker would show nothing of. */
const one = ['--workers', '1']

/** Runs until it ends, within `secondsMax`: more is a hang, on a machine that does ten other things, too. */
async function run(dir: string, more: string[] = [], secondsMax = 60) {
  let timer: NodeJS.Timeout | undefined
  const finished = await runHeadrace(['run', pipeline, '--dir', dir, '--workers', '2', '--json', ...more], child => {
    timer = setTimeout(() => child.kill('SIGKILL'), secondsMax * 1000)
  })
  clearTimeout(timer)
  assert.equal(finished.signal, null, `it hangs: ${finished.err}`)
  assert.doesNotMatch(finished.err, /unhandled|unsettled|garbage collection/i)
  return { ...finished, err: finished.err.replace(progressLine, '') }
}

const failures: [order: string, status: number, message: RegExp][] = [
  ['world', 65, /^headrace[ a-z]*: the model is damaged\n$/],
  ['bug', 70, /a mistake in a decider/],
]
for (const [order, status, message] of failures)
  test(`'${order}' in an operator stops the run with what happened, and mended it goes on to the same bytes`, async () => {
    const dir = makeFolder('failure')
    await writeFile(mark, order)
    const failed = await run(dir)
    assert.match(failed.err, message)
    assert.equal(failed.status, status, failed.err)
    await rm(mark)
    const { status: last, err } = await run(dir, one)
    assert.equal(last, 0, err)
    assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
  })

test('a row that kills its worker is dead, and all else has the bytes that it has beside a row that is dead for another reason', async () => {
  const outputs: Record<string, string>[] = []
  for (const [order, workers] of [
    ['throw', '2'],
    ['exit', '1'],
    ['exit', '4'],
  ]) {
    const dir = makeFolder('poison')
    await writeFile(mark, order)
    const { status, out, err } = await run(dir, ['--workers', workers])
    await rm(mark)
    assert.equal(status, 0, err)
    const fates = await runMain(['fates', '--dir', dir])
    const dead = fates.out.split('\n').filter(line => /"reason":"(crashed-worker|annotator-failed)"/.test(line))
    assert.deepEqual(
      dead.map(line => /"file":"[^"]*\/([^"]*)","line":(\d+)/.exec(line)!.slice(1)),
      [['part-3.jsonl', '13']],
    )
    assert.equal(JSON.parse(out).dead, corpus.broken + 1)
    outputs.push(await hashOutput(join(dir, 'test')))
  }
  assert.deepEqual(outputs[1], outputs[0])
  assert.deepEqual(outputs[2], outputs[0])
  assert.notDeepEqual(outputs[0], expected)
})

test('a failure ends a run that would wait for ever for further files', async () => {
  await writeFile(mark, 'bug')
  const { status, err } = await run(makeFolder('failure'), ['--follow'])
  await rm(mark)
  assert.match(err, /a mistake in a decider/)
  assert.equal(status, 70)
})

test('a damaged entry in the log stops the run with its place, and restored it goes on to the same bytes', async () => {
  const dir = makeFolder('damage')
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
  const drained = await runUntilCommit(args, { runDir: join(dir, 'test'), signal: 'SIGINT', small })
  assert.equal(drained.status, 130, drained.err)
  // What was decided is taken away, so that the damaged entry is read again while the loader is at work.
  for (const part of ['log/decide', 'log/shard', 'state', 'shards', 'feed'])
    await rm(join(dir, 'test', part), { recursive: true, force: true })
  const journals = join(dir, 'test', 'log', 'annotate')
  const path = join(journals, (await readdir(journals)).find(name => name.endsWith('.journal'))!)
  const whole = await readFile(path)
  const damaged = Buffer.from(whole)
  damaged[3_000] ^= 1
  await writeFile(path, damaged)
  const { status, err } = await run(dir, one)
  assert.equal(status, 65, err)
  assert.match(err, /^headrace[ a-z]*: entry annotate\.scored\/0:0 in .*\.journal does not match its checksum.*\n$/)
  // Slots that the loader committed meanwhile stay; the damaged byte alone is put back.
  const grown = await readFile(path)
  grown[3_000] ^= 1
  await writeFile(path, grown)
  const last = await run(dir, one)
  assert.equal(last.status, 0, last.err)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

test('a run file that is no run file is named, not called a bug', async () => {
  const dir = makeFolder('runfile')
  await cp(reference, dir, { recursive: true })
  await writeFile(join(dir, 'test', 'run.json'), '{"version":')
  const { status, err } = await run(dir)
  assert.equal(status, 65, err)
  assert.match(err, /run\.json is no run file of this version/)
})
