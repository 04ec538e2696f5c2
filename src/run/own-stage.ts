import type { Commit, Owner, Position } from '../log/log.ts'
import { bindNote } from '../record/binding.ts'
import type { StageName } from '../record/layout.ts'
import type { RunContext } from './context.ts'

type Owning = Pick<RunContext, 'log' | 'watch' | 'binding'>

/** Makes this process the owner of a stage, whose commits are told and bound to the run. */
export async function ownStage(context: Owning, stage: StageName): Promise<Owner> {
  return watchOwner(await context.log.own(stage), stage, context)
}

/** The same owner, telling of its commits, with the run's binding in their notes. */
export function watchOwner(owner: Owner, stage: StageName, { watch, binding }: Omit<Owning, 'log'>): Owner {
  const bind = (position: Position) => ({ ...position, note: bindNote(position.note, binding) })
  const commit = async (commit: Commit) => {
    const started = performance.now()
    try {
      await owner.commit({ ...commit, positions: commit.positions.map(bind) })
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
