import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { numbers, stringAt, utf8 } from '../../src/batch/batch.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { topic } from '../../src/record/topic.ts'
import { parseLines, runMain } from '../cli/terminal.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { hashOutput, runUntilCommit, smallSlots, writeCorpus, writePipeline } from './fixture.ts'

// The same pipeline with all, with the kept and with none of its texts stored: what comes out is the same, and what stays on disk is not.
setLimits(smallSlots)
const corpus = await writeCorpus({ seed: 9, files: 4, documentsPerFile: 60 })
const plain = await writePipeline(corpus.dir)
const body = (await readFile(plain, 'utf8')).trimEnd()
const modes = ['all', 'kept', 'none'] as const
type Mode = (typeof modes)[number]
const less = ['kept', 'none'] as const
const pipelines = Object.fromEntries(modes.map(mode => [mode, join(corpus.dir, `${mode}.ts`)])) as Record<Mode, string>
for (const mode of modes) await writeFile(pipelines[mode], `${body}\n  .store({ text: '${mode}' })\n`)

const argsOf = (pipeline: string, dir: string) => ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
const dirs = Object.fromEntries(modes.map(mode => [mode, makeFolder(mode)])) as Record<Mode, string>
for (const mode of modes) assert.equal((await runMain(argsOf(pipelines[mode], dirs[mode]))).status, 0)
const expected = await hashOutput(join(dirs.all, 'test'))

const json = async (command: string, dir: string) =>
  parseLines((await runMain([command, '--dir', dir, '--json'])).out)[0]

for (const mode of less)
  test(`${mode}: shards, feed and totals are the same, no file of texts is left, and verify holds`, async () => {
    const run = join(dirs[mode], 'test')
    assert.deepEqual(await hashOutput(run), expected)
    assert.deepEqual(await readdir(join(run, 'texts')), [])
    const [all, fewer] = await Promise.all([dirs.all, dirs[mode]].map(dir => json('report', dir)))
    for (const name of ['documents', 'kept', 'dropped', 'textBytes', 'tokens']) assert.deepEqual(fewer[name], all[name])
    const verified = await runMain(['verify', '--dir', dirs[mode]])
    assert.equal(verified.status, 0, verified.out + verified.err)
  })

test('a log has more bytes the more texts it stores', async () => {
  const bytesOf = async (mode: Mode) => ((await json('runs', dirs[mode])).bytes as { log: number }).log
  const [all, kept, none] = await Promise.all(modes.map(bytesOf))
  assert.ok(none < 0.6 * all && none < kept && kept < all, `${none}, ${kept} and ${all} bytes`)
})

/** The texts of each kept document, and how many others have theirs. */
async function textsOf(mode: Mode) {
  await using run = await RunReader.open(join(dirs[mode], 'test'))
  const kept: string[] = []
  let dropped = 0
  for await (const { slot, scored } of run.slots()) {
    if (scored.columns.text) dropped += scored.rows
    const rows = (await run.kept(slot))!
    const text = rows.columns.text && utf8(rows, 'text')
    for (let row = 0; row < rows.rows; row++)
      kept.push(`${slot} ${numbers(rows, 'row')[row]} ${text ? stringAt(text, row) : ''}`)
  }
  return { kept, dropped }
}

test('kept: the texts of kept documents stand in the log, and no others', async () => {
  const [all, kept] = await Promise.all([textsOf('all'), textsOf('kept')])
  assert.ok(all.kept.length > 50 && all.dropped > 0)
  assert.deepEqual(kept, { kept: all.kept, dropped: 0 })
})

for (const mode of less)
  test(`${mode}: killed at work again and again, it goes on, and comes to the same`, async () => {
    const dir = makeFolder('killed')
    const run = join(dir, 'test')
    for (let life = 0; life < 3; life++)
      assert.equal(
        (await runUntilCommit(argsOf(pipelines[mode], dir), { runDir: run, signal: 'SIGKILL' })).signal,
        'SIGKILL',
      )
    const verified = await runMain(['verify', '--dir', dir])
    assert.equal(verified.status, 0, verified.out)
    assert.equal((await runMain(argsOf(pipelines[mode], dir))).status, 0)
    assert.deepEqual(await hashOutput(run), expected)
    assert.deepEqual(await readdir(join(run, 'texts')), [])
  })

