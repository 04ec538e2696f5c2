import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { RunReader } from '../../src/record/run-reader.ts'
import { hasEnded, readStanding } from '../../src/record/standing.ts'
import { followStanding } from '../../src/record/standing-tail.ts'
import { runHeadrace, runUntilCommit, smallSlots, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'

// Notes that are long are in parts, of which a file that begins in between has not all.
const small = { ...smallSlots, noteLengthMax: 300, segmentBytesMax: 4000, shardSlotsMax: 3 }

test('a run that is killed again and again is followed to its end, and stands where its log says', async () => {
  const corpus = await writeCorpus({ seed: 8, files: 3, documentsPerFile: 80 })
  const pipeline = await writePipeline(corpus.dir)
  const dir = makeFolder('standing')
  const runDir = join(dir, 'test')
  const args = ['run', pipeline, '--dir', dir, '--workers', '1']
  let follower: ReturnType<typeof followStanding> | null = null
  const slots: number[] = []
  const check = async () => {
    await using run = await RunReader.open(runDir)
    follower ??= followStanding(run)
    const expected = await readStanding(run.log, run.run)
    // Of one that has followed from the start on, and of one that begins here.
    for (const tail of [follower, followStanding(run)]) assert.deepEqual(await tail.look(), expected)
    slots.push(expected.decide.slot)
    return hasEnded(expected, run.run)
  }
  for (const [stage, commits] of [
    ['annotate', 1],
    ['decide', 3],
    ['decide', 5],
    ['shard', 2],
  ] as const) {
    const { signal } = await runUntilCommit(args, { runDir, signal: 'SIGKILL', stage, commits, small })
    assert.equal(signal, 'SIGKILL')
    assert.equal(await check(), false)
  }
  assert.equal((await runHeadrace(args, undefined, small)).status, 0)
  assert.equal(await check(), true)
  assert.ok(new Set(slots).size > 3, slots.join())
})
