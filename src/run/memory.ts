import { totalmem } from 'node:os'
import process from 'node:process'
import { limits } from '../limits.ts'

/**
 * What a run is told that may use less memory than its largest document needs, or null: there the system kills the process, at every
 * start and without a word. `allowed` is in bytes: the control group's limit, or what the machine has.
 */
export function describeScarceMemory(workers: number, allowed = allowedMemory()): string | null {
  const needed = limits.processBytes + limits.workerBytes * workers
  if (allowed >= needed) return null
  const fewer = workers > 1 ? ', with fewer --workers less' : ''
  return (
    `this process may use ${megabytes(allowed)} MB, and a document of ${megabytes(limits.documentBytesMax)} MB may need ` +
    `${megabytes(needed)} with ${workers} of them measured at once${fewer}: the system kills a run that has not enough, and so it does at the next start`
  )
}

const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20)

function allowedMemory(): number {
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
}
