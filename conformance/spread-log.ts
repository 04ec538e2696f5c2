import assert from 'node:assert/strict'
import { type Append, type Commit, type Membership, readCommitted, type SpreadLog } from '../src/log/log.ts'
import { ShareTable } from './share-table.ts'
import { type Open, registering, type Suite, suiteOf } from './suite.ts'

/**
 * An empty log on which the stage `s` is spread over 4 partitions, with topics `s.a` and `s.b`, and the stage `t` is not, with topic `t.a`
 * of 4 partitions.
 */
export interface SpreadLogSubject {
  readonly log: SpreadLog
  /** Opens it again without closing, as another process does; the log itself where it lives in one process. The suite closes both. */
  openBeside?(): Promise<SpreadLog>
  /** Has the group count a member as gone; absent where that can't be had. */
  lose?(membership: Membership): void
  /** How long a change among the members may take, in milliseconds. Default 10 s. */
  readonly waitMsMax?: number
}

const partitions = [0, 1, 2, 3]
const spread = partitions.map(partition => `s/${partition}`)
const all = [...spread, 't/0']

const append = (partition: number, text: string, topic = 's.a'): Append => ({
  topic,
  partition,
  headers: {},
  value: Buffer.from(text),
})
const at = (partition: number, slot: number) => ({ partition, offset: BigInt(10 * slot), slot, note: `${slot}` })
/** Every second commit has an entry of `s.b`, too. */
const commitOf = (partition: number, slot: number): Commit => ({
  positions: [at(partition, slot)],
  appends: [append(partition, `${slot}`), ...(slot % 2 === 0 ? [append(partition, `${slot}`, 's.b')] : [])],
})
const slots = (to: number) => Array.from({ length: to }, (_, i) => `${i + 1}`)
const even = (texts: readonly string[]) => texts.filter(text => Number(text) % 2 === 0)

async function readTexts(log: SpreadLog, partition: number, topic = 's.a', from = 0n): Promise<string[]> {
  const entries = await Array.fromAsync(readCommitted(log, topic, partition, from))
  return entries.map(({ value }) => Buffer.from(value).toString())
}

/** That a partition has what its commits up to slot `to` say and no more. */
async function assertWhole(log: SpreadLog, partition: number, to: number): Promise<void> {
  assert.deepEqual(await readTexts(log, partition), slots(to))
  assert.deepEqual(await readTexts(log, partition, 's.b'), even(slots(to)))
  assert.equal((await log.position('s', partition)).slot, to)
  const { next } = await log.bounds('s.a', partition)
  assert.deepEqual(await readTexts(log, partition, 's.a', next), [])
}

/** Runs a check on a log, as two processes see it. */
const onLogs =
  (check: (log: SpreadLog, beside: SpreadLog, subject: SpreadLogSubject) => Promise<void>) =>
  async (open: Open<SpreadLogSubject>): Promise<void> => {
    const subject = await open()
    await using log = subject.log
    await using beside = (await subject.openBeside?.()) ?? log
    await check(log, beside, subject)
  }

interface Members {
  readonly table: ShareTable
  /** Joins by the first process's log or by the second's. */
  join(name: 'a' | 'b', working?: (share: string) => Promise<unknown>, stages?: readonly string[]): Promise<Membership>
  readonly lose: SpreadLogSubject['lose']
}

/** Runs a check with members, which must have left no problem in the table. */
const onMembers = (check: (members: Members) => Promise<void>) =>
  onLogs(async (log, beside, { lose, waitMsMax }) => {
    const table = new ShareTable(waitMsMax)
    // Node 22 has no AsyncDisposableStack.
    const joined: Membership[] = []
    const join: Members['join'] = async (name, working, stages = ['s', 't']) => {
      const membership = await (name === 'a' ? log : beside).join(stages, table.handler(name, working))
      membership.failed.catch(error => table.problems.push(`${error}`))
      joined.push(membership)
      return membership
    }
    try {
      await check({ table, join, lose })
    } finally {
      for (const membership of joined.reverse()) await membership[Symbol.asyncDispose]()
    }
    assert.deepEqual(table.problems, [])
  })

