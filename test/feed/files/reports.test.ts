import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listTrainers, readReports } from '../../../src/feed/files/reports.ts'
import { limits } from '../../../src/limits.ts'
import { makeFolder } from '../../temporary.ts'

const feed = 'f'.repeat(64)
const digest = 'd'.repeat(64)
const at = '2026-11-29T00:00:00.000Z'
const first = (trainer: string) => JSON.stringify({ form: 1, feed, trainer })
const step = (number: number, losses?: object) =>
  JSON.stringify({ step: number, digest, at, ...(losses && { losses }) })
const checkpoint = (number: number, oldest = number) => JSON.stringify({ checkpoint: number, digest, oldest, at })

/** A feed with the reports of a trainer `t`, a list of lines a file. */
function write(name: string, files: readonly (readonly string[])[], end = '\n'): string {
  const dir = makeFolder(`reports-${name}`)
  mkdirSync(join(dir, 'trainers', 't'), { recursive: true })
  for (const [number, lines] of files.entries())
    writeFileSync(join(dir, 'trainers', 't', `${String(number).padStart(8, '0')}.jsonl`), lines.join('\n') + end)
  return dir
}

const stepsOf = async (dir: string, max = 100) => (await readReports(dir, 't', max)).consumed.map(one => one.step)

test('a step counts once, as it was reported last, and what follows it is of the same life', async () => {
  const before = [first('t'), step(0), step(1), checkpoint(2, 0), step(2, { a: [1, 1] }), step(3), step(4)]
  const dir = write('rerun', [before, [first('t'), step(2, { a: [2, 1] }), step(3)]])
  const { consumed, checkpoint: last, feed: of, damagedLines } = await readReports(dir, 't', 100)
  assert.deepEqual(
    consumed.map(one => one.step),
    [3, 2, 1, 0],
  )
  assert.equal(consumed[1].losses?.get('a')?.sum, 2)
  assert.deepEqual([last?.step, last?.oldest, of, damagedLines], [2, 0, feed, 0])
  assert.deepEqual(await stepsOf(dir, 2), [3, 2])
})

test('what is no report is counted and left out', async () => {
  const wrong = [
    '{"step":1', // Cut off.
    JSON.stringify({ step: -1, digest, at }),
    JSON.stringify({ step: 1, digest: 'x', at }),
    JSON.stringify({ step: 1, digest }),
    step(1, { a: 3 }),
    step(1, { a: ['x', 1] }),
    step(1, { a: [1, -1] }),
    checkpoint(2, 3),
    '[]',
    'null',
  ]
  const dir = write('damaged', [[first('t'), step(0), ...wrong, step(2)]])
  assert.deepEqual(await stepsOf(dir), [2, 0])
  assert.equal((await readReports(dir, 't', 100)).damagedLines, wrong.length)
  const torn = write(
    'torn',
    [
      [first('t'), step(0), step(1).slice(0, 40)],
      [first('t'), step(1)],
    ],
    '',
  )
  assert.deepEqual(await stepsOf(torn), [1, 0])
  assert.equal((await readReports(torn, 't', 100)).damagedLines, 1)
})

test('a file of another trainer or form says no feed', async () => {
  for (const opening of [first('u'), JSON.stringify({ form: 2, feed, trainer: 't' })]) {
    const { feed: of, damagedLines } = await readReports(write('other', [[opening, step(0)]]), 't', 100)
    assert.deepEqual([of, damagedLines], [null, 1])
  }
})

test('losses that are no numbers, and any name of a domain, are read', async () => {
  const dir = write('names', [
    [first('t'), `{"step":0,"digest":"${digest}","at":"${at}","losses":{"__proto__":[null,4]}}`],
  ])
  const [one] = (await readReports(dir, 't', 100)).consumed
  assert.deepEqual([...one.losses!], [['__proto__', { sum: null, targets: 4 }]])
})

test('names of trainers are folders of a plain name, and bounded', async () => {
  const dir = write('list', [])
  for (const name of ['.hidden', 'b c', 'run-7']) mkdirSync(join(dir, 'trainers', name))
  assert.deepEqual(await listTrainers(dir), ['run-7', 't'])
  assert.deepEqual(await listTrainers(makeFolder('reports-none')), [])
  for (let number = 0; number < limits.trainersMax; number++) mkdirSync(join(dir, 'trainers', `n${number}`))
  await assert.rejects(() => listTrainers(dir), /1002 trainers, over 1000/)
})
