import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { decodeBatch } from '../../src/batch/ipc.ts'
import type { PipelineRef } from '../../src/run/jobs.ts'
import { Pool } from '../../src/run/pool.ts'
import type { Chunk } from '../../src/sources/source.ts'
import { makeDir } from './fixture.ts'

/** A loader whose annotator does what the text tells it to. */
const loader = `
import { HeadraceError, jsonl, pipeline, planPipeline } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
const obey = {
  ...{ name: 'obey', version: 1, exact: true, options: {}, reads: ['text'], writes: [], resources: [], rules: [] },
  annotate: async batch => {
    const text = Buffer.from(batch.columns.text.bytes).toString()
    if (text === 'exit') process.exit(3)
    if (text === 'crash') setImmediate(() => { throw new Error('crashed beside the job') })
    if (text === 'crash') await new Promise(resolve => setTimeout(resolve, 5000))
    if (text === 'world') throw new HeadraceError('corrupt', 'the model is damaged')
    if (text === 'exit later') setTimeout(() => process.exit(4), 20)
    return {}
  },
}
export const loadPlan = async ref => {
  if (ref.module === 'none') throw new HeadraceError('bad-pipeline', 'there is no such pipeline')
  return planPipeline(pipeline('p').from(jsonl('none')).annotate(obey).tokenize('gpt2'))
}
`
let ref: PipelineRef
before(async () => {
  const path = join(await makeDir('pool'), 'loader.mjs')
  await writeFile(path, loader)
  ref = { loader: pathToFileURL(path).href, module: 'some', input: [], follow: false }
})

function chunkOf(...texts: string[]): Chunk {
  const bytes = new Uint8Array(Buffer.from(texts.map(text => JSON.stringify({ text })).join('\n')))
  return { split: 'a', line: 1, bytes, dead: [], next: { offset: 0, line: 2 } }
}

test('slots come back measured, each to who sent it, and their tokens', async () => {
  await using pool = new Pool(2, ref)
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, slot) => pool.annotate(slot, [chunkOf(...Array(slot + 1).fill('text'))])),
  )
  assert.deepEqual(
    results.map(({ rows, deadRows }) => [rows, deadRows]),
    Array.from({ length: 20 }, (_, slot) => [slot + 1, 0]),
  )
  const { batch } = decodeBatch(await pool.tokenize(7, results[3].scored))
  assert.deepEqual([batch.rows, Object.hasOwn(batch.columns, 'tokens')], [4, true])
})

const failures: [text: string, expected: object][] = [
  ['exit', { message: /a worker ended with status 3 at slot 0/ }],
  ['crash', { message: /crashed beside the job/ }],
  ['world', { code: 'corrupt', message: 'the model is damaged', exit: 65 }],
]
for (const [text, expected] of failures)
  test(`a worker where an annotator does '${text}' fails the job at once, with what happened`, async () => {
    await using pool = new Pool(1, ref)
    const jobs = [0, 1, 2, 3].map(slot => pool.annotate(slot, [chunkOf(slot === 0 ? text : 'text')]))
    const results = await Promise.allSettled(jobs)
    await assert.rejects(jobs[0], expected)
    const isOver = text !== 'world'
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', ...Array(3).fill(isOver ? 'rejected' : 'fulfilled')],
    )
    if (isOver) await assert.rejects(pool.annotate(4, [chunkOf('text')]), expected)
  })

test('a worker that ends while it has nothing to do fails the next job instead of letting it wait for ever', {
  timeout: 10_000,
}, async () => {
  const ended = new Promise(resolve => process.once('worker', worker => worker.once('exit', resolve)))
  await using pool = new Pool(1, ref)
  await pool.annotate(0, [chunkOf('exit later')])
  await ended
  await assert.rejects(pool.annotate(1, [chunkOf('text')]), { message: /a worker ended with status 4/ })
})

test('a pipeline that a worker cannot load fails every job with its reason', async () => {
  await using pool = new Pool(1, { ...ref, module: 'none' })
  await assert.rejects(pool.annotate(0, [chunkOf('text')]), { message: /there is no such pipeline/ })
})

test('a pool that was let go takes no job and leaves none waiting', async () => {
  const pool = new Pool(1, ref)
  const waiting = [0, 1, 2, 3].map(slot => pool.annotate(slot, [chunkOf('text')]))
  const settled = Promise.allSettled(waiting)
  await pool[Symbol.asyncDispose]()
  assert.ok((await settled).every(({ status }) => status === 'rejected'))
  await assert.rejects(pool.annotate(5, [chunkOf('text')]), { code: 'fenced' })
})
