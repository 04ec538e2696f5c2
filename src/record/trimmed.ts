import { hash } from 'node:crypto'
import { join } from 'node:path'
import { isCount, isObjectOf, isOptional, isText, readJson, writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'

const pathOf = (dir: string) => join(dir, 'trimmed.json')

/** `check` binds the slot to the run, so that neither can be another's; a run without an id has none. */
interface Trimmed {
  readonly first: number
  readonly check?: string
}

const checkOf = (first: number, binding: string) => hash('sha256', `${binding} ${first}`).slice(0, 16)

/**
 * The first slot that the run in `dir` keeps whole: it has trimmed those before, or parts of them. 0 when it has trimmed nothing. Throws
 * 'corrupt' for a file that is damaged, or that is not as a run of this binding wrote it.
 */
export async function readTrimmed(dir: string, binding: string | null): Promise<number> {
  const fault = "can't be understood: restore it from a copy"
  const shape = isObjectOf({ first: isCount, check: isOptional(isText) })
  const trimmed = await readJson<Trimmed>(pathOf(dir), shape, fault)
  if (!trimmed) return 0
  const { first, check } = trimmed
  if (binding === null || check === checkOf(first, binding)) return first
  throw new HeadraceError(
    'corrupt',
    `${pathOf(dir)} says that slots before ${first} were trimmed, and its check does not match that and the run: it was edited, or is another run's; restore it from a copy`,
  )
}

/** Writes it so that it lasts. `checkOwner` throws when the run is another process's. */
export async function writeTrimmed(
  dir: string,
  binding: string | null,
  first: number,
  checkOwner: () => void,
): Promise<void> {
  const trimmed: Trimmed = { first, ...(binding !== null && { check: checkOf(first, binding) }) }
  await writeJson(pathOf(dir), trimmed, checkOwner)
}
