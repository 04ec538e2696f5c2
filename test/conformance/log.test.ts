import type { LogSubject } from '../../conformance/log.ts'
import { logSuite } from '../../conformance/log.ts'
import type { Commit, Cursor, Entry, Log, Owner, Position, Topics } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { type Mutant, testMutants } from './mutants.ts'

/** A log in memory whose commits go through `commit`. */
function withCommit(commit: (commit: Commit, real: Owner, log: Log) => Promise<void>): LogSubject {
  class Mutated extends MemoryLog {
    override async own(stage: string): Promise<Owner> {
      const real = await super.own(stage)
      return { commit: one => commit(one, real, this), [Symbol.asyncDispose]: async () => {} }
    }
  }
  return { log: new Mutated() }
}

const withParts = (parts: (log: MemoryLog) => Partial<Log & Topics>): LogSubject => {
  const log = new MemoryLog()
  const bound: Log & Topics = {
    read: (from, signal) => log.read(from, signal),
    bounds: (topic, partition) => log.bounds(topic, partition),
    position: (stage, partition) => log.position(stage, partition),
    own: stage => log.own(stage),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    [Symbol.asyncDispose]: async () => {},
  }
  return { log: { ...bound, ...parts(log) } }
}

/** Reading with each entry changed. */
const withEntries = (change: (entry: Entry) => Entry): LogSubject =>
  withParts(log => ({
    async *read(from: Cursor, signal: AbortSignal) {
      for await (const entry of log.read(from, signal)) yield change(entry)
    },
  }))

/** A log that keeps its owner's bytes and gives them to every reader. */
function sharing(): LogSubject {
  const values = new Map<bigint, Uint8Array>()
  return withParts(log => ({
    async own(stage) {
      const real = await log.own(stage)
      return {
        ...real,
        commit: async commit => {
          const { next } = await log.bounds('s.a', 0)
          for (const [i, { value }] of commit.appends.entries()) values.set(next + BigInt(i), value)
          await real.commit(commit)
        },
      }
    },
    async *read(from, signal) {
      for await (const entry of log.read(from, signal)) yield { ...entry, value: values.get(entry.offset)! }
    },
  }))
}

/** A restart that begins with what `keep` takes over. */
const restarting = (keep: (log: MemoryLog) => Promise<Log & Topics>): LogSubject => {
  const log = new MemoryLog()
  return { log, reopen: () => keep(log) }
}

const positionsBefore = (log: MemoryLog, change: (position: Position) => Position): Log & Topics =>
  withParts(() => ({
    read: (from, signal) => log.read(from, signal),
    bounds: (topic, partition) => log.bounds(topic, partition),
    own: stage => log.own(stage),
    position: async (stage, partition) => change(await log.position(stage, partition)),
  })).log

