import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { type Batch, utf8From } from '../../../src/batch/batch.ts'
import { stageFields } from '../../../src/batch/contract.ts'
import { missingColumn } from '../../../src/batch/rows.ts'
import { exactDuplicates } from '../../../src/decide/exact-duplicates.ts'
import { HeadraceError } from '../../../src/errors.ts'
import { type Commit, type Log, readCommitted } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { GuardOptions } from '../../../src/pipeline/guard.ts'
import { type PipelineBuilder, pipeline } from '../../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { type Choice, readChoices } from '../../../src/record/choices.ts'
import { heldError, readHold } from '../../../src/record/hold.ts'
import { topics } from '../../../src/record/layout.ts'
import { listReleases, putRelease, type Release } from '../../../src/record/release.ts'
import { endAppends, slotAppend } from '../../../src/record/slots.ts'
import { decideAll } from '../../../src/run/decide/decide-stage.ts'
import { openState } from '../../../src/run/decide/decide-state.ts'
import { deadBatch } from '../../../src/run/measure/annotate-slot.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { plainAnnotator } from '../../annotate/plain.ts'
import { makeFolder } from '../../temporary.ts'
import { contextOf } from '../context.ts'
import { asOwner } from '../fixture.ts'

// The deciding stage over slots of ten rows. Copies are dropped: up to slot 6 in the window of slots 4 to 7, and up to slot 10 in the
// next, too many.
const textHash = { name: 'textHash', kind: 'fixed' as const, width: 16 }
const hashing = plainAnnotator({ name: 'hashing', writes: [textHash] })
const plain = pipeline('p').from(jsonl('none')).annotate(hashing).decide(exactDuplicates())
const guard: GuardOptions = { by: 'domain', above: 0.5, windowSlots: 4, rowsMin: 15 }
const name = 'by domain over 4 slots'
const guarded = plain.guard(guard)
const copies = [0, 2, 9, 0, 3, 7, 9, 9, 2, 8, 9, 9, 0]
const slotsAll = copies.length
const rowsOfSlot = 10

function scoredOf(slot: number): Batch {
  const rows = Array.from({ length: rowsOfSlot }, (_, i) => (i < copies[slot] ? 'copy' : `${slot} ${i}`))
  const fields = [...planPipeline(plain).fields, ...stageFields]
  const columns = Object.fromEntries(fields.map(field => [field.name, missingColumn(field, rows.length)]))
  const hashes = rows.map(text => createHash('md5').update(text).digest())
  return {
    rows: rows.length,
    columns: {
      ...columns,
      text: utf8From(rows),
      id: utf8From(rows.map((_, i) => `${slot}-${i}`)),
      file: utf8From(rows.map(() => 'f.jsonl')),
      domain: utf8From(rows.map(() => 'web')),
      line: { kind: 'u32', values: Uint32Array.from(rows, (_, i) => i + 1) },
      row: { kind: 'u32', values: Uint32Array.from(rows.keys()) },
      textHash: { kind: 'fixed', width: 16, bytes: Buffer.concat(hashes) },
    },
  }
}

/** Commits measured slots before `end`; the one after the last is the end. */
async function measure(log: Log, from: number, end = slotsAll + 1): Promise<void> {
  await using owner = await log.own('annotate')
  for (let slot = from; slot < Math.min(end, slotsAll); slot++) {
    const value = encodeBatch(scoredOf(slot))
    await owner.commit({ positions: [], appends: [slotAppend(topics.scored, slot, 1, value, { dead: '0' })] })
  }
  if (end > slotsAll) await owner.commit({ positions: [], appends: endAppends(topics.scored, slotsAll, 1) })
}

interface Fixture {
  readonly dir: string
  readonly log: MemoryLog
}

async function begin(end?: number): Promise<Fixture> {
  const log = new MemoryLog()
  await measure(log, 0, end)
  return { dir: makeFolder('hold'), log }
}

