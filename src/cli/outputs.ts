import { HeadraceError, wrapDiskError } from '../errors.ts'

/** What became of the process's own output while a command ran. */
export interface Outputs {
  /** Throws 'disk' when something that was told could not be written. */
  check(): Promise<void>
}

/**
 * Follows standard output and error. A reader that has seen enough, as `head` does, closes the pipe: that is no error, and ends a command
 * whose work is its output. Output that can't be written for another reason, as on a full disk, is one: it ends such a command at once,
 * and one that `outlives` its reader does its work first.
 */
export function followOutputs(outlives: boolean): Outputs {
  let failure: unknown = null
  const follow = (stream: NodeJS.WriteStream, name: string, onError: () => void) =>
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') failure ??= judgeOutput(error, name)
      onError()
    })
  follow(process.stdout, 'standard output', () => {
    if (outlives) return
    if (failure instanceof HeadraceError) process.stderr.write(`headrace: ${failure.message}\n`)
    process.exit(failure instanceof HeadraceError ? failure.exit : 0)
  })
  follow(process.stderr, 'standard error', () => {})
  return {
    check: async () => {
      // A stream tells of a write that failed in a later turn.
      await new Promise(resolve => setImmediate(resolve))
      if (failure) throw failure
    },
  }
}

function judgeOutput(error: NodeJS.ErrnoException, name: string): HeadraceError {
  const wrapped = wrapDiskError(error, `writing ${name}`)
  if (wrapped instanceof HeadraceError) return wrapped
  return new HeadraceError('disk', `writing ${name} failed with ${error.code}; what was committed is safe`, error)
}
