import { clearTimeout, setTimeout } from 'node:timers'
import { Worker } from 'node:worker_threads'
import { decodeBatch } from '../../batch/arrow/ipc.ts'
import type { Batch } from '../../batch/batch.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { MeasuredSlot } from '../../record/slots.ts'
import type { Chunk } from '../../sources/source.ts'
import { isOutOfMemory, isolateRows, keepAgain, memoryAdvice, tokenizeAgain, WorkerLost } from './isolate.ts'
import {
  type DecidedValues,
  type Job,
  type PipelineRef,
  type PoisonRow,
  progressBytes,
  readProgress,
  type StoredSlot,
} from './jobs.ts'
import { stopWorker } from './stop-worker.ts'

export interface PoolOptions {
  /** A worker's heap. Default what V8 gives. */
  readonly heapMegabytesMax?: number
  readonly onLost?: (lost: LostWorker) => void
}

/** A worker that hung or died. `slot` is of the job that it had begun, or null. */
export interface LostWorker {
  readonly reason: PoisonRow['reason']
  readonly detail: string
  readonly slot: number | null
}

interface Waiting {
  readonly job: Job
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** A thread and the jobs that it holds, the first of them begun or next to be. */
class Thread {
  readonly worker: Worker
  readonly progress: Int32Array
  readonly running: Waiting[] = []
  /** Jobs that it has answered. */
  answered = 0
  /** What it was at when it was looked at last, and for how long it has been at that. */
  mark = ''
  waitedMs = 0
  timer: NodeJS.Timeout | null = null
  error: unknown = null

  constructor(worker: Worker, progress: Int32Array) {
    this.worker = worker
    this.progress = progress
  }
}

/** Jobs that a worker holds at once: one that runs and one that waits, so that it need not wait for this thread. */
const jobsPerWorker = 2

/** A worker's garbage is mostly short-lived strings; left alone, V8 lets it grow with the input's size, to no gain in speed. */
const youngMegabytesMax = 24

/** A limit is counted in so many ticks, each at most its own length: a process that was suspended blames nothing for that time. */
const ticksPerLimit = 8

/** The worker's module, from source or from the build of it. */
const workerUrl = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/**
 * Worker threads that annotate and tokenize. Any worker takes any job; jobs of later stages go first, as they free memory.
 * A worker that dies, or hangs beyond the limits, is replaced. The job that it had begun is done once more, row by row (`isolate.ts`);
 * jobs that it held besides go to others. A worker that dies before it began any job could not load the pipeline, and fails all jobs.
 */
export class Pool implements AsyncDisposable {
  readonly size: number
  readonly #ref: PipelineRef
  readonly #options: PoolOptions
  readonly #slotMs = 1000 * limits.slotSecondsMax
  readonly #rowMs = 1000 * limits.rowSecondsMax
  readonly #tickMs = Math.min(this.#slotMs, this.#rowMs) / ticksPerLimit
  readonly #threads = new Set<Thread>()
  readonly #queues: Record<'again' | Job['kind'], Waiting[]> = { again: [], tokenize: [], keep: [], annotate: [] }
  readonly #beginAll: NodeJS.Timeout
  #failure: unknown = null

  constructor(size: number, ref: PipelineRef, options: PoolOptions = {}) {
    this.size = size
    this.#ref = ref
    this.#options = options
    this.#beginAll = setTimeout(() => {
      while (this.#threads.size < size) this.#start()
      this.#dispatch()
    }, 1000 * limits.workersBegunSeconds)
  }

  /** `stored`: what a run that is replayed has of the slot. */
  annotate(slot: number, chunks: readonly Chunk[], stored: StoredSlot | null = null): Promise<MeasuredSlot> {
    const job = { kind: 'annotate', slot, chunks, stored, alone: null } as const
    return this.#runOr(job, () => isolateRows(slot, chunks, alone => this.#run({ ...job, alone })))
  }

  /** Returns the kept rows' tokens and scores. */
  async tokenize(slot: number, entries: DecidedValues): Promise<Batch> {
    const job = { kind: 'tokenize', slot, entries, alone: false } as const
    const again = () => tokenizeAgain<Uint8Array>(slot, entries, () => this.#run({ ...job, alone: true }))
    return decodeBatch(await this.#runOr<Uint8Array>(job, again)).batch
  }

  /** Returns the entry of `kept` with the texts of its rows. */
  keepTexts(slot: number, entries: DecidedValues): Promise<Uint8Array> {
    const job = { kind: 'keep', slot, entries } as const
    return this.#runOr(job, () => keepAgain(slot, () => this.#run<Uint8Array>(job)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new HeadraceError('fenced', 'the run was stopped'))
    const threads = [...this.#threads]
    this.#threads.clear()
    await Promise.all(threads.map(({ worker, progress }) => stopWorker(worker, progress)))
  }

  /** What comes of a job, or of `again` where it lost its worker. */
  #runOr<T>(job: Job, again: () => Promise<T>): Promise<T> {
    return this.#run<T>(job).catch(error => {
      if (error instanceof WorkerLost) return again()
      throw error
    })
  }