/** Runs the stage over what is measured, and gives what it threw. */
async function decide({ dir, log }: Fixture, of: PipelineBuilder = guarded, given: Log = log): Promise<unknown> {
  const segments = [{ from: 0, annotate: 'a', decide: 'd', shard: 's', state: '' }]
  const context = contextOf({ dir, plan: planPipeline(of), log: given, segments })
  const stage = asOwner(context, 'decide', async owner => {
    await using state = await openState(context, join(dir, 'state'))
    await decideAll(context, owner, state, AbortSignal.abort(), () => {})
  })
  return stage.then(
    () => null,
    error => error,
  )
}

async function heldAt(fixture: Fixture, of?: PipelineBuilder, given?: Log): Promise<number | null> {
  const error = await decide(fixture, of, given)
  if (error === null) return null
  assert.ok(error instanceof HeadraceError && error.code === 'guard-rail', `${error}`)
  assert.deepEqual([error.exit, error.retry], [3, false])
  const { slot } = await fixture.log.position('decide', 0)
  assert.equal((await readHold(fixture.dir))?.slot, slot, 'slots before the hold are committed, and no other')
  return slot
}

const release = (slot: number, group = 'web', guard = name): Release => ({
  ...{ kind: 'release', slot, groups: [{ guard, group }] },
  ...{ who: 'ann', why: `slot ${slot} is a mirror`, at: `2026-01-01T00:00:${String(slot).padStart(2, '0')}.000Z` },
})

/** What a run writes, and how far it is. */
async function outputOf({ log }: Fixture): Promise<string[]> {
  const found: string[] = []
  for (const topic of [topics.kept, topics.drops])
    for await (const { headers, value } of readCommitted(log, topic))
      found.push(`${topic} ${JSON.stringify(headers)} ${createHash('md5').update(value).digest('hex')}`)
  return found
}

async function choicesOf({ log }: Fixture): Promise<Choice[]> {
  const found: Choice[] = []
  for await (const choice of readChoices(log)) found.push(choice)
  return found
}

const undisturbed = await begin()
assert.equal(await decide(undisturbed, plain), null)
const expected = await outputOf(undisturbed)

/** The run's end after releases: its bytes are those without guards, each choice is there once, and nothing waits. */
async function checkReleased(fixture: Fixture, slots: readonly number[]): Promise<void> {
  assert.deepEqual(await outputOf(fixture), expected)
  const choices = await choicesOf(fixture)
  assert.deepEqual(
    choices.map(({ slot, who, why, at }) => ({ slot, who, why, at })),
    slots.map(slot => {
      const { who, why, at } = release(slot)
      return { slot, who, why, at }
    }),
  )
  assert.deepEqual([await readHold(fixture.dir), await listReleases(fixture.dir)], [null, []])
}

test('a slot outside its band is not committed, those before it are, and it says what took which rows', async () => {
  const fixture = await begin()
  const error = (await decide(fixture)) as HeadraceError
  assert.equal((await fixture.log.position('decide', 0)).slot, 6)
  assert.deepEqual(
    await outputOf(fixture),
    expected.filter(line => Number(/"slot":"(\d+)"/.exec(line)![1]) < 6),
  )
  const [dir, run] = [join(fixture.dir, '..'), fixture.dir.split('/').at(-1)]
  assert.equal(
    error.message,
    `a guard rail holds slot 6; the slots before it are committed, and nothing of it is
domain 'web': 19 of 30 rows removed (63.3%) in slots 4 to 6, above 50.0%
  exact-duplicate  19   63.3%
  removed, for example
    6-0  f.jsonl:1
    6-1  f.jsonl:2
    6-2  f.jsonl:3
To let it pass: headrace release --dir ${dir} --run ${run} --who NAME --why TEXT, then the same run command.
Otherwise give the guard another band, or mend the rules and run with --upgrade.`,
  )
})

test('without a release it stops there again, with the same message and without a commit', async () => {
  const fixture = await begin()
  const first = await decide(fixture)
  const before = [await outputOf(fixture), await fixture.log.position('decide', 0)]
  for (let i = 0; i < 3; i++) assert.deepEqual(await decide(fixture), first)
  assert.deepEqual([await outputOf(fixture), await fixture.log.position('decide', 0)], before)
})

