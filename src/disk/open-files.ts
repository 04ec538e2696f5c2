import { readFileSync } from 'node:fs'
import { HeadraceError } from '../errors.ts'

/** Files that a run opens at most by itself, and for each worker thread: measured 42 with two workers, each of which takes 6. */
const ownMax = 64
const perWorkerMax = 8

/**
 * Throws 'disk' when this process may open fewer files than a run of so many workers needs (Linux; elsewhere nothing is known). With too
 * few, anything may fail anywhere, and Node itself crashes when a thread can't have one.
 */
export function checkOpenFiles(workers: number, path = '/proc/self/limits'): void {
  const allowed = readSoftLimit(path)
  const needed = ownMax + perWorkerMax * workers
  if (allowed >= needed) return
  throw new HeadraceError(
    'disk',
    `this process may open ${allowed} files, and a run with ${workers} workers needs ${needed}: allow more with ulimit -n, or ask for fewer --workers`,
  )
}

function readSoftLimit(path: string): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync(path, 'utf8')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
