import { join } from 'node:path'
import { readText } from '../../disk/files.ts'
import { HeadraceError } from '../../errors.ts'
import { type ControlEntry, parseControls } from '../plan/control.ts'

/** The changes that a feed was given, in the order they came. Throws `corrupt` where they are damaged. */
export async function readControls(dir: string): Promise<ControlEntry[]> {
  const path = join(dir, 'control.json')
  const text = (await readText(path)) ?? '[]'
  try {
    return parseControls(text)
  } catch (error) {
    throw new HeadraceError('corrupt', `${path} is damaged: ${(error as Error).message}; restore it from a copy`, error)
  }
}

/** How many take-downs a feed has. */
export async function countTakeDowns(dir: string): Promise<number> {
  return (await readControls(dir)).filter(({ takeDown }) => takeDown).length
}
