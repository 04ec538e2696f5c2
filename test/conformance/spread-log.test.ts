import { type SpreadLogSubject, spreadLogSuite, testSpreadLog } from '../../conformance/spread-log.ts'
import { fencedError } from '../../src/log/errors.ts'
import type { Commit, Membership, Owner, ShareHandler, SpreadLog } from '../../src/log/log.ts'
import type { MemoryMember } from '../../src/log/memory/group.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { type Mutant, testMutants } from './mutants.ts'

const options = { spread: { s: 4 } }
const lose = (membership: Membership) => (membership as MemoryMember).lose()
const turn = () => new Promise(resolve => setImmediate(resolve))

testSpreadLog('memory log', () => ({ log: new MemoryLog(options), lose }))

const withParts = (parts: (log: MemoryLog) => Partial<SpreadLog>): SpreadLogSubject => {
  const log = new MemoryLog(options)
  const bound: SpreadLog = {
    read: (from, signal) => log.read(from, signal),
    bounds: (topic, partition) => log.bounds(topic, partition),
    position: (stage, partition) => log.position(stage, partition),
    own: stage => log.own(stage),
    ownPartition: (stage, partition) => log.ownPartition(stage, partition),
    join: (stages, handler) => log.join(stages, handler),
    [Symbol.asyncDispose]: async () => {},
  }
  return { log: { ...bound, ...parts(log) }, lose, waitMsMax: 30 }
}

/** A log whose owners of partitions commit through `commit`. */
const withCommit = (commit: (commit: Commit, real: Owner, own: () => Promise<Owner>) => Promise<void>) =>
  withParts(log => ({
    async ownPartition(stage, partition) {
      const own = () => log.ownPartition(stage, partition)
      const real = await own()
      return { ...real, commit: one => commit(one, real, own) }
    },
  }))

/** A log whose members do through `change` what they are told. */
const withHandler = (change: (handler: ShareHandler) => Partial<ShareHandler>) =>
  withParts(log => ({ join: (stages, handler) => log.join(stages, { ...handler, ...change(handler) }) }))

/** A log whose members leave as `leave` does it. */
const withLeaving = (leave: (member: MemoryMember, handler: ShareHandler) => Promise<void>) =>
  withParts(log => ({
    async join(stages, handler) {
      const member = await log.join(stages, handler)
      return { ...member, [Symbol.asyncDispose]: () => leave(member, handler) }
    },
  }))

/** A share that is being given up is told to be taken as soon as another member leaves. */
function hasty(): SpreadLogSubject {
  const giving = new Map<string, () => void>()
  return withParts(log => ({
    async join(stages, handler) {
      const give: ShareHandler['give'] = async share => {
        const key = `${share.stage}/${share.partition}`
        giving.set(key, () => handler.take(share))
        await handler.give(share)
        giving.delete(key)
      }
      const member = await log.join(stages, { ...handler, give })
      const leave = async () => {
        for (const take of giving.values()) take()
        await member[Symbol.asyncDispose]()
      }
      return { ...member, [Symbol.asyncDispose]: leave }
    },
  }))
}