/** Where a run is held that is started again after each slot. */
async function heldSlotwise(through: (log: MemoryLog) => Log): Promise<number | null> {
  const fixture = await begin(1)
  for (let slot = 1; slot <= slotsAll; slot++) {
    const held = await heldAt(fixture, guarded, through(fixture.log))
    if (held !== null) return held
    await measure(fixture.log, slot, slot + 1)
  }
  return heldAt(fixture, guarded, through(fixture.log))
}

/** A log that answers as `log` does but for the functions given. */
const logWith = (log: MemoryLog, other: Partial<Log>): Log => ({
  read: (from, signal) => log.read(from, signal),
  bounds: (topic, partition) => log.bounds(topic, partition),
  position: (stage, partition) => log.position(stage, partition),
  own: stage => log.own(stage),
  [Symbol.asyncDispose]: async () => {},
  ...other,
})

test('a run that is started again after each slot is held at the same slot', async () => {
  assert.equal(await heldSlotwise(log => log), 6)
})

test('a stage whose counts are lost when it is started again is caught', async () => {
  const forget = (log: MemoryLog) =>
    logWith(log, {
      position: async (stage, partition) => {
        const position = await log.position(stage, partition)
        const { guards: _, ...note } = JSON.parse(position.note || '{}')
        return { ...position, note: position.note && JSON.stringify(note) }
      },
    })
  assert.notEqual(await heldSlotwise(forget), 6)
})

test('a release lets the slot pass until the window ends, and the bytes are those of a run without guards', async () => {
  const fixture = await begin()
  assert.equal(await heldAt(fixture), 6)
  await putRelease(fixture.dir, release(6))
  assert.equal(await heldAt(fixture), 10, 'slot 7 is of the window that was released, slot 10 of the next')
  assert.deepEqual([await listReleases(fixture.dir), (await choicesOf(fixture)).length], [[], 1])
  await putRelease(fixture.dir, release(10))
  assert.equal(await heldAt(fixture), null)
  await checkReleased(fixture, [6, 10])
  const [{ guard: of, group, rows, removed, rate, above, firstSlot }] = await choicesOf(fixture)
  assert.deepEqual([of, group, rows, removed, rate, above, firstSlot], [name, 'web', 30, 19, 19 / 30, 0.5, 4])
})

const useless: [what: string, release: Release][] = [
  ['another slot', release(7)],
  ['another group', release(6, 'books')],
  ['another guard', release(6, 'web', 'by all over 4 slots')],
]
for (const [what, entry] of useless)
  test(`a release of ${what} does not let it pass`, async () => {
    const fixture = await begin()
    assert.equal(await heldAt(fixture), 6)
    await putRelease(fixture.dir, entry)
    assert.equal(await heldAt(fixture), 6)
    assert.equal((await choicesOf(fixture)).length, 0)
  })

test('groups that nobody released go on holding the slot', async () => {
  const both = guarded.guard({ by: 'all', above: 0.5, windowSlots: 4, rowsMin: 15 })
  const fixture = await begin(8)
  assert.equal(await heldAt(fixture, both), 6)
  assert.equal((await readHold(fixture.dir))?.trips.length, 2)
  await putRelease(fixture.dir, release(6))
  assert.equal(await heldAt(fixture, both), 6)
  assert.deepEqual(
    (await readHold(fixture.dir))?.trips.map(({ guard }) => guard),
    ['by all over 4 slots'],
  )
  await putRelease(fixture.dir, release(6, 'all', 'by all over 4 slots'))
  assert.equal(await heldAt(fixture, both), null)
  assert.deepEqual(
    (await choicesOf(fixture)).map(({ group }) => group),
    ['web', 'all'],
  )
})

/** A log that dies at the first commit with a choice, before it or after it. */
const dyingLog = (log: MemoryLog, when: 'before' | 'after') =>
  logWith(log, {
    own: async stage => {
      const owner = await log.own(stage)
      const commit = async (wanted: Commit) => {
        const isChoice = wanted.appends.some(({ topic }) => topic === topics.choices)
        if (isChoice && when === 'before') throw new Error('killed')
        await owner.commit(wanted)
        if (isChoice) throw new Error('killed')
      }
      return { commit, [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose]() }
    },
  })

