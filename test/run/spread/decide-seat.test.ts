import assert from 'node:assert/strict'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { numbers } from '../../../src/batch/batch.ts'
import type { Owner } from '../../../src/log/log.ts'
import type { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { decodeKept } from '../../../src/record/kept.ts'
import { topics } from '../../../src/record/layout.ts'
import { positionsOf, readBySlot, slotAppend } from '../../../src/record/slots.ts'
import { randomFrom } from '../../random.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'
import { examine } from '../examine.ts'
import { contextOf, newLog, partitions, scoredOf, settle, until } from './memory-run.ts'

type Module = typeof import('../../../src/run/spread/decide-seat.ts')
type Seat = Awaited<ReturnType<Module['DecideSeat']['open']>>
const { check, mutate } = examine<Module>('spread/decide-seat.ts')
setLimits({ snapshotSlots: 8 })

/** Slots of a few words each: whoever decides one without those before it decides otherwise. */
const random = randomFrom(11)
const slots = Array.from({ length: 40 }, () =>
  Array.from({ length: 1 + Math.floor(random() * 4) }, () => `word ${Math.floor(random() * 60)}`),
)

/** Measures the slots before `to`; of all of them the end, too. */
async function measure(log: MemoryLog, from: number, to: number): Promise<void> {
  const appends = slots.slice(from, to).map((texts, i) => scoredOf(from + i, texts))
  if (to === slots.length)
    for (let slot = to; slot < to + partitions; slot++)
      appends.push(slotAppend(topics.scored, slot, partitions, new Uint8Array(0), { end: '1' }))
  for (const append of appends) {
    await using owner = await log.ownPartition('annotate', append.partition)
    await owner.commit({ positions: [], appends: [append] })
  }
}

async function keptOf(log: MemoryLog): Promise<string[]> {
  const kept: string[] = []
  for await (const { headers, value } of readBySlot(log, topics.kept, partitions)) {
    if (headers.end) continue
    const texts = Array.from(numbers(decodeKept(value), 'row'), row => slots[Number(headers.slot)][row])
    kept.push(`${headers.slot}: ${texts.join()}`)
  }
  return kept
}

const seen = new Set<string>()
const expected = slots.map((texts, slot) => {
  const fresh = texts.filter(text => !seen.has(text) && seen.add(text))
  return `${slot}: ${fresh.join()}`
})

/** A run's folder and log, and how a process of it takes its seat. */
async function begin({ DecideSeat }: Module) {
  const [dir, base] = [makeFolder('seat'), makeFolder('state')]
  const log = newLog()
  const context = contextOf(log, { dir })
  const failures: unknown[] = []
  const open = (state = base) => DecideSeat.open(context, state, error => failures.push(error))
  const own = () => log.own('decide')
  /** Decides until it has decided what is measured. */
  const decide = async (seat: Seat, to: number, owning: () => Promise<Owner> = own) => {
    const stop = new AbortController()
    await using owner = await owning()
    const done = seat.decide({ ...context, failed: stop.signal }, owner, stop.signal, () => {})
    done.catch(() => {})
    await Promise.race([done, until('it has decided', async () => (await log.position('decide', 0)).slot >= to)])
    stop.abort(new Error('given back'))
    await done.catch(error => {
      if (error !== stop.signal.reason) throw error
    })
    assert.deepEqual(failures, [])
  }
  return { dir, base, log, context, failures, open, own, decide }
}

check('a standby has in its tables what another decides, and writes nothing', async module => {
  const { base, log, open, decide } = await begin(module)
  await using decider = await open()
  await using standby = await open()
  assert.deepEqual((await readdir(base)).sort(), ['0', '1'], 'each has a folder of its own')
  await measure(log, 0, 10)
  await settle()
  assert.deepEqual([standby.slot, await keptOf(log)], [0, []])
  await decide(decider, 10)
  await until('it has followed', () => standby.slot === 10)
  assert.deepEqual(await keptOf(log), expected.slice(0, 10))
  await measure(log, 10, 12)
  await decide(decider, 12)
  await until('it has followed', () => standby.slot === 12 && decider.slot === 12)
})

check(
  'a standby that takes over goes on at the committed end, and decides as the one before would have',
  async module => {
    const { log, open, decide } = await begin(module)
    const decider = await open()
    await using standby = await open()
    await measure(log, 0, 15)
    await decide(decider, 15)
    await decider[Symbol.asyncDispose]()
    await measure(log, 15, 40)
    await decide(standby, 41)
    assert.deepEqual(await keptOf(log), expected)
    const [{ slot, note }] = await positionsOf(log, 'decide', 1)
    assert.deepEqual([slot, JSON.parse(note).ended, JSON.parse(note).totals.kept], [41, true, seen.size])
  },
)

check('who takes over before it has followed enters the rest first', async module => {
  const { dir, log, open, decide } = await begin(module)
  {
    await using decider = await open()
    await measure(log, 0, 30)
    await decide(decider, 30)
  }
  await measure(log, 30, 40)
  await rm(join(dir, 'snapshot'), { recursive: true })
  await using late = await open(makeFolder('other'))
  await decide(late, 41)
  assert.deepEqual(await keptOf(log), expected)
})

check('two that take turns decide as one', async module => {
  const { log, open, decide } = await begin(module)
  await using first = await open()
  await using second = await open()
  for (let from = 0; from < 40; from += 5) {
    await measure(log, from, from + 5)
    await decide(from % 10 === 0 ? first : second, from + 5)
  }
  assert.deepEqual(await keptOf(log), expected)
})

/** The commit that is broken off, of those of one start, and whether it lasts. */
for (const isDone of [false, true])
  check(
    `a commit broken off ${isDone ? 'after it is done' : 'before it is done'} leaves no trace but that of the log`,
    async module => {
      const { log, open, own, decide } = await begin(module)
      await using first = await open()
      await using second = await open()
      const breaking = async (): Promise<Owner> => {
        const owner = await own()
        const commit: Owner['commit'] = async commit => {
          if (isDone) await owner.commit(commit)
          throw new Error('broken off')
        }
        return { ...owner, commit }
      }
      await measure(log, 0, 5)
      await decide(first, 5)
      await measure(log, 5, 9)
      await assert.rejects(decide(first, 99, breaking), /broken off/)
      const slot = isDone ? 9 : 5
      assert.equal((await log.position('decide', 0)).slot, slot)
      await until('it has followed', () => first.slot === slot && second.slot === slot)
      await measure(log, 9, 40)
      await decide(first, 41)
      await until('it has followed', () => second.slot === 41)
      assert.deepEqual(await keptOf(log), expected)
    },
  )

check('a fenced decider stands by again, and takes over again', async module => {
  const { log, open, own, decide } = await begin(module)
  await using first = await open()
  await using second = await open()
  const late = async (): Promise<Owner> => {
    const owner = await own()
    const commit: Owner['commit'] = async commit => {
      await decide(second, 10)
      await owner.commit(commit)
    }
    return { ...owner, commit }
  }
  await measure(log, 0, 10)
  await assert.rejects(decide(first, 99, late), { code: 'fenced' })
  await measure(log, 10, 40)
  await decide(first, 41)
  assert.deepEqual(await keptOf(log), expected)
})

check('given back while it still reads what was decided, it ends with the reason and stands by', async module => {
  const { context, dir, log, open, own, decide } = await begin(module)
  await measure(log, 0, 40)
  {
    await using decider = await open()
    await decide(decider, 41)
  }
  await rm(join(dir, 'snapshot'), { recursive: true })
  await using seat = await open(makeFolder('other'))
  const stop = new AbortController()
  await using owner = await own()
  const done = seat.decide({ ...context, failed: stop.signal }, owner, stop.signal, () => {})
  stop.abort(new Error('given back'))
  await done.catch(error => assert.equal(error, stop.signal.reason))
  await until('it has followed', () => seat.slot === 41)
})

check('a process without tables begins with the snapshot of the run, when the log before it is gone', async module => {
  const { dir, log, open, decide } = await begin(module)
  {
    await using decider = await open()
    for (let from = 0; from < 32; from += 4) {
      await measure(log, from, from + 4)
      await decide(decider, from + 4)
    }
  }
  for (const topic of [topics.scored, topics.kept])
    for (let partition = 0; partition < partitions; partition++) await log.trim(topic, partition, 7n)
  await using other = await open(makeFolder('other'))
  assert.ok(other.slot >= 28, `it begins at ${other.slot}`)
  await measure(log, 32, 40)
  await decide(other, 41)
  assert.deepEqual(await keptOf(log), expected.slice(21))
  assert.deepEqual((await readdir(join(dir, 'snapshot'))).sort(), ['decide.json', 'decide.tables'])
})

check('tables that are near the snapshot are kept, and those far behind it are not', async module => {
  const { base, log, open, decide } = await begin(module)
  const states: string[] = []
  for (const to of [4, 20, 24]) {
    {
      await using decider = await open()
      await measure(log, (await log.position('decide', 0)).slot, to)
      await decide(decider, to)
    }
    const copy = makeFolder('copy')
    await cp(base, copy, { recursive: true })
    await rm(join(copy, '0', 'lock'), { force: true })
    states.push(copy)
  }
  // Without the log to follow what they begin with is seen.
  for (const topic of [topics.scored, topics.kept]) {
    const count = topic === topics.kept ? 8n : 0n
    for (let partition = 0; partition < partitions; partition++) await log.trim(topic, partition, count)
  }
  const begun: number[] = []
  for (const state of states) {
    await using seat = await open(state)
    begun.push(seat.slot)
  }
  assert.deepEqual(begun, [24, 20, 24])
})

check('a standby tells what it can not go on after', async module => {
  const { log, failures, open } = await begin(module)
  await using _seat = await open()
  await using owner = await log.own('decide')
  const value = scoredOf(0, []).value
  await owner.commit({ positions: [], appends: [slotAppend(topics.kept, 3, partitions, value, {})] })
  await until('it is told', () => failures.length > 0)
  assert.match(String(failures[0]), /slot 0 was expected and 3 came/)
})

check('it leaves its folder, so that the next one has it', async module => {
  const { base, open } = await begin(module)
  for (let i = 0; i < 3; i++) {
    await using _seat = await open()
  }
  assert.deepEqual(await readdir(base), ['0'])
})

mutate(/a standby has/, 'a standby does not follow', 'Number.POSITIVE_INFINITY', '0')
mutate(
  /after it is done/,
  'it does not stand by again',
  'this.#state.rollback()\n      this.#follow()',
  'this.#state.rollback()',
)
mutate(/before it is done/, 'what was not committed stays in the tables', 'this.#state.rollback()', '')
mutate(
  /before it has followed/,
  'it follows while it decides',
  'this.#stop.abort()\n    await this.#following\n    try',
  'try',
)
mutate(/without tables/, 'the snapshot is not looked at', 'if (!snapshot || (isNear', 'if (snapshot || (isNear')
mutate(/near the snapshot/, 'all tables are near enough', 'if (!snapshot || (isNear', 'if (!snapshot || (snapshot')
mutate(/near the snapshot/, 'tables are never near enough', '(isNear &&', '(!snapshot &&')
mutate(/tells what/, 'what it can not go on after is not told', '.catch(this.#fail)', '.catch(() => {})')
mutate(
  /leaves its folder/,
  'the folder stays locked',
  'await this.#state[Symbol.asyncDispose]()\n    await this.#lock[Symbol.asyncDispose]()',
  'await this.#state[Symbol.asyncDispose]()',
)