const mutants: readonly Mutant<SpreadLogSubject>[] = [
  [
    /commit at the same time/,
    'all partitions share one position',
    () =>
      withParts(log => ({ position: async (stage, partition) => ({ ...(await log.position(stage, 0)), partition }) })),
  ],
  [
    /commit at the same time/,
    'all partitions share the bounds of one',
    () => withParts(log => ({ bounds: topic => log.bounds(topic, 0) })),
  ],
  [
    /commit at the same time/,
    'owners can not be at a commit at the same time',
    () => {
      let open = 0
      return withCommit(async (commit, real) => {
        if (open++ > 0) throw new Error('one at a time')
        await turn()
        open--
        await real.commit(commit)
      })
    },
  ],
  [
    /a reader that sees/,
    'entries are visible before their positions',
    () =>
      withCommit(async (commit, real) => {
        await real.commit({ ...commit, positions: [] })
        await turn()
        await real.commit({ ...commit, appends: [] })
      }),
  ],
  [
    /fences the one before/,
    'a fenced owner takes its partition back',
    () => withCommit((commit, real, own) => real.commit(commit).catch(async () => (await own()).commit(commit))),
  ],
  [
    /fences the one before/,
    'owning a partition fences the whole stage',
    () => {
      let last: unknown
      return withParts(log => ({
        async ownPartition(stage, partition) {
          const real = await log.ownPartition(stage, partition)
          last = real
          const commit = async (one: Commit) => {
            if (last !== real) throw fencedError(stage)
            await real.commit(one)
          }
          return { ...real, commit }
        },
      }))
    },
  ],
  [
    /had begun/,
    'a commit that was begun is done after its successor has asked for the position',
    () =>
      withCommit(async (commit, real, own) => {
        await turn()
        await real.commit(commit).catch(async () => (await own()).commit(commit))
      }),
  ],
  [
    /refuses what is another's/,
    'an owner writes wherever it is told to',
    () => {
      const free = new MemoryLog()
      return withParts(() => ({
        read: (from, signal) => free.read(from, signal),
        bounds: (topic, partition) => free.bounds(topic, partition),
        position: (stage, partition) => free.position(stage, partition),
        ownPartition: stage => free.own(stage),
      }))
    },
  ],
  [
    /refuses what is another's/,
    'what is refused is done in part',
    () =>
      withCommit(async (commit, real) => {
        const [{ partition }] = commit.positions
        await real.commit({ ...commit, appends: commit.appends.filter(append => append.partition === partition) })
        await real.commit(commit)
      }),
  ],
  [
    /whole or in partitions/,
    'a spread stage can be owned whole',
    () => withParts(() => ({ own: stage => new MemoryLog().own(stage) })),
  ],
  [
    /one member gets/,
    'a member gets shares of stages that it takes no part in',
    () => withParts(log => ({ join: (_, handler) => log.join(['s', 't'], handler) })),
  ],
  [
    /one member gets/,
    'a share is left out',
    () => withHandler(({ take }) => ({ take: share => share.partition !== 3 && take(share) })),
  ],
  [
    /a second member/,
    'a share is given to another before it was given up',
    () => withHandler(({ give }) => ({ give: async share => void give(share) })),
  ],
  [
    /a second member/,
    'each member is a group of its own',
    () => withParts(() => ({ join: (stages, handler) => new MemoryLog(options).join(stages, handler) })),
  ],
  [
    /that leaves/,
    'a member leaves before all is given up',
    () => withLeaving(async member => void member[Symbol.asyncDispose]()),
  ],
  [
    /that leaves/,
    'who leaves loses its shares instead of giving them',
    () =>
      withLeaving(async (member, handler) => {
        handler.lose()
        await member[Symbol.asyncDispose]()
      }),
  ],
  [/that leaves/, 'a member that leaves keeps what it has', () => withLeaving(async () => {})],
  [/comes back/, 'a share that comes back is taken while it is given up', hasty],
  [
    /comes back/,
    'a share that comes back is forgotten',
    () => {
      const known = new Set<string>()
      return withHandler(({ take }) => ({
        take: share => {
          const { size } = known
          if (known.add(`${share.stage}${share.partition}`).size > size) take(share)
        },
      }))
    },
  ],
  [/counts as gone/, 'a member is not told that it is gone', () => withHandler(() => ({ lose: () => {} }))],
  [
    /counts as gone/,
    'a member that is gone does not come back',
    () => ({
      ...withParts(log => ({
        async join(stages, handler) {
          const member = await log.join(stages, handler)
          const leave = member[Symbol.asyncDispose]
          return Object.assign(member, {
            lose: () => {
              handler.lose()
              void leave()
            },
          })
        },
      })),
    }),
  ],
]

testMutants(spreadLogSuite, mutants)