const mutants: readonly Mutant<LogSubject>[] = [
  [/come back in order/, 'headers are lost', () => withEntries(entry => ({ ...entry, headers: {} }))],
  [
    /come back in order/,
    'the last append is lost',
    () => withCommit((commit, real) => real.commit({ ...commit, appends: commit.appends.slice(0, -1) })),
  ],
  [
    /come back in order/,
    'partitions are mixed',
    () =>
      withCommit((commit, real) =>
        real.commit({ ...commit, appends: commit.appends.map(append => ({ ...append, partition: 0 })) }),
      ),
  ],
  [/owns its memory/, 'readers and writers share bytes', sharing],
  [
    /owns its memory/,
    'values are views of a larger buffer',
    () => withEntries(entry => ({ ...entry, value: Buffer.concat([entry.value, Buffer.alloc(1)]).subarray(0, -1) })),
  ],
  [
    /any part of a value/,
    'parts begin a byte too late',
    () =>
      withParts(log => ({
        async *readPartial(from: Cursor) {
          for await (const { value, ...entry } of log.read(from, AbortSignal.abort()))
            yield {
              ...entry,
              length: value.length,
              readPart: async (at, bytes) => value.subarray(at + 1, at + 1 + bytes),
            }
        },
      })),
  ],
  [
    /bounds are/,
    'a commit is applied twice',
    () =>
      withCommit(async (commit, real) => {
        await real.commit(commit)
        await real.commit({ ...commit, positions: [] })
      }),
  ],
  [
    /a position is what/,
    'positions are forgotten',
    () => withCommit((commit, real) => real.commit({ ...commit, positions: [] })),
  ],
  [
    /a position is what/,
    'all partitions share one position',
    () =>
      withParts(log => ({ position: async (stage, partition) => ({ ...(await log.position(stage, 0)), partition }) })),
  ],
  [
    /finds the position/,
    'entries are visible before their positions',
    () =>
      withCommit(async (commit, real) => {
        await real.commit({ ...commit, positions: [] })
        await new Promise(resolve => setImmediate(resolve))
        await real.commit({ ...commit, appends: [] })
      }),
  ],
  [
    /fences the one before/,
    'a fenced owner still writes',
    () =>
      withCommit(async (commit, real, log) => {
        await real.commit(commit).catch(async () => (await log.own('s')).commit(commit))
      }),
  ],
  [
    /fences the one before/,
    'owning one stage fences all',
    () => {
      let last: symbol
      return withParts(log => ({
        async own(stage) {
          const real = await log.own(stage)
          const mine = (last = Symbol(stage))
          const refuse = () => Promise.reject(Object.assign(new Error('fenced'), { code: 'fenced' }))
          return { ...real, commit: commit => (last === mine ? real.commit(commit) : refuse()) }
        },
      }))
    },
  ],
  [
    /what an owner had begun/,
    'a commit that was begun is done after its successor has asked for the position',
    () =>
      withParts(log => ({
        async own(stage) {
          const real = await log.own(stage)
          const later = async (commit: Commit) => {
            await new Promise(resolve => setImmediate(resolve))
            await real.commit(commit).catch(async () => (await log.own(stage)).commit(commit))
          }
          return { ...real, commit: later }
        },
      })),
  ],
  [
    /a process whose stage/,
    'a process does not see that another one owns its stage',
    () => {
      const log = new MemoryLog()
      const owner = log.own('s')
      const unfenced = withParts(() => ({
        ...log,
        read: (from, signal) => log.read(from, signal),
        position: (stage, partition) => log.position(stage, partition),
        own: () => owner,
      })).log
      return { log: unfenced, openBeside: async () => unfenced }
    },
  ],
  [
    /takes nothing of another/,
    'a trim takes as much of every partition',
    () =>
      withParts(log => ({
        async trim(topic, _partition, before) {
          for (const partition of [0, 1]) await log.trim(topic, partition, before)
        },
      })),
  ],
  [
    /in the order of the calls/,
    'a commit overtakes another',
    () => {
      let calls = 0
      return withCommit(async (commit, real) => {
        if (calls++ % 3 === 0) await new Promise(resolve => setImmediate(resolve))
        await real.commit(commit)
      })
    },
  ],
  [
    /waits for the next commit/,
    'a reader ends when there is nothing yet',
    () => withParts(log => ({ read: from => log.read(from, AbortSignal.abort()) })),
  ],
  [
    /waits for the next commit/,
    'a reader gives nothing once its signal has aborted',
    () =>
      withParts(log => ({
        async *read(from, signal) {
          for await (const entry of log.read(from, signal)) if (!signal.aborted) yield entry
        },
      })),
  ],
  [
    /left nothing behind/,
    'a reader leaves a listener on its signal at each entry',
    () =>
      withParts(log => ({
        async *read(from, signal) {
          for await (const entry of log.read(from, signal)) {
            signal.addEventListener('abort', () => {})
            yield entry
          }
        },
      })),
  ],
  [
    /what was trimmed/,
    'trimmed entries are passed over',
    () =>
      withParts(log => ({
        async *read(from, signal) {
          const { first } = await log.bounds(from.topic, from.partition)
          const isGone = from.offset < first
          yield* log.read({ ...from, offset: isGone ? first : from.offset }, signal)
        },
      })),
  ],
  [
    /what was trimmed/,
    'trim takes one too many',
    () => withParts(log => ({ trim: (t, p, before) => log.trim(t, p, before + 1n) })),
  ],
  [/there after a restart/, 'a restart begins empty', () => restarting(async () => new MemoryLog())],
  [
    /after a trim and a restart/,
    'positions of trimmed commits are lost',
    () =>
      restarting(async log => positionsBefore(log, ({ partition }) => ({ partition, offset: 0n, slot: 0, note: '' }))),
  ],
]

testMutants(logSuite, mutants)
