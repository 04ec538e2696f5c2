import { HeadraceError, systemCodeOf } from '../../errors.ts'

// What can't be listed, opened or read stops a run, and is never a dead record: what lies behind it would be missing without a word. A dead
// record is what was read and is no document.

/** System codes that say that nobody let this process in: a later try fails alike. */
const refusedCodes = ['EACCES', 'EPERM']

/** System codes that say that a path leads to no file. */
const absentCodes = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']

/** A system's error as what stops the run: 'not-found' where the path is at fault, 'disk' where a later try may do; others stay as they are. */
export function refuseFile(error: unknown, path: string): unknown {
  const { syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  const code = systemCodeOf(error)
  if (error instanceof HeadraceError || syscall === undefined) return error
  if (refusedCodes.includes(code)) {
    const advice = 'let this user read it, or leave it out of the input'
    return new HeadraceError('not-found', `${path} can't be read (${code}, no permission): ${advice}`, error)
  }
  if (absentCodes.includes(code)) {
    const advice = 'it is gone, or a link to nothing: restore it, or leave it out of the input'
    return new HeadraceError('not-found', `${path} can't be opened (${code}): ${advice}`, error)
  }
  return new HeadraceError('disk', `reading ${path} failed with ${code}; run the same command again`, error)
}

/** Whether a system's error says that a path leads to nothing. */
export function isAbsent(error: unknown): boolean {
  return absentCodes.includes((error as NodeJS.ErrnoException | null)?.code ?? '')
}

/** Folders, pipes, sockets and devices give other bytes each time, or none. */
export function refuseKind(path: string): HeadraceError {
  return new HeadraceError(
    'not-found',
    `${path} is not a regular file, which could be read again: leave it out of the input`,
  )
}

/** A file that was looked at and is another now: nothing of it may be taken under the old stamp. */
export function refuseReplaced(path: string, what: string): HeadraceError {
  return new HeadraceError(
    'source-changed',
    `${path} ${what}: restore it and run the same command again, or begin another run with --run NAME when nothing writes to it`,
  )
}
