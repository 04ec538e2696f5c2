import type { Commit, Owner } from '../log/log.ts'
import type { StageName } from '../record/layout.ts'
import type { RunContext } from './context.ts'
import type { Watch } from './events.ts'

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
    const seconds = (performance.now() - started) / 1000
    const [{ slot, note }] = commit.positions
    watch({ kind: 'committed', stage, slot, note, seconds, appends: commit.appends })
  }
  return { commit, [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose]() }
}
