import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { topic } from '../../src/record/topic.ts'
import { parseLines, runMain } from '../cli/terminal.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { hashOutput, runUntilCommit, smallSlots, writeCorpus, writePipeline } from './fixture.ts'

// The same pipeline with and without its texts stored: what comes out is the same, and what stays on disk is not.
setLimits(smallSlots)
const corpus = await writeCorpus({ seed: 9, files: 4, documentsPerFile: 60 })
const plain = await writePipeline(corpus.dir)
const textless = join(corpus.dir, 'textless.ts')
await writeFile(textless, `${(await readFile(plain, 'utf8')).trimEnd()}\n  .store({ text: 'none' })\n`)

const argsOf = (pipeline: string, dir: string) => ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
const [with_, without] = [makeFolder('stored'), makeFolder('textless')]
for (const [pipeline, dir] of [
  [plain, with_],
  [textless, without],
])
  assert.equal((await runMain(argsOf(pipeline, dir))).status, 0)
const expected = await hashOutput(join(with_, 'test'))

test('shards, feed and totals are the same, no text is left, and verify holds', async () => {
  assert.deepEqual(await hashOutput(join(without, 'test')), expected)
  assert.deepEqual(await readdir(join(without, 'test', 'texts')), [])
  const [all, none] = await Promise.all(
    [with_, without].map(async dir => parseLines((await runMain(['report', '--dir', dir, '--json'])).out)[0]),
  )
  for (const name of ['documents', 'kept', 'dropped', 'textBytes', 'tokens']) assert.deepEqual(none[name], all[name])
  const verified = await runMain(['verify', '--dir', without])
  assert.equal(verified.status, 0, verified.out + verified.err)
  const [a, b] = await Promise.all(
    [with_, without].map(async dir => parseLines((await runMain(['runs', '--dir', dir, '--json'])).out)[0]),
  )
  const logOf = (run: Record<string, unknown>) => (run.bytes as { log: number }).log
  assert.ok(logOf(b) < 0.6 * logOf(a), `${logOf(b)} of ${logOf(a)} bytes`)
})

test('killed at work again and again, it goes on, and comes to the same', async () => {
  const dir = makeFolder('killed')
  const run = join(dir, 'test')
  for (let life = 0; life < 3; life++)
    assert.equal((await runUntilCommit(argsOf(textless, dir), { runDir: run, signal: 'SIGKILL' })).signal, 'SIGKILL')
  const verified = await runMain(['verify', '--dir', dir])
  assert.equal(verified.status, 0, verified.out)
  assert.equal((await runMain(argsOf(textless, dir))).status, 0)
  assert.deepEqual(await hashOutput(run), expected)
  assert.deepEqual(await readdir(join(run, 'texts')), [])
})

test('texts that are lost or of another slot while they are needed stop the run, and nothing wrong is written', async () => {
  const dir = makeFolder('lost')
  const texts = join(dir, 'test', 'texts')
  await runUntilCommit(argsOf(textless, dir), { runDir: join(dir, 'test'), commits: 2, signal: 'SIGKILL' })
  const [first] = (await readdir(texts)).filter(name => name.endsWith('.arrow')).sort()
  const bytes = await readFile(join(texts, first))
  await writeFile(join(texts, first), bytes.subarray(0, bytes.length - 8))
  const damaged = await runMain(argsOf(textless, dir))
  assert.deepEqual([damaged.status, /does not hold the texts/.test(damaged.err)], [65, true], damaged.err)
  await rm(join(texts, first))
  const lost = await runMain(argsOf(textless, dir))
  assert.deepEqual([lost.status, /texts of slot \d+ are gone/.test(lost.err)], [65, true], lost.err)
  await writeFile(join(texts, first), bytes)
  assert.equal((await runMain(argsOf(textless, dir))).status, 0)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

test('what shows texts says that they are not stored, and what needs them refuses', async () => {
  const looked = await runMain(['look', '--dir', without])
  assert.equal(looked.status, 0, looked.err)
  assert.match(looked.out, /│ \(this run does not store its texts\)/)
  const { read } = topic(join(without, 'test'))
  const chunks = read({ name: 'x', stamp: '' }, { offset: 0, line: 1 }, new AbortController().signal)
  await assert.rejects(Array.fromAsync(chunks), { code: 'trimmed', message: /has no texts any more/ })
})

test('what-if says of a run without texts what it says of one with them, and diff that they are the same', async () => {
  const asked = ['--rule', 'gopherWords.below=200', '--by', 'domain', '--samples', '2', '--json']
  const [all, none] = await Promise.all(
    [with_, without].map(dir => runMain(['what-if', 'test', '--dir', dir, ...asked])),
  )
  assert.deepEqual([all.status, none.out.replaceAll(without, with_)], [0, all.out], all.err)
  const compared = await runMain(['diff', join(with_, 'test'), join(without, 'test'), '--json'])
  const { same, unknownTexts } = parseLines(compared.out)[0]
  assert.deepEqual([compared.status, same, unknownTexts], [0, true, 0], compared.err)
})

test('replayed with another tokenizer, and that with the first one again: texts are made from the source, the bytes are the same', async () => {
  const dir = makeFolder('again')
  const other = join(makeFolder('changed'), 'pipeline.ts')
  await writeFile(other, (await readFile(textless, 'utf8')).replace("tokenize('gpt2')", "tokenize('cl100k_base')"))
  for (const [of, file, name] of [
    [join(without, 'test'), other, 'other'],
    [join(dir, 'other'), textless, 'first'],
  ]) {
    const args = ['replay', of, file, '--dir', dir, '--run', name, '--workers', '1']
    const { status, err } = await runMain(args)
    assert.equal(status, 0, err)
    assert.match(err, /texts of documents that have no tokens yet are not stored: these are read from the source again/)
    assert.equal((await runMain(['verify', '--dir', dir, '--run', name])).status, 0)
  }
  assert.deepEqual(await hashOutput(join(dir, 'first')), expected)
  assert.deepEqual(await readdir(join(dir, 'first')).then(names => names.includes('texts')), false)
})

const refusals: [what: string, args: string[], status: number, message: RegExp][] = [
  ['a run that stored them', argsOf(textless, with_), 64, /stored text was "all" and is "none"/],
  ['a run that did not', argsOf(plain, without), 64, /stored text was "none" and is "all"/],
  ['an upgrade to it', [...argsOf(textless, with_), '--upgrade'], 64, /stored text was "all" and is "none"|has ended/],
]
for (const [what, args, status, message] of refusals)
  test(`refused: ${what}`, async () => {
    const refused = await runMain(args)
    assert.equal(refused.status, status)
    assert.match(refused.err, message)
  })