for (const when of ['before', 'after'] as const)
  test(`killed ${when} the commit of a release, it counts once`, async () => {
    const fixture = await begin()
    assert.equal(await heldAt(fixture), 6)
    await putRelease(fixture.dir, release(6))
    assert.match(`${await decide(fixture, guarded, dyingLog(fixture.log, when))}`, /killed/)
    assert.equal((await listReleases(fixture.dir)).length, 1, 'the entry is there still')
    assert.equal((await choicesOf(fixture)).length, when === 'after' ? 1 : 0)
    assert.equal(await heldAt(fixture), 10)
    assert.deepEqual(await listReleases(fixture.dir), [])
    await putRelease(fixture.dir, release(10))
    assert.equal(await heldAt(fixture), null)
    await checkReleased(fixture, [6, 10])
  })

test('a release whose slot is the last is cleared away, also when the run has ended', async () => {
  const fixture = await begin(7)
  assert.equal(await heldAt(fixture), 6)
  await putRelease(fixture.dir, release(6))
  const { log } = fixture
  await (await log.own('annotate')).commit({ positions: [], appends: endAppends(topics.scored, 7, 1) })
  assert.match(`${await decide(fixture, guarded, dyingLog(log, 'after'))}`, /killed/)
  assert.equal(await heldAt(fixture), null)
  assert.deepEqual([await readHold(fixture.dir), await listReleases(fixture.dir)], [null, []])
  assert.equal((await choicesOf(fixture)).length, 1)
})

test('a guard with another band lets it pass, and the hold is over', async () => {
  const fixture = await begin()
  assert.equal(await heldAt(fixture), 6)
  assert.equal(await heldAt(fixture, plain.guard({ ...guard, above: 0.99 })), null)
  await checkReleased(fixture, [])
})

test('dead rows are counted, and the records that they were are named', async () => {
  const fixture = await begin(1)
  const dead = { row: 10, file: 'f.jsonl', line: 11, reason: 'invalid-json', detail: 'cut off' }
  const entry = (slot: number, rows: number) => [
    slotAppend(topics.scored, slot, 1, encodeBatch(scoredOf(0)), { dead: String(rows) }),
    ...(rows
      ? [{ topic: topics.dead, partition: 0, headers: { slot: String(slot) }, value: encodeBatch(deadBatch([dead])) }]
      : []),
  ]
  await using owner = await fixture.log.own('annotate')
  for (const [slot, rows] of [1, 0, 40].entries()) await owner.commit({ positions: [], appends: entry(slot + 1, rows) })
  const of = pipeline('p').from(jsonl('none')).guard({ by: 'all', above: 0.5, rowsMin: 10 })
  assert.equal(await heldAt(fixture, of), 3)
  const { trips } = (await readHold(fixture.dir))!
  assert.deepEqual([trips[0].rows, trips[0].parts], [81, [['dead', 41]]])
  assert.deepEqual(trips[0].samples, [{ id: 'invalid-json', file: 'f.jsonl', line: 11 }])
})

test('a hold or a release that is damaged is refused with its name', async () => {
  const fixture = await begin()
  assert.equal(await heldAt(fixture), 6)
  await writeFile(join(fixture.dir, 'hold.json'), '{"version": 1, "sl')
  const damaged = (await decide(fixture)) as HeadraceError
  assert.deepEqual([damaged.code, damaged.exit], ['corrupt', 65])
  assert.match(damaged.message, /hold\.json is no hold: delete it/)
})

test('many groups outside are told in a message of some lines', async () => {
  const message = heldError('.headrace/web', {
    ...{ version: 1, slot: 9 },
    trips: Array.from({ length: 30 }, (_, i) => ({
      ...{ guard: name, by: 'domain', group: `d${i}\u001b[2J`, rows: 2000, removed: 1000 + i, rate: 0.5 + i / 2000 },
      ...{ above: null, below: 0.9, firstSlot: 9, slot: 9, parts: [['x', 1000 + i]], samples: [] },
    })),
  }).message
  assert.equal(message.split('\n').length, 1 + 2 * 3 + 7 + 1 + 2)
  assert.match(message, /also domain 'd9.*in slot 9, below 90\.0%\nand 20 more\n/)
  assert.ok(!message.includes('\u001b'))
})
