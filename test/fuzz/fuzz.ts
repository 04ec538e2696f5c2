import { Worker } from 'node:worker_threads'
import { makeFolder } from '../temporary.ts'
import type { Done, Failure, Job, Report, WorkerOrder } from './worker.ts'

const heapMbMax = 256

export interface RunOptions {
  readonly seed: number
  /** Makes failures small. Default false. */
  readonly minimises?: boolean
  /** How long one case may take, in milliseconds, before it counts as one that never ends. Default 20 s. */
  readonly caseMsMax?: number
}

export interface Result {
  readonly failures: readonly Failure[]
  readonly done: readonly Done[]
}

/**
 * Runs the jobs one after the other on a worker with little heap. A case that doesn't end, or that ends the worker, is a failure, and
 * another worker goes on behind it.
 */
export async function runJobs(jobs: readonly Job[], options: RunOptions): Promise<Result> {
  const { seed, minimises = false, caseMsMax = 20_000 } = options
  const failures: Failure[] = []
  const done: Done[] = []
  for (let left = jobs; left.length > 0; ) {
    const at = new Int32Array(new SharedArrayBuffer(12))
    const order: WorkerOrder = { jobs: left, seed, at, folder: makeFolder('fuzz'), minimises }
    const end = await runWorker(order, caseMsMax, report => {
      if ('failure' in report) failures.push(report.failure)
      else done.push(report.done)
    })
    if (end === null) break
    const [number, reached] = [at[0], at[1]]
    const job = left[number]
    failures.push({ target: job.target, name: String(reached), index: -1, message: end, bytes: new Uint8Array(0) })
    // One that fails before its first case can't be opened at all.
    const isOpen = reached >= job.from
    const rest = { ...job, from: reached + 1, cases: job.cases - (reached + 1 - job.from), withRegressions: false }
    left = [...(isOpen ? [rest] : []), ...left.slice(number + 1)]
  }
  return { failures, done }
}

/** Null when the worker did all; else why it ended. */
function runWorker(order: WorkerOrder, caseMsMax: number, tell: (report: Report) => void): Promise<string | null> {
  return new Promise(resolve => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: order,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    })
    let [seen, since] = [-1, Date.now()]
    const watch = setInterval(() => {
      const now = Atomics.load(order.at, 1) + Atomics.load(order.at, 2)
      if (now !== seen) [seen, since] = [now, Date.now()]
      else if (Date.now() - since > caseMsMax) stop(`it did not end within ${caseMsMax} ms`)
    }, caseMsMax / 20)
    const stop = (why: string | null) => {
      clearInterval(watch)
      void worker.terminate()
      resolve(why)
    }
    worker.on('message', tell)
    worker.on('error', error => stop(`it ended the worker: ${error.stack ?? error}`))
    worker.on('exit', () => stop(null))
  })
}
