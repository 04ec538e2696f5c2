import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFates } from '../../src/inspect/fates.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readSplits } from '../../src/record/splits.ts'
import { runHeadrace, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'

const document = (id: string, text: string) => JSON.stringify({ id, text })

/** What became of each record, as `file:line fate reason id of duplicateOf`. */
async function fatesOf(dir: string): Promise<string[]> {
  const run = await RunReader.open(dir).catch(error => (error.code === 'not-found' ? null : Promise.reject(error)))
  if (!run) return []
  await using reader = run
  const fates: string[] = []
  for await (const { id, file, line, fate, reason, duplicateOf } of readFates(reader))
    fates.push([`${file.slice(-7)}:${line}`, fate, reason, id, duplicateOf].filter(Boolean).join(' '))
  return fates
}

async function waitForFates(dir: string, count: number): Promise<string[]> {
  for (let tries = 0; tries < 400; tries++) {
    const fates = await fatesOf(dir)
    if (fates.length >= count) return fates
    await sleep(25)
  }
  assert.fail(`the run has not decided ${count} records after 10 seconds`)
}

test('redrive: a follower takes what is left for it, a run that ended is refused, and --into makes another run', async () => {
  const input = makeFolder('redrive-input')
  const dir = makeFolder('redrive-cli')
  const pipeline = await writePipeline(
    input,
    glob =>
      `h.pipeline('test').from(h.jsonl(${glob}, { pollMs: 50 })).annotate(h.normalize(), h.signature()).decide(h.exactDuplicates())`,
  )
  const write = (name: string, ...lines: string[]) => writeFile(join(input, name), `${lines.join('\n')}\n`)
  const redrive = (...more: string[]) => runHeadrace(['redrive', pipeline, '--dir', dir, '--workers', '1', ...more])
  const run = join(dir, 'test')
  await write('a.jsonl', document('one', 'this is one'), '{', document('two', 'this is two'))

  let child: ChildProcess | undefined
  const following = runHeadrace(['run', pipeline, '--dir', dir, '--workers', '1', '--follow', '--json'], started => {
    child = started
  })
  const early = ['a.jsonl:1 kept one', 'a.jsonl:2 dead broken-json', 'a.jsonl:3 kept two']
  assert.deepEqual(await waitForFates(run, 3), early)
  await write(
    'a.jsonl',
    document('one', 'this is one'),
    document('copy', 'this is one'),
    document('two', 'this is two'),
  )
  const left = await redrive()
  assert.equal(left.status, 0, left.err)
  assert.match(left.out, /^reading again 1 dead record of 1 file\n {2}broken-json {2}1\n$/)
  assert.match(left.err, /left for the process that holds the run/)
  const late = [...early, 'a.jsonl:2 dropped exact-duplicate copy one']
  assert.deepEqual(await waitForFates(run, 4), late)
  child!.kill('SIGTERM')
  assert.equal((await following).status, 130)

  const nothing = await redrive()
  assert.deepEqual([nothing.status, nothing.err], [0, ''])
  assert.match(nothing.out, /^nothing to read again: in .* no record is dead that was not read again already\n$/)

  await write('b.jsonl', '[]', document('three', 'this is three'))
  assert.equal((await runHeadrace(['run', pipeline, '--dir', dir, '--workers', '1', '--json'])).status, 0)
  const ended = await redrive()
  assert.equal(ended.status, 64)
  assert.match(ended.err, /has ended and takes no more records: make its 1 dead record another run with --into NAME\n$/)
  await write('b.jsonl', document('mended', 'this is one'), document('three', 'this is three'))
  assert.match((await redrive('--into', 'test')).err, /--into names the run itself/)
  for (const _ of ['begun', 'gone on with']) {
    const other = await redrive('--into', 'other', '--json')
    assert.equal(other.status, 0, other.err)
    assert.equal(JSON.parse(other.out).documents, 1)
    assert.deepEqual(await fatesOf(join(dir, 'other')), ['b.jsonl:1 kept mended'])
  }
  await using other = await RunReader.open(join(dir, 'other'))
  assert.deepEqual(
    (await readSplits(other.log, other.run)).map(({ again }) => [again?.lines, again?.before]),
    [[[[1, 1]], 0]],
  )
  const refused = await runHeadrace(['run', pipeline, '--dir', dir, '--run', 'other'])
  assert.equal(refused.status, 64)
  assert.match(refused.err, /input was \["redrive:/)
})
