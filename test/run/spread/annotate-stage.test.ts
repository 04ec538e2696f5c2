import assert from 'node:assert/strict'
import { HeadraceError } from '../../../src/errors.ts'
import { type Append, readCommitted } from '../../../src/log/log.ts'
import type { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { topics } from '../../../src/record/layout.ts'
import { examine } from '../examine.ts'
import { append, contextOf, endOf, newLog, partitions, poolOf, rawOf, settle, until } from './memory-run.ts'

type Module = typeof import('../../../src/run/spread/annotate-stage.ts')
const { check, mutate } = examine<Module>('spread/annotate-stage.ts')

/** The slots of a partition, the first `count` of them. */
const slotsOf = (partition: number, count: number) =>
  Array.from({ length: count }, (_, i) => partition + i * partitions)

async function textsOf(log: MemoryLog, partition: number, topic: string = topics.scored): Promise<string[]> {
  const entries = await Array.fromAsync(readCommitted(log, topic, partition))
  return entries.map(({ headers, value }) => `${headers.slot} ${headers.end ? 'end' : Buffer.from(value)}`)
}

/** Work on partition 1 of a log with a pool whose answers are the test's to give, by slot. */
async function begin({ annotatePartition }: Module, given: { log?: MemoryLog; raw?: Append[]; slotsMax?: number }) {
  const { log = newLog(), raw = [], slotsMax = 4 } = given
  if (raw.length > 0) await append(log, 'load', ...raw)
  const asked = new Map<number, PromiseWithResolvers<string>>()
  const measure = (_: string, slot: number) => {
    asked.set(slot, Promise.withResolvers())
    return asked.get(slot)!.promise
  }
  const [stop, failed] = [new AbortController(), new AbortController()]
  const context = contextOf(log, { pool: poolOf(measure), failed: failed.signal })
  const done = annotatePartition(context, 1, stop.signal, () => slotsMax)
  let isOver = false
  const over = () => {
    isOver = true
  }
  done.then(over, over)
  const answer = async (...slots: number[]) => {
    for (const slot of slots) asked.get(slot)!.resolve(`text ${slot}`)
    await settle()
  }
  await settle()
  return { log, asked, stop, failed, done, answer, isOver: () => isOver }
}

/** As `assert.rejects`, for what is waited for later. */
function willReject(promise: Promise<void>, expected: object): Promise<void> {
  const rejected = assert.rejects(promise, expected)
  rejected.catch(() => {})
  return rejected
}

const texts = (slots: readonly number[]) => slots.map(slot => `${slot} text ${slot}`)
const slotAt = async (log: MemoryLog) => (await log.position('annotate', 1)).slot

check('slots are committed in their order, in whatever order the pool measures them', async module => {
  const raw = [...slotsOf(1, 4).map(slot => rawOf(slot)), endOf(13)]
  const { log, asked, done, answer } = await begin(module, { raw })
  assert.deepEqual([...asked.keys()], [1, 4, 7, 10], 'all are begun')
  await answer(7, 10)
  assert.deepEqual([await textsOf(log, 1), await slotAt(log)], [[], 0])
  await answer(1)
  assert.deepEqual([await textsOf(log, 1), await slotAt(log)], [texts([1]), 4])
  await answer(4)
  await done
  assert.deepEqual(await textsOf(log, 1), [...texts([1, 4, 7, 10]), '13 end'])
  assert.deepEqual(await log.position('annotate', 1), { partition: 1, offset: 5n, slot: 16, note: '{"ended":true}' })
  assert.deepEqual([await textsOf(log, 0), await textsOf(log, 2)], [[], []])
})

check('no more slots are held at once than it is told', async module => {
  const raw = slotsOf(1, 5).map(slot => rawOf(slot))
  const { asked, stop, answer, done } = await begin(module, { raw, slotsMax: 2 })
  assert.deepEqual([...asked.keys()], [1, 4])
  await answer(4)
  assert.deepEqual([...asked.keys()], [1, 4])
  await answer(1)
  assert.deepEqual([...asked.keys()], [1, 4, 7, 10])
  stop.abort()
  await answer(7, 10)
  await done
})

check('a slot is committed when it is measured, without waiting for the next one', async module => {
  const { log, asked, stop, answer, done } = await begin(module, { raw: [rawOf(1)] })
  await answer(1)
  assert.deepEqual(await textsOf(log, 1), texts([1]))
  await append(log, 'load', rawOf(4))
  await until('the next is begun', () => asked.has(4))
  await answer(4)
  assert.deepEqual(await textsOf(log, 1), texts([1, 4]))
  stop.abort()
  await done
})

check('told to stop it commits what was begun, begins nothing more and ends', async module => {
  const raw = slotsOf(1, 4).map(slot => rawOf(slot))
  const { log, asked, stop, answer, done, isOver } = await begin(module, { raw, slotsMax: 2 })
  stop.abort()
  await answer(1)
  assert.equal(isOver(), false)
  await answer(4)
  await done
  assert.deepEqual([await textsOf(log, 1), await slotAt(log), [...asked.keys()]], [texts([1, 4]), 7, [1, 4]])
})

check('stopped before it began it does nothing', async ({ annotatePartition }) => {
  const log = newLog()
  await append(log, 'load', rawOf(1))
  await annotatePartition(contextOf(log), 1, AbortSignal.abort(), () => 4)
  assert.deepEqual([await textsOf(log, 1), await slotAt(log)], [[], 0])
})

check('it goes on from its position, and behind the end slot there is nothing to do', async module => {
  const log = newLog()
  {
    const { stop, answer, done } = await begin(module, {
      log,
      raw: slotsOf(1, 3).map(slot => rawOf(slot)),
      slotsMax: 1,
    })
    stop.abort()
    await answer(1)
    await done
  }
  {
    const { asked, answer, done } = await begin(module, { log, raw: [endOf(10)] })
    assert.deepEqual([...asked.keys()], [4, 7])
    await answer(4, 7)
    await done
  }
  const { asked, done } = await begin(module, { log })
  await done
  assert.deepEqual([await textsOf(log, 1), asked.size], [[...texts([1, 4, 7]), '10 end'], 0])
})

check('dead records are in the partition of dead of the same number', async module => {
  const { log, done, answer } = await begin(module, { raw: [rawOf(1), rawOf(4, undefined, true), endOf(7)] })
  await answer(1, 4)
  await done
  assert.deepEqual(await textsOf(log, 1, topics.dead), ['4 dead 4'])
  const [one, four] = await Array.fromAsync(readCommitted(log, topics.scored, 1))
  assert.deepEqual([one.headers.dead, four.headers.dead, four.headers.rows], ['0', '1', '1'])
})

/** What raw has, and how it is refused; what was begun before is not committed by who stops. */
const refusals: [what: string, raw: Append[], expected: { code: string; message: RegExp }][] = [
  ['a slot is missing', [rawOf(4)], { code: 'corrupt', message: /load.raw\/1: slot 1 was expected and 4 came/ }],
  ['a slot comes twice', [rawOf(1), rawOf(1)], { code: 'corrupt', message: /slot 4 was expected and 1 came/ }],
  ['the end comes too early', [rawOf(1), endOf(7)], { code: 'corrupt', message: /slot 4 was expected and 7 came/ }],
  [
    'a slot is of another pipeline',
    [rawOf(1, 'other')],
    { code: 'bad-pipeline', message: /slot 1 .*with the pipeline of the run/ },
  ],
]
for (const [what, raw, expected] of refusals)
  check(`it refuses when ${what}`, async module => {
    const { log, done } = await begin(module, { raw })
    await assert.rejects(done, expected)
    assert.deepEqual(await textsOf(log, 1), [])
  })

check('an owner that is fenced throws, and changes nothing', async module => {
  const { log, done, answer } = await begin(module, { raw: [rawOf(1), endOf(4)] })
  await using _other = await log.ownPartition('annotate', 1)
  const rejected = willReject(done, { code: 'fenced', message: /annotate\/1/ })
  await answer(1)
  await rejected
  assert.deepEqual([await textsOf(log, 1), await slotAt(log)], [[], 0])
})

check('what the pool fails with is thrown, and what was measured behind it is not committed', async module => {
  const { log, asked, done, answer } = await begin(module, { raw: [rawOf(1), rawOf(4), endOf(7)] })
  const rejected = willReject(done, { code: 'limit' })
  await answer(4)
  asked.get(1)!.reject(new HeadraceError('limit', 'too much'))
  await rejected
  assert.deepEqual(await textsOf(log, 1), [])
})

check('when another stage has failed nothing more is committed', async module => {
  const { log, failed, done, answer } = await begin(module, { raw: [rawOf(1), endOf(4)] })
  const rejected = willReject(done, /another stage/)
  failed.abort(new Error('another stage'))
  await answer(1)
  await rejected
  assert.deepEqual(await textsOf(log, 1), [])
})

check('many partitions at once, interrupted time and again, make each slot once', async ({ annotatePartition }) => {
  const log = newLog()
  const slots = 60
  await append(log, 'load', ...Array.from({ length: slots }, (_, slot) => rawOf(slot)), endOf(60), endOf(61), endOf(62))
  let turns = 7
  const random = (n: number) => (turns = (turns * 48271) % 2147483647) % n
  const measure = async (text: string) => {
    for (let i = random(5); i > 0; i--) await new Promise(resolve => setImmediate(resolve))
    return text
  }
  for (let round = 0; round < 12; round++) {
    const stop = new AbortController()
    const context = contextOf(log, { pool: poolOf(measure) })
    const work = [0, 1, 2].map(partition => annotatePartition(context, partition, stop.signal, () => 1 + random(4)))
    for (let i = round < 11 ? random(20) : 1e5; i > 0 && !(await Promise.race([Promise.all(work), false])); i--)
      await new Promise(resolve => setImmediate(resolve))
    stop.abort()
    await Promise.all(work)
  }
  for (let partition = 0; partition < partitions; partition++)
    assert.deepEqual(await textsOf(log, partition), [...texts(slotsOf(partition, 20)), `${60 + partition} end`])
})

mutate(/in their order/, 'the end is not noted', 'last.isEnd ? JSON.stringify({ ended: true }) : ', '')
mutate(
  /in their order/,
  'slots of all partitions count',
  'const slot = last.slot + context.shape.partitions',
  'const slot = last.slot + 1',
)
mutate(/in their order/, 'its position is that of the slot', 'offset: last.offset + 1n', 'offset: last.offset')
mutate(/no more slots/, 'nothing holds it back', 'window.length >= slotsMax() || ', '')
mutate(/without waiting/, 'it waits for the next slot', '|| !(await isFirst(reading, window.oldest)))', ')')
mutate(/told to stop/, 'what was begun is dropped', 'while (reading || window.length > 0)', 'while (reading)')
mutate(/told to stop/, 'it goes on with what is committed', 'if (done || stop.aborted) continue', 'if (done) continue')
mutate(/from its position/, 'it begins at the start', 'offset: position.offset }', 'offset: 0n }')
mutate(/from its position/, 'it waits behind the end', 'if (isEnded([position])) return', '')
mutate(
  /a slot is missing/,
  'a gap is passed over',
  'if (Number(headers.slot) !== expected)',
  'if (Number(headers.slot) < expected)',
)
mutate(
  /comes twice/,
  'a repeat is passed over',
  'if (Number(headers.slot) !== expected)',
  'if (Number(headers.slot) > expected)',
)
mutate(
  /another pipeline/,
  'another pipeline is not noticed',
  '&& headers.fingerprint !== plan.annotateFingerprint',
  '&& !plan',
)
mutate(
  /is fenced/,
  'it does not own',
  "await using owner = watchOwner(await log.ownPartition('annotate', partition), 'annotate', context)",
  "const owner = { commit: async (commit: never) => (await log.ownPartition('annotate', partition)).commit(commit) } as unknown as Owner",
)
mutate(
  /another stage has failed/,
  'it commits all the same',
  'context.failed.throwIfAborted()\n  const slot',
  'const slot',
)
