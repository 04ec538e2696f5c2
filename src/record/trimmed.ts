import { join } from 'node:path'
import { isCount, isObjectOf, readJson, writeJson } from '../disk/json-file.ts'

const pathOf = (dir: string) => join(dir, 'trimmed.json')

/** The first slot that the run in `dir` keeps whole: it has trimmed those before, or parts of them. 0 when it has trimmed nothing. */
export async function readTrimmed(dir: string): Promise<number> {
  const fault = "can't be understood: restore it from a copy"
  const trimmed = await readJson<{ first: number }>(pathOf(dir), isObjectOf({ first: isCount }), fault)
  return trimmed?.first ?? 0
}

/** Writes it so that it lasts. `checkOwner` throws when the run is another process's. */
export async function writeTrimmed(dir: string, first: number, checkOwner: () => void): Promise<void> {
  await writeJson(pathOf(dir), { first }, checkOwner)
}
