import assert from 'node:assert/strict'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readRunFile } from '../../src/record/run-file.ts'
import { runMain } from '../cli/terminal.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { hashOutput, runHeadrace, runUntilCommit, smallSlots, writeCorpus, writePipeline } from './fixture.ts'

// A run that is stopped, upgraded to a stricter rule, and goes on: what was decided stays, what follows is decided by the new rule.
const pipelineOf = (wordsMin: number) => (glob: string) =>
  `h.pipeline('test').from(h.jsonl(${glob}))
  .annotate(h.normalize(), h.gopherQuality(), h.signature())
  .decide(h.rules({ gopherWords: { below: ${wordsMin} } }), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2').feed({ length: 256, batch: 4 })`

setLimits(smallSlots)

let pipeline: string
/** A run that was stopped at work under the first pipeline. */
let stopped: string
before(async () => {
  const corpus = await writeCorpus({ seed: 9, files: 6, documentsPerFile: 40 })
  pipeline = await writePipeline(corpus.dir, pipelineOf(200))
  stopped = makeFolder('stopped')
  const args = ['run', pipeline, '--dir', stopped, '--workers', '1', '--json']
  const { status, err } = await runUntilCommit(args, { runDir: join(stopped, 'test'), signal: 'SIGINT' })
  assert.equal(status, 130, err)
  await writePipeline(corpus.dir, pipelineOf(500))
})

const run = (dir: string, ...more: string[]) =>
  runMain(['run', pipeline, '--dir', dir, '--workers', '1', '--json', ...more])

interface FateLine {
  readonly slot: number
  readonly fate: string
  readonly reason: string | null
  readonly evidence: number
}
async function fatesOf(dir: string): Promise<FateLine[]> {
  const { out } = await runMain(['fates', '--dir', dir])
  return out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

async function copyStopped(): Promise<string> {
  const dir = makeFolder('upgraded')
  await cp(stopped, dir, { recursive: true })
  return dir
}

test('a changed rule is refused, then takes effect at one slot with --upgrade, and the same bytes come out after kills and a lost state', async () => {
  const dir = await copyStopped()
  const refused = await run(dir)
  assert.equal(refused.status, 64)
  assert.match(refused.err, /begun with another pipeline: decide was .*--upgrade/)
  const before = await fatesOf(dir)
  const upgraded = await run(dir, '--upgrade')
  assert.equal(upgraded.status, 0, upgraded.err)
  const { segments } = (await readRunFile(join(dir, 'test')))!
  assert.equal(segments.length, 2)
  const { from } = segments[1]
  const fates = await fatesOf(dir)
  const short = (lines: FateLine[]) => lines.filter(line => line.reason === 'too-few-words').map(line => line.evidence)
  assert.deepEqual(
    fates.filter(({ slot }) => slot < from),
    before,
    'what was decided stays',
  )
  assert.ok(Math.max(...short(before)) < 200 && Math.max(...short(fates.filter(({ slot }) => slot >= from))) > 200)
  const expected = await hashOutput(join(dir, 'test'))

  const lost = await copyStopped()
  await rm(join(lost, 'test', 'state'), { recursive: true })
  assert.equal((await run(lost, '--upgrade')).status, 0)
  assert.deepEqual(await hashOutput(join(lost, 'test')), expected, 'tables rebuilt from what the log says was kept')

  const killed = await copyStopped()
  for (const commits of [1, 2]) {
    const args = ['run', pipeline, '--dir', killed, '--workers', '1', '--upgrade', '--json']
    const life = await runUntilCommit(args, { runDir: join(killed, 'test'), commits, signal: 'SIGKILL' })
    assert.equal(life.signal, 'SIGKILL', life.err)
  }
  assert.equal((await run(killed, '--upgrade')).status, 0)
  assert.deepEqual(await hashOutput(join(killed, 'test')), expected)
  assert.deepEqual(
    (await readRunFile(join(killed, 'test')))!.segments,
    segments,
    'one upgrade, however often it is asked for',
  )
})

test('a run that was killed between measuring and deciding is drained by the old pipeline, then upgraded', async () => {
  const dir = await copyStopped()
  const annotatesMore = (await readFile(pipeline, 'utf8')).replace('h.signature()', 'h.signature(), h.density()')
  const more = join(makeFolder('more'), 'pipeline.ts')
  await writeFile(more, annotatesMore)
  for (const part of ['log/decide', 'log/shard', 'state', 'shards', 'feed'])
    await rm(join(dir, 'test', part), { recursive: true, force: true })
  const early = await runMain(['run', more, '--dir', dir, '--workers', '1', '--upgrade', '--json'])
  assert.equal(early.status, 64)
  assert.match(early.err, /slots 0 to \d+ measured by the old pipeline and not decided: run that with --drain first/)
  await writePipeline(join(pipeline, '..'), pipelineOf(200))
  // The file is another by now, which a process of its own reads.
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--json', '--drain']
  const drained = await runHeadrace(args, undefined, smallSlots)
  assert.equal(drained.status, 0, drained.err)
  const late = await runMain(['run', more, '--dir', dir, '--workers', '1', '--upgrade', '--json'])
  assert.equal(late.status, 0, late.err)
  assert.equal((await readRunFile(join(dir, 'test')))!.segments.length, 2)
})
