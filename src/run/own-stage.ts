import { decodeBatch } from '../batch/arrow/ipc.ts'
import { stringAt, utf8 } from '../batch/batch.ts'
import type { Append, Commit, Owner } from '../log/log.ts'
import { type StageName, topics } from '../record/layout.ts'
import { addCount, emptyCounts } from '../record/totals.ts'
import type { RunContext } from './context.ts'
import type { Committed, Watch } from './events.ts'

/** Makes this process the owner of a stage, whose commits are told. */
export async function ownStage({ log, watch }: Pick<RunContext, 'log' | 'watch'>, stage: StageName): Promise<Owner> {
  return watchOwner(await log.own(stage), stage, watch)
}

/** The same owner, telling of its commits. */
export function watchOwner(owner: Owner, stage: StageName, watch: Watch): Owner {
  const commit = async (commit: Commit) => {
    const started = performance.now()
    try {
      await owner.commit(commit)
    } catch (error) {
      watch({ kind: 'commit-failed', stage, error })
      throw error
    }
    watch(describeCommit(stage, commit, (performance.now() - started) / 1000))
  }
  return { commit, [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose]() }
}

function describeCommit(stage: StageName, { positions, appends }: Commit, seconds: number): Committed {
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
