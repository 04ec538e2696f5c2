import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Log, Topics } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import type { StoredText } from '../../src/pipeline/pipeline.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { topics } from '../../src/record/layout.ts'
import { readBySlot } from '../../src/record/slots.ts'
import { writeTexts } from '../../src/record/text-files.ts'
import { textsAppend } from '../../src/record/text-topic.ts'
import { TextRemoval } from '../../src/run/text-removal.ts'
import { makeFolder } from '../temporary.ts'

const slots = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
const shape = { partitions: 2, lanes: 1 }

// Of ten slots that were measured seven are decided and six sharded, the shard of whose rows is open from slot 3 on.
const table: readonly [text: StoredText, isTokenized: boolean, first: number][] = [
  ['all', true, 0],
  ['kept', true, 7],
  ['kept', false, 7],
  ['none', true, 3],
  ['none', false, 7],
]

async function fill(log: MemoryLog, dir: string): Promise<void> {
  await using annotate = await log.own('annotate')
  await annotate.commit({ positions: [], appends: slots.map(slot => textsAppend(shape, slot, Uint8Array.of(slot))) })
  for (const slot of slots) await writeTexts(dir, slot, Uint8Array.of(slot))
  const positionAt = (slot: number, note: string) => [{ partition: 0, offset: 0n, slot, note }]
  await using decide = await log.own('decide')
  await decide.commit({ positions: positionAt(7, ''), appends: [] })
  const note = JSON.stringify({ domains: { web: { next: 0, sealedTo: 3, openFrom: 3 } } })
  await using shard = await log.own('shard')
  await shard.commit({ positions: positionAt(6, note), appends: [] })
}

for (const textTopic of [false, true])
  for (const [storedText, isTokenized, first] of table)
    test(`${storedText}, ${isTokenized ? '' : 'not '}tokenized: the ${textTopic ? 'entries' : 'files'} from slot ${first} on stay`, async () => {
      const dir = makeFolder('texts')
      await using log = new MemoryLog()
      await fill(log, dir)
      const plan = { storedText, tokenizer: isTokenized ? {} : null } as Plan
      const context = { dir, log: log as Log, plan, shape: { ...shape, textTopic }, checkOwner: () => {} }
      await using removal = new TextRemoval(context, log as Topics)
      await removal.end()
      const names = (await readdir(join(dir, 'texts'))).map(name => Number.parseInt(name, 10))
      const entries = await Array.fromAsync(readBySlot(log, topics.texts, shape.partitions))
      const left = textTopic ? entries.map(({ headers }) => Number(headers.slot)) : names.sort((a, b) => a - b)
      assert.deepEqual(left, slots.slice(first))
    })
