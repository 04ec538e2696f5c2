import { constants } from 'node:os'

/**
 * Every error of the world that Headrace reports, in one table: its code, its exit status and whether trying again can help.
 * A bad document is never one of these: it becomes a dead row. A programmer's mistake is an assertion.
 */
const table = {
  'bad-option': { exit: 64, retry: false },
  'bad-pipeline': { exit: 64, retry: false },
  'not-found': { exit: 66, retry: false },
  corrupt: { exit: 65, retry: false },
  locked: { exit: 73, retry: true },
  disk: { exit: 74, retry: true },
  'source-changed': { exit: 65, retry: false },
  trimmed: { exit: 65, retry: false },
  fenced: { exit: 75, retry: true },
  limit: { exit: 69, retry: false },
  'lost-row': { exit: 70, retry: false },
  'guard-rail': { exit: 3, retry: false },
} as const

export type ErrorCode = keyof typeof table

/** An error with a decision in it: `code` names it, `retry` says whether the same call may succeed later. */
export class HeadraceError extends Error {
  readonly code: ErrorCode
  readonly retry: boolean
  /** The process's exit status when this error ends it (sysexits.h where one fits). */
  readonly exit: number

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'HeadraceError'
    this.code = code
    this.retry = table[code].retry
    this.exit = table[code].exit
  }
}

const makeRoom = 'make room and run the same command again'
const lookAtDisk = 'see what the system says of the disk'
const openMore = 'let it open more files (ulimit -n) and run the same command again'
/** The system's codes that mean that the disk, not the program, is at fault, with what to do. */
const diskAdvice: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', makeRoom],
  ['EDQUOT', makeRoom],
  ['EFBIG', 'let files be larger (ulimit -f), or use another file system'],
  ['EIO', lookAtDisk],
  ['EREMOTEIO', lookAtDisk],
  ['EUCLEAN', lookAtDisk],
  ['ESTALE', 'mount it again and run the same command again'],
  ['EROFS', 'mount it so that it can be written'],
  ['EMFILE', openMore],
  ['ENFILE', openMore],
])

/** Turns a file system's error into ours, with what was being done; anything else comes back as it is. */
export function wrapDiskError(error: unknown, doing: string): unknown {
  const code = systemCodeOf(error)
  const advice = diskAdvice.get(code)
  if (advice === undefined) return error
  return new HeadraceError('disk', `${doing} failed with ${code}; what was committed is safe: ${advice}`, error)
}

/** The system's name of an error, as `ENOSPC`, or empty. Node has none for some numbers, a quota's that is used up among them. */
export function systemCodeOf(error: unknown): string {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException
  if (typeof code !== 'string') return ''
  if (!code.startsWith('Unknown system error') || errno === undefined) return code
  return Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0] ?? code
}

/** Asserts what only a mistake in this program can break. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`headrace internal error: ${message}`)
}

/** What went wrong, for machines: an error that is not ours is a bug. */
export function codeOf(error: unknown): string {
  return error instanceof HeadraceError ? error.code : 'bug'
}
