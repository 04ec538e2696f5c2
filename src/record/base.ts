import { join, resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { type RunFile, type RunName, readRunFile } from './run-file.ts'

/** The folder and the file of the run that the one in `dir` names. Throws 'not-found' where it is gone, or another. */
export async function findNamed(dir: string, name: RunName): Promise<{ dir: string; run: RunFile }> {
  const found = resolve(dir, name.dir)
  const run = await readRunFile(found)
  if (run?.id === name.id) return { dir: found, run }
  const what = run ? 'another run is there' : 'there is no run'
  throw new HeadraceError(
    'not-found',
    `the run in ${dir} refers to the rows of ${join(dir, name.dir)}, and ${what}: bring it back to that place, as without it this run can't be read`,
  )
}
