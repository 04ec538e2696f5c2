import { HeadraceError } from '../errors.ts'
import type { JoinEntry } from '../feed/plan/control.ts'
import type { JoinedRun } from '../feed/plan/join.ts'
import { planJoin } from './plan-join.ts'
import { openSource, type Source } from './source.ts'
import { type OpenRun, openJoined, type Union } from './union.ts'

/** What is wrong with a join that a feed has recorded: what it says, against what its runs give. */
export interface Judgement {
  readonly step: number
  readonly problems: readonly string[]
  /** Why it could not be told: a run is no longer where it was. */
  readonly unknown: string | null
}

/** Decides again, of each join of a feed, what of its runs is fed. Nothing is written. */
export async function* recomputeJoins(union: Union, openRun: OpenRun): AsyncGenerator<Judgement> {
  for (const [i, entry] of union.joins.entries()) {
    const joins = union.joins.slice(0, i)
    const before = { ...union, joins, runs: joins.flatMap(({ join: { runs } }) => runs) }
    yield await judgeOrExcuse(before, entry, openRun)
  }
}

async function judgeOrExcuse(before: Union, entry: JoinEntry, openRun: OpenRun): Promise<Judgement> {
  const { step } = entry
  try {
    return { step, problems: await judge(before, entry, openRun), unknown: null }
  } catch (error) {
    if (!(error instanceof HeadraceError)) throw error
    if (error.code === 'not-found' || error.code === 'trimmed') return { step, problems: [], unknown: error.message }
    return { step, problems: [error.message], unknown: null }
  }
}

async function judge(before: Union, { join }: JoinEntry, openRun: OpenRun): Promise<string[]> {
  const { home, joins } = before
  await using opened = new AsyncDisposableStack()
  const sources: Source[] = []
  for (const joined of join.runs) {
    const run = opened.use(await openJoined(home, joined, openRun))
    const [from, to] = joined.shards
    const source = await openSource(home, run, joined.map, from)
    // It may have sealed more since.
    sources.push({ ...source, entries: source.entries.slice(0, to - from) })
  }
  const { duplicates, deciders } = join
  const union = joins.length > 0 ? before : null
  const planned = await planJoin({ home, dir: null, sources, duplicates, deciders, union, openRun })
  return join.runs.flatMap((joined, i) => compare(joined, planned.join.runs[i]))
}

const compared = ['shards', 'slotOffset', 'slots', 'selection', 'copies', 'fed', 'leftOut'] as const

function compare(said: JoinedRun, found: JoinedRun): string[] {
  return compared
    .filter(name => JSON.stringify(said[name]) !== JSON.stringify(found[name]))
    .map(
      name =>
        `its ${name} of ${said.run} is ${JSON.stringify(said[name])} and should be ${JSON.stringify(found[name])}`,
    )
}