/** Gives up when it is told to, share by share; all that is left when a check is over. */
class Gates implements Disposable {
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()
  #isOpen = false

  readonly working = async (share: string): Promise<void> => {
    if (!this.#isOpen) await this.#of(share).promise
  }

  open(share: string): void {
    this.#of(share).resolve()
    this.#gates.delete(share)
  }

  [Symbol.dispose](): void {
    this.#isOpen = true
    for (const { resolve } of this.#gates.values()) resolve()
  }

  #of(share: string): PromiseWithResolvers<void> {
    const found = this.#gates.get(share) ?? Promise.withResolvers<void>()
    this.#gates.set(share, found)
    return found
  }
}

/** The contract of `SpreadLog` beyond that of `Log`. */
export const spreadLogSuite: Suite<SpreadLogSubject> = suiteOf({
  'owners of partitions commit at the same time, and each finds its own position, entries and bounds exact': onLogs(
    async (log, beside) => {
      const owners = await Promise.all(partitions.map(p => (p % 2 ? beside : log).ownPartition('s', p)))
      const work = async (partition: number) => {
        for (let slot = 1; slot <= 5 + partition; slot++) {
          const { next: before } = await beside.bounds('s.a', partition)
          await owners[partition].commit(commitOf(partition, slot))
          assert.deepEqual(await beside.position('s', partition), at(partition, slot))
          assert.deepEqual(await readTexts(beside, partition, 's.a', before), [`${slot}`])
        }
      }
      await Promise.all(partitions.map(work))
      for (const partition of partitions) await assertWhole(log, partition, 5 + partition)
      for (const owner of owners) await owner[Symbol.asyncDispose]()
    },
  ),
  "a reader that sees an entry finds its partition's position, whatever others commit meanwhile": onLogs(
    async (log, beside) => {
      await using owner = await log.ownPartition('s', 1)
      await using other = await beside.ownPartition('s', 2)
      const stop = new AbortController()
      const reader = beside.read({ topic: 's.a', partition: 1, offset: 0n }, stop.signal)[Symbol.asyncIterator]()
      for (let slot = 1; slot <= 4; slot++) {
        const seen = reader.next().then(() => beside.position('s', 1))
        await other.commit(commitOf(2, slot))
        const done = owner.commit(commitOf(1, slot))
        assert.deepEqual(await seen, at(1, slot))
        await done
      }
      stop.abort()
      await reader.return?.()
    },
  ),
  'a new owner of a partition fences the one before it, whose commit changes nothing, and nobody else': onLogs(
    async (log, beside) => {
      await using neighbour = await log.ownPartition('s', 1)
      await using ordered = await log.own('t')
      await using first = await log.ownPartition('s', 0)
      await first.commit(commitOf(0, 1))
      await using second = await beside.ownPartition('s', 0)
      await assert.rejects(first.commit(commitOf(0, 9)), { code: 'fenced' })
      await second.commit(commitOf(0, 2))
      await assert.rejects(first.commit(commitOf(0, 9)), { code: 'fenced' }, 'it takes the partition back')
      await neighbour.commit(commitOf(1, 1))
      await ordered.commit({ positions: [at(0, 3)], appends: [append(2, 'still', 't.a')] })
      for (const [partition, to] of [2, 1].entries()) await assertWhole(log, partition, to)
      assert.deepEqual([await readTexts(log, 2, 't.a'), await log.position('t', 0)], [['still'], at(0, 3)])
    },
  ),
  "what a partition's owner had begun is done before the next one owns, or never": onLogs(async (log, beside) => {
    await using first = await log.ownPartition('s', 3)
    const begun = Promise.allSettled(slots(5).map(slot => first.commit(commitOf(3, Number(slot)))))
    await using second = await beside.ownPartition('s', 3)
    const { slot } = await beside.position('s', 3)
    const done = (await begun).filter(({ status }) => status === 'fulfilled').length
    assert.ok(done <= slot, `slot ${slot} after ${done} commits that were done`)
    await second.commit(commitOf(3, slot + 1))
    await assertWhole(log, 3, slot + 1)
  }),
  "an owner of a partition refuses what is another's, and goes on": onLogs(async log => {
    await using owner = await log.ownPartition('s', 1)
    await owner.commit(commitOf(1, 1))
    for (const other of [0, 2]) {
      await assert.rejects(owner.commit({ positions: [at(1, 9), at(other, 9)], appends: [] }), /internal error/)
      const appends = [append(1, 'x'), append(other, 'x')]
      await assert.rejects(owner.commit({ positions: [at(1, 9)], appends }), /internal error/)
    }
    await owner.commit(commitOf(1, 2))
    for (const [partition, to] of [0, 2, 0].entries()) await assertWhole(log, partition, to)
  }),
  'a stage is owned whole or in partitions, as it was made': onLogs(async log => {
    await assert.rejects(log.own('s'), /internal error/)
    await assert.rejects(log.ownPartition('t', 0), /internal error/)
  }),
  'one member gets every share of its stages, and none of others': onMembers(async ({ table, join }) => {
    const alone = await join('a')
    await table.until('the first has all', () => table.has('a', all))
    await join('b', undefined, ['s'])
    await table.until('both have their part', () => table.isShared(all, 'a', 'b'))
    await alone[Symbol.asyncDispose]()
    await table.until('the second has what is of its stage', () => table.has('b', spread))
    assert.deepEqual(table.of('a'), [])
  }),
  'a second member gets its part, and each share only once it was given up': onMembers(async ({ table, join }) => {
    using gates = new Gates()
    await join('a', gates.working)
    await table.until('the first has all', () => table.has('a', all))
    await join('b')
    await table.until('some are asked back', () => table.givenBy('a').length > 0)
    for (const share of table.givenBy('a')) {
      assert.ok(table.of('a').includes(share) && !table.of('b').includes(share), `${share} is not with the first`)
      gates.open(share)
      await table.until('it is given up', () => !table.of('a').includes(share))
    }
    gates[Symbol.dispose]()
    await table.until('both have their part', () => table.isShared(all, 'a', 'b') && table.givenBy('a').length === 0)
  }),
  'a member that leaves gives every share first, and others have them at once': onMembers(async ({ table, join }) => {
    using gates = new Gates()
    const leaving = await join('a', gates.working)
    await table.until('the first has all', () => table.has('a', all))
    let isGone = false
    const left = leaving[Symbol.asyncDispose]().then(() => (isGone = true))
    await table.until('all are asked back', () => table.givenBy('a').length === all.length)
    await join('b')
    for (const share of all) {
      assert.equal(isGone, false, 'it left before it had given all')
      gates.open(share)
      await table.until('it is given up', () => !table.of('a').includes(share))
    }
    await left
    await leaving[Symbol.asyncDispose]()
    await table.until('the second has all', () => table.has('b', all))
    assert.equal(table.lostBy('a'), 0, 'leaving is not losing')
  }),
  'a share that comes back while it is given up is taken after that': onMembers(async ({ table, join }) => {
    using gates = new Gates()
    await join('a', gates.working)
    await table.until('the first has all', () => table.has('a', all))
    const other = await join('b')
    await table.until('some are asked back', () => table.givenBy('a').length > 0)
    await other[Symbol.asyncDispose]()
    gates[Symbol.dispose]()
    await table.until('the first has all', () => table.has('a', all) && table.givenBy('a').length === 0)
  }),
  'a member that the group counts as gone is told, others get its shares, and it joins anew': onMembers(
    async ({ table, join, lose }) => {
      if (!lose) return
      using gates = new Gates()
      const gone = await join('a', gates.working)
      await table.until('the first has all', () => table.has('a', all))
      await join('b')
      await table.until('some are asked back', () => table.givenBy('a').length > 0)
      const held = table.of('a').length
      lose(gone)
      await table.until('it is told', () => table.lostBy('a') === 1)
      await table.until('others have some', () => table.of('b').length > 0)
      gates[Symbol.dispose]()
      await table.until('both have their part', () => table.isShared(all, 'a', 'b') && table.givenBy('a').length === 0)
      assert.ok(held > 0)
    },
  ),
})

/** Registers the suite: `testSpreadLog('my log', async () => ({ log: await openMine() }))`. */
export const testSpreadLog = registering(spreadLogSuite)
