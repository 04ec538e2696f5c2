import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import * as h from '../../src/index.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readSlotColumns } from '../../src/record/slot-columns.ts'
import { writeCorpus } from '../run/fixture.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { storeRun } from '../what-if/stored-run.ts'

setLimits({ slotBytes: 16 * 1024 })
const dir = join(makeFolder('columns'), 'run')

before(async () => {
  const corpus = await writeCorpus({ seed: 5, files: 2, documentsPerFile: 30 })
  const source = h.jsonl(join(corpus.dir, '*.jsonl'))
  await storeRun(dir, h.pipeline('p').from(source).annotate(h.signature()).decide(h.exactDuplicates()))
})

const names = ['row', 'signature', 'textHash', 'domain', 'id', 'line', 'gate']

/** What was read, held against whole slots. */
async function check(run: RunReader, wanted: readonly string[], isWhole: boolean): Promise<void> {
  const slots = await Array.fromAsync(run.slots())
  const read = await Array.fromAsync(readSlotColumns(run, wanted, slots.length))
  assert.ok(slots.length > 4)
  assert.equal(read.length, slots.length)
  for (const [i, { slot, scored, textOffsets, drops, dead }] of read.entries()) {
    const whole = slots[i]
    if (!isWhole) assert.deepEqual(Object.keys(scored.columns).sort(), wanted.toSorted())
    for (const name of wanted) assert.deepEqual(scored.columns[name], whole.scored.columns[name], name)
    assert.deepEqual(
      [slot, scored.rows, drops, dead],
      [whole.slot, whole.scored.rows, whole.drops, whole.dead?.rows ?? 0],
    )
    assert.deepEqual(textOffsets, h.utf8(whole.scored, 'text').offsets)
  }
  assert.equal((await Array.fromAsync(readSlotColumns(run, wanted, 3))).length, 3)
}

test('columns of slots are those of whole slots, and no others are read', async () => {
  await using run = await RunReader.open(dir)
  await check(run, names, false)
  await check(run, ['row'], false)
})

test('of a log that reads no parts the columns are the same', async () => {
  await using run = await RunReader.open(dir)
  const { log } = run
  const plain = {
    read: log.read.bind(log),
    bounds: log.bounds.bind(log),
    position: log.position.bind(log),
    [Symbol.asyncDispose]: log[Symbol.asyncDispose].bind(log),
  }
  Object.defineProperty(run, 'log', { value: plain })
  await check(run, names, true)
})
