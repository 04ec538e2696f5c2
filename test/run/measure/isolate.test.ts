import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { utf8From } from '../../../src/batch/batch.ts'
import { limits } from '../../../src/limits.ts'
import { encodeKept, keptBatch } from '../../../src/record/kept.ts'
import type { MeasuredSlot } from '../../../src/record/slots.ts'
import { isolateRows, tokenizeAgain, WorkerLost } from '../../../src/run/measure/isolate.ts'
import type { Alone, Phase } from '../../../src/run/measure/jobs.ts'

const result: MeasuredSlot = { scored: new Uint8Array(0), dead: null, rows: 0, deadRows: 0 }
const chunk = { split: 'a.jsonl', line: 7, bytes: new Uint8Array(0), dead: [], next: { offset: 0, line: 8 } }
const outOfMemory = { code: 'ERR_WORKER_OUT_OF_MEMORY' }
const died = (at: number, phase: Phase = 'measuring-row', cause?: unknown) =>
  new WorkerLost('crashed-worker', 'the worker ended with status 3', { phase, at }, cause)
const hung = (at: number) => new WorkerLost('took-too-long', 'not done within 60 s', { phase: 'measuring-row', at })

/** Answers with these losses one after the other, then with a result; what was asked is told. */
async function isolate(losses: readonly (Error | ((alone: Alone) => Error | null))[]) {
  const asked: string[] = []
  const left = [...losses]
  const measure = async (alone: Alone) => {
    asked.push(`${alone.poison.map(({ row, reason }) => `${row} ${reason}`).join(', ')} | ${alone.suspect}`)
    const loss = left.shift()
    if (loss) throw loss
    return result
  }
  assert.equal(await isolateRows(4, [chunk], measure as (alone: Alone) => Promise<MeasuredSlot>), result)
  return asked
}

const cases: [what: string, losses: Error[], asked: string[]][] = [
  ['rows that failed only together survive', [], [' | -1']],
  ['a row that kills is asked twice', [died(5), died(5)], [' | -1', ' | 5', '5 crashed-worker | -1']],
  ['a row that kills once survives', [died(5)], [' | -1', ' | 5']],
  ['a row that hangs is asked once', [hung(0)], [' | -1', '0 took-too-long | -1']],
  [
    'a row that is killed by what another left behind is not blamed before that one is',
    [died(5), died(3), died(3), died(9), died(9)],
    [
      ' | -1',
      ' | 5',
      ' | 3',
      '3 crashed-worker | -1',
      '3 crashed-worker | 9',
      '3 crashed-worker, 9 crashed-worker | -1',
    ],
  ],
]
for (const [what, losses, asked] of cases)
  test(`isolation: ${what}`, async () => assert.deepEqual(await isolate(losses), asked))

test('isolation: as many poison rows as the limit are dead, one more is the fault of the annotator', async () => {
  const rows = Array.from({ length: limits.poisonRowsMax }, (_, row) => row)
  const kill = rows.flatMap(row => [died(row), died(row)])
  assert.equal((await isolate(rows.map(hung))).length, rows.length + 1)
  assert.equal((await isolate(kill)).length, kill.length + 1)
  const message = /more than 64 rows of slot 4 hang or kill .* an annotator of the pipeline is at fault/
  await assert.rejects(isolate([...rows, 64].map(hung)), { code: 'bad-pipeline', message })
  await assert.rejects(isolate([...kill, died(64), died(64)]), { code: 'bad-pipeline', message })
  // Nothing is blamed twice, and it still ends.
  await assert.rejects(isolate(Array.from({ length: 200 }, (_, row) => died(row))), { message })
})

const ends: [what: string, loss: Error, expected: object][] = [
  [
    'lost while parsing',
    died(0, 'parsing'),
    { code: 'bad-pipeline', message: /^parsing a.jsonl from record 7 on \(slot 4\): the worker ended with status 3/ },
  ],
  ['lost while encoding', died(0, 'encoding'), { code: 'bad-pipeline', message: /^encoding slot 4: / }],
  ['lost for memory', died(0, 'parsing', outOfMemory), { code: 'limit', message: /with fewer --workers/ }],
  ['an error of the world', new TypeError('of another kind'), { name: 'TypeError' }],
]
for (const [what, loss, expected] of ends)
  test(`isolation: ${what} ends the run`, () => assert.rejects(isolate([loss]), expected))

test('a slot that is not tokenized a second time names the document', async () => {
  const row = { kind: 'u32' as const, values: Uint32Array.of(0, 2, 3) }
  const labels = utf8From(['dropped', 'first', 'second'])
  const value = {
    scored: encodeBatch({ rows: 3, columns: { text: labels, id: labels, domain: labels, row } }),
    kept: encodeKept(keptBatch([2, 3], ['', ''])),
  }
  assert.equal(await tokenizeAgain(3, value, async () => value), value)
  await assert.rejects(
    tokenizeAgain(3, value, () => Promise.reject(died(1, 'tokenizing-row'))),
    { code: 'bad-pipeline', message: /^tokenizing document 'second' \(row 1 of what slot 3 kept\): the worker ended/ },
  )
  await assert.rejects(
    tokenizeAgain(3, value, () => Promise.reject(died(0, 'encoding'))),
    { message: /^tokenizing slot 3: / },
  )
})