test('texts that are lost or of another slot while they are needed stop the run, and nothing wrong is written', async () => {
  const dir = makeFolder('lost')
  const texts = join(dir, 'test', 'texts')
  const args = argsOf(pipelines.none, dir)
  await runUntilCommit(args, { runDir: join(dir, 'test'), commits: 2, signal: 'SIGKILL' })
  const [first] = (await readdir(texts)).filter(name => name.endsWith('.arrow')).sort()
  const bytes = await readFile(join(texts, first))
  await writeFile(join(texts, first), bytes.subarray(0, bytes.length - 8))
  const damaged = await runMain(args)
  assert.deepEqual([damaged.status, /does not hold the texts/.test(damaged.err)], [65, true], damaged.err)
  await rm(join(texts, first))
  const lost = await runMain(args)
  assert.deepEqual([lost.status, /texts of slot \d+ are gone/.test(lost.err)], [65, true], lost.err)
  await writeFile(join(texts, first), bytes)
  assert.equal((await runMain(args)).status, 0)
  assert.deepEqual(await hashOutput(join(dir, 'test')), expected)
})

const why = { kept: 'this run stores the texts of kept documents alone', none: 'this run does not store its texts' }
for (const mode of less)
  test(`${mode}: what shows texts says which are not stored, and what needs them refuses`, async () => {
    const looked = await runMain(['look', '--dir', dirs[mode]])
    assert.equal(looked.status, 0, looked.err)
    assert.ok(looked.out.includes(`│ (${why[mode]})`), looked.out)
    const read = (run: string, name?: 'annotate.scored') => {
      const split = { name: 'x', stamp: '' }
      return Array.fromAsync(topic(run, name).read(split, { offset: 0, line: 1 }, new AbortController().signal))
    }
    const run = join(dirs[mode], 'test')
    const refused = { code: 'trimmed', message: /has no texts any more/ }
    await assert.rejects(read(run, 'annotate.scored'), refused)
    if (mode === 'none') return assert.rejects(read(run), refused)
    const withoutNames = (chunks: Awaited<ReturnType<typeof read>>) => chunks.map(({ split, ...chunk }) => chunk)
    assert.deepEqual(withoutNames(await read(run)), withoutNames(await read(join(dirs.all, 'test'))))
  })

for (const mode of less)
  test(`${mode}: what-if says what it says of a run with all texts, and diff that they are the same`, async () => {
    const asked = ['--rule', 'gopherWords.below=200', '--by', 'domain', '--samples', '2', '--json']
    const [all, fewer] = await Promise.all(
      [dirs.all, dirs[mode]].map(dir => runMain(['what-if', 'test', '--dir', dir, ...asked])),
    )
    assert.deepEqual([all.status, fewer.out.replaceAll(dirs[mode], dirs.all)], [0, all.out], all.err)
    const compared = await runMain(['diff', join(dirs.all, 'test'), join(dirs[mode], 'test'), '--json'])
    const { same, unknownTexts } = parseLines(compared.out)[0]
    assert.deepEqual([compared.status, same, unknownTexts], [0, true, 0], compared.err)
  })

/** Notes of what is read again. The run that is replayed has kept all that is kept again, so that its texts are those that it stores. */
const readAgain = {
  kept: /texts of documents that the run which is replayed has not kept are not stored: these are read from the source again/,
  none: /texts of documents that have no tokens yet are not stored: these are read from the source again/,
}
for (const mode of less)
  test(`${mode}: replayed with another tokenizer, and that with the first one again: the bytes are the same`, async () => {
    const dir = makeFolder('again')
    const other = join(makeFolder('changed'), 'pipeline.ts')
    const changed = (await readFile(pipelines[mode], 'utf8')).replace("tokenize('gpt2')", "tokenize('cl100k_base')")
    await writeFile(other, changed)
    for (const [of, file, name] of [
      [join(dirs[mode], 'test'), other, 'other'],
      [join(dir, 'other'), pipelines[mode], 'first'],
    ]) {
      const args = ['replay', of, file, '--dir', dir, '--run', name, '--workers', '1']
      const { status, err } = await runMain(args)
      assert.equal(status, 0, err)
      assert.match(err, readAgain[mode])
      assert.equal((await runMain(['verify', '--dir', dir, '--run', name])).status, 0)
    }
    assert.deepEqual(await hashOutput(join(dir, 'first')), expected)
    assert.deepEqual(await readdir(join(dir, 'first')).then(names => names.includes('texts')), false)
  })

const refusals: [what: string, args: string[], status: number, message: RegExp][] = [
  ['none of a run that stored all', argsOf(pipelines.none, dirs.all), 64, /stored text was "all" and is "none"/],
  ['all of a run that stored none', argsOf(pipelines.all, dirs.none), 64, /stored text was "none" and is "all"/],
  ['kept of a run that stored none', argsOf(pipelines.kept, dirs.none), 64, /stored text was "none" and is "kept"/],
  [
    'an upgrade',
    [...argsOf(pipelines.kept, dirs.all), '--upgrade'],
    64,
    /stored text was "all" and is "kept"|has ended/,
  ],
]
for (const [what, args, status, message] of refusals)
  test(`refused: ${what}`, async () => {
    const refused = await runMain(args)
    assert.equal(refused.status, status)
    assert.match(refused.err, message)
  })
