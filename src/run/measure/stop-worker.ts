import { clearTimeout, setTimeout } from 'node:timers'
import type { Worker } from 'node:worker_threads'
import { limits } from '../../limits.ts'
import { progressIndex } from './jobs.ts'

/**
 * Ends a worker behind the row that it is at, and waits until it is gone; one that has not come to an end within
 * `limits.workerStopSecondsMax` is terminated. `progress`: the array that it shares.
 *
 * `terminate` alone may not be the first means: Node 24 aborts the whole process where it cuts a thread off between the making of a
 * zlib object and its first use, and workers unpack what they read.
 */
export async function stopWorker(worker: Worker, progress: Int32Array): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>()
  worker.once('exit', resolve)
  Atomics.store(progress, progressIndex.stopped, 1)
  worker.postMessage(null)
  const timer = setTimeout(() => void worker.terminate(), 1000 * limits.workerStopSecondsMax)
  await ended
  clearTimeout(timer)
}
