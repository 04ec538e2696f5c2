import { readFileSync } from 'node:fs'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/** An error that was told already: the process ends with its status and prints no more. */
export class Told extends Error {
  readonly exit: number

  constructor(exit: number) {
    super('told already')
    this.exit = exit
  }
}

/** What ended a command: its code, its exit status, and whether it may succeed later. `who` is the command, as messages name it. */
export function judgeError(caught: unknown, who: string) {
  const error = wrapDiskError(caught, who)
  if (error instanceof HeadraceError) {
    const { code, exit, retry, message } = error
    return { code, exit, retry, message }
  }
  // What the system refused and no part of Headrace knows better: its own words are the best there are.
  const { syscall, code, message } = error as NodeJS.ErrnoException
  if (syscall !== undefined && code !== undefined)
    return { code, exit: code === 'ENOENT' ? 66 : 74, retry: false, message: `the system refused: ${message}` }
  const stack = error instanceof Error ? error.stack : error
  return { code: 'bug', exit: 70, retry: false, message: `this is a bug, please report it.\n${stack}` }
}

/** The build lies a folder deeper than the source. */
const packagePath = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json'

export function readVersion(): string {
  return JSON.parse(readFileSync(new URL(packagePath, import.meta.url), 'utf8')).version
}