  #run<T>(job: Job): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#queues[queueOf(job)].push({ job, resolve: result => resolve(result as T), reject })
    this.#dispatch()
    return promise
  }

  #dispatch(): void {
    while (!this.#failure && Object.values(this.#queues).some(queue => queue.length > 0)) {
      const free = this.#findFree()
      if (free.running.length >= jobsPerWorker) return
      const { again, tokenize, keep, annotate } = this.#queues
      const waiting = again.shift() ?? tokenize.shift() ?? keep.shift() ?? annotate.shift()!
      free.running.push(waiting)
      free.worker.postMessage(waiting.job)
      free.timer ??= setTimeout(() => this.#tick(free), this.#tickMs)
    }
  }

  /** The thread with the fewest jobs; a new one while all have some and there may be more. */
  #findFree(): Thread {
    const isIdle = (thread: Thread) => thread.running.length === 0
    const threads = [...this.#threads]
    if (threads.length < this.size && !threads.some(isIdle)) return this.#start()
    return threads.reduce((a, b) => (b.running.length < a.running.length ? b : a))
  }

  #start(): Thread {
    const shared = new SharedArrayBuffer(progressBytes)
    const worker = new Worker(workerUrl, {
      workerData: { ref: this.#ref, progress: shared },
      resourceLimits: {
        maxYoungGenerationSizeMb: youngMegabytesMax,
        maxOldGenerationSizeMb: this.#options.heapMegabytesMax,
      },
    })
    const thread = new Thread(worker, new Int32Array(shared))
    this.#threads.add(thread)
    worker.on('message', (message: { result?: unknown; error?: unknown }) => this.#settle(thread, message))
    worker.on('messageerror', error => this.#fail(error))
    // Its end follows, and with it, before it, all that it had answered.
    worker.on('error', error => {
      thread.error = error
    })
    worker.on('exit', code => {
      const detail = thread.error ? describeError(thread.error) : `the worker ended with status ${code}`
      this.#lose(thread, 'crashed-worker', detail)
    })
    return thread
  }

  #settle(thread: Thread, message: { result?: unknown; error?: unknown }): void {
    // What comes from a worker that was given up is measured elsewhere already.
    if (!this.#threads.has(thread)) return
    const { resolve, reject } = thread.running.shift()!
    thread.answered++
    if ('error' in message) reject(revive(message.error))
    else resolve(message.result)
    this.#dispatch()
  }

  /** Looks how long the worker has been at what it is at: its job, or one row of it. */
  #tick(thread: Thread): void {
    thread.timer = null
    if (!this.#threads.has(thread) || thread.running.length === 0) return
    const { begun, phase, at } = readProgress(thread.progress)
    const isRow = phase === 'measuring-row' || phase === 'tokenizing-row'
    const mark = `${begun} ${isRow ? at : ''}`
    thread.waitedMs = mark === thread.mark && begun > thread.answered ? thread.waitedMs + this.#tickMs : 0
    thread.mark = mark
    const limitMs = isRow ? this.#rowMs : this.#slotMs
    if (thread.waitedMs >= limitMs) this.#lose(thread, 'took-too-long', `not done within ${limitMs / 1000} s`)
    else thread.timer = setTimeout(() => this.#tick(thread), this.#tickMs)
  }

  /** Replaces a worker that hangs or died. The job that it had begun is told; the others are for the next to take. */
  #lose(thread: Thread, reason: PoisonRow['reason'], detail: string): void {
    if (!this.#threads.delete(thread) || this.#failure) return
    if (thread.timer) clearTimeout(thread.timer)
    // One that hangs where it can't be stopped is not waited for.
    if (reason === 'took-too-long') void thread.worker.terminate()
    const place = readProgress(thread.progress)
    const { running } = thread
    const hasBegun = place.begun > thread.answered && running.length > 0
    this.#options.onLost?.({ reason, detail, slot: hasBegun ? running[0].job.slot : null })
    if (hasBegun) running.shift()!.reject(new WorkerLost(reason, detail, place, thread.error))
    const couldNotBegin = place.begun === 0 ? explainStart(detail, running, thread.error) : null
    for (const waiting of running.splice(0).reverse()) this.#queues[queueOf(waiting.job)].unshift(waiting)
    if (couldNotBegin) this.#fail(couldNotBegin)
    else {
      this.#start()
      this.#dispatch()
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    clearTimeout(this.#beginAll)
    const threads = [...this.#threads]
    for (const { timer } of threads) if (timer) clearTimeout(timer)
    const lists = [...threads.map(thread => thread.running), ...Object.values(this.#queues)]
    for (const list of lists) for (const { reject } of list.splice(0)) reject(this.#failure)
  }
}

function queueOf(job: Job): 'again' | Job['kind'] {
  return 'alone' in job && job.alone ? 'again' : job.kind
}

function explainStart(detail: string, running: readonly Waiting[], error: unknown): Error {
  const at = running.length ? ` at slot ${running[0].job.slot}` : ''
  const what = `a worker could not begin${at}: ${detail}`
  if (isOutOfMemory(error)) return new HeadraceError('limit', `${what}; ${memoryAdvice}`, error)
  const judged = wrapDiskError(error, 'beginning a worker')
  return judged instanceof HeadraceError ? judged : new Error(what, { cause: error })
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** An error crosses threads as plain data; ours keeps its code. */
function revive(error: unknown): unknown {
  const { code, message, stack } = error as { code?: string; message: string; stack?: string }
  if (code) return new HeadraceError(code as HeadraceError['code'], message)
  return Object.assign(new Error(message), { stack })
}
