import { decodeBatch } from '../batch/arrow/ipc.ts'
import { stringAt, utf8 } from '../batch/batch.ts'
import type { Append, Commit, Log, Owner, Position, SpreadLog } from '../log/log.ts'
import { type StageName, topics } from '../record/layout.ts'
import { addCount, emptyCounts } from '../record/totals.ts'
import type { Committed, Watch } from './events.ts'

/** The same log, telling of the commits of its owners, and of the position at which each ordered stage begins. */
export function watchLog<L extends Log>(log: L, watch: Watch): L {
  const beginning = new Set<string>()
  const watched: Log = {
    read: (from, signal) => log.read(from, signal),
    bounds: (topic, partition) => log.bounds(topic, partition),
    position: async (stage, partition) => {
      const position = await log.position(stage, partition)
      if (partition === 0 && beginning.delete(stage)) tellBegin(stage, position, watch)
      return position
    },
    own: async stage => {
      const owner = await log.own(stage)
      beginning.add(stage)
      return watchOwner(owner, stage as StageName, watch)
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
  return (isSpread(log) ? { ...watched, ...watchShares(log, watch) } : watched) as L
}

function watchShares(log: SpreadLog, watch: Watch): Pick<SpreadLog, 'ownPartition' | 'join'> {
  return {
    ownPartition: async (stage, partition) =>
      watchOwner(await log.ownPartition(stage, partition), stage as StageName, watch),
    join: (stages, handler) => log.join(stages, handler),
  }
}

const isSpread = (log: Log): log is SpreadLog => 'ownPartition' in log

function tellBegin(stage: string, { slot, note }: Position, watch: Watch): void {
  watch({ kind: 'stage-began', stage: stage as StageName, slot, note })
}

function watchOwner(owner: Owner, stage: StageName, watch: Watch): Owner {
  const commit = async (commit: Commit) => {
    const started = performance.now()
    try {
      await owner.commit(commit)
    } catch (error) {
      watch({ kind: 'commit-failed', stage, error })
      throw error
    }
    watch(committed(stage, commit, (performance.now() - started) / 1000))
  }
  return { commit, [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose]() }
}

function committed(stage: StageName, { positions, appends }: Commit, seconds: number): Committed {
  const [{ slot, note }] = positions
  let dead: Committed['dead'] | undefined
  return {
    kind: 'committed',
    stage,
    slot,
    note,
    seconds,
    appends,
    get dead() {
      dead ??= countDead(appends)
      return dead
    },
  }
}

function countDead(appends: readonly Append[]): Record<string, number> {
  const counts = emptyCounts<number>()
  for (const { topic, value } of appends) {
    if (topic !== topics.dead) continue
    const { batch } = decodeBatch(value)
    const reasons = utf8(batch, 'reason')
    for (let row = 0; row < batch.rows; row++) addCount(counts, stringAt(reasons, row), 1)
  }
  return counts
}
