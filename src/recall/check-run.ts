import { resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { findNamed } from '../record/base.ts'
import { findReferrers } from '../record/referrers.ts'
import { type RunName, readRunFile } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hasEnded, readStanding } from '../record/standing.ts'

/** Throws, with what to do, where a run can't be recalled from by its pipeline: `plan`, without the recall. */
export function checkRun({ run, dir, first }: RunReader, plan: Plan): void {
  const refuse = (what: string) => new HeadraceError('bad-option', what)
  const { columns, state } = run.segments.at(-1)!
  if (run.recall && run.replays)
    throw refuse(`${dir} is a recall itself, which has dropped what ${run.replays.dir} keeps: recall from that run`)
  if (run.id === undefined || !columns)
    throw refuse(
      `${dir} was begun by an older version, which did not record what it measured: run its input again with this one, and recall from that run`,
    )
  if (first > 0)
    throw new HeadraceError(
      'trimmed',
      `slots before ${first} of ${dir} were trimmed, and what they kept can't be told from what is recalled: run its input again, and keep all slots`,
    )
  if (run.storedText !== undefined)
    throw refuse(
      `${dir} stores ${run.storedText === 'kept' ? 'the texts of what it keeps alone' : 'no texts'}, and a recall scores those of what it has dropped: replay it by its pipeline with .store({ text: 'all' }), which reads the source again, and recall from that run`,
    )
  const other = [...plan.fingerprints].find(([name, print]) => columns[name] !== print)?.[0]
  const lost = Object.keys(columns).find(name => !plan.fingerprints.has(name))
  if (other ?? lost)
    throw refuse(
      `--pipeline is not what ${dir} was measured by: its column '${other ?? lost}' is another. Give the file as it was, or replay ${dir} by this one, and recall from that run`,
    )
  if (plan.stateFingerprint !== state)
    throw refuse(
      `--pipeline has other deciders with tables than ${dir} was decided by, so what it keeps can't be compared with: give the file as it was, or replay ${dir} by this one, and recall from that run`,
    )
}

/** Recalls of a run that have been before the one in `dir`, as that names them. Throws `bad-option` for one that has not ended. */
export async function findEarlier(
  run: RunReader,
  dir: string,
  nameDir: (folder: string) => string,
): Promise<RunName[]> {
  // A recall refers to where the rows are: of a replay that is where the first run's are.
  const origin = run.run.base ? (await findNamed(run.dir, run.run.base)).dir : run.dir
  const id = run.run.base?.id ?? run.run.id
  const found: RunName[] = []
  for (const folder of await findReferrers(origin, id)) {
    const file = await readRunFile(folder)
    if (!file?.recall || file.replays?.id !== run.run.id || resolve(folder) === resolve(dir)) continue
    await using other = await run.openOther(folder)
    const standing = await readStanding(other.log, other.run)
    if (!hasEnded(standing, other.run))
      throw new HeadraceError(
        'bad-option',
        `the recall in ${folder} has not ended, and what it keeps is not to be recalled twice: let it end first, or remove it`,
      )
    // One that brought nothing back need not stay.
    if (standing.decide.totals.kept > 0) found.push({ dir: nameDir(folder), id: other.run.id! })
  }
  return found
}
