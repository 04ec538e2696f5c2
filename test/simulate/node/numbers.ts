import type { Inode } from '../disk.ts'
import { systemError } from '../disk.ts'
import { currentProcess } from '../process.ts'
import type { World } from '../world.ts'

/** Files that are open by a number, as sync calls name them. */
interface Numbered {
  readonly path: string
  readonly inode: Inode
}

/** Numbers of simulated open files begin here, far above real ones. */
export const firstNumber = 1_000_000
const openFiles = new WeakMap<World, Map<number, Numbered>>()

/** Gives an open file a number. */
export function numberFile(world: World, file: Numbered): number {
  const files = openFiles.get(world) ?? new Map<number, Numbered>()
  openFiles.set(world, files)
  const number = firstNumber + world.uniqueNumber()
  files.set(number, file)
  return number
}

/** The open file with a number. Throws as the system does where there is none. */
export function fileOf(number: number, syscall: string): Numbered {
  const file = openFiles.get(currentProcess().world)?.get(number)
  if (!file) throw systemError('EBADF', syscall, String(number))
  return file
}

export function forgetNumber(world: World, number: number): void {
  openFiles.get(world)?.delete(number)
}
