import { Worker } from 'node:worker_threads'
import { HeadraceError } from '../errors.ts'
import type { Chunk } from '../sources/source.ts'
import type { AnnotateResult, Job, PipelineRef } from './jobs.ts'

interface Waiting {
  readonly job: Job
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** Jobs that a worker holds at once: one that runs and one that waits, so that it need not wait for this thread. */
const jobsPerWorker = 2

/** A worker's garbage is mostly short-lived strings; left alone, V8 lets it grow with the input's size, to no gain in speed. */
const youngMegabytesMax = 24

/** The worker's module, from source or from the build of it. */
const workerUrl = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/**
 * Worker threads that annotate and tokenize. Any worker takes any job; jobs of later stages go first, as they free memory. Buffers are
 * transferred, never copied.
 */
export class Pool implements AsyncDisposable {
  readonly #workers: { worker: Worker; running: Waiting[] }[]
  readonly #queues: Record<Job['kind'], Waiting[]> = { tokenize: [], annotate: [] }
  readonly size: number
  #failure: unknown = null

  constructor(size: number, ref: PipelineRef) {
    this.size = size
    this.#workers = Array.from({ length: size }, () => this.#start(ref))
  }

  annotate(slot: number, chunks: readonly Chunk[]): Promise<AnnotateResult> {
    return this.#run({ kind: 'annotate', slot, chunks }) as Promise<AnnotateResult>
  }

  /** `value`: a `kept` entry. Returns the encoded batch of its tokens and scores. */
  tokenize(slot: number, value: Uint8Array): Promise<Uint8Array> {
    return this.#run({ kind: 'tokenize', slot, value }) as Promise<Uint8Array>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new HeadraceError('fenced', 'the run was stopped')
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()))
  }

  #run(job: Job): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queues[job.kind].push({ job, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (;;) {
      const free = this.#workers.reduce((a, b) => (b.running.length < a.running.length ? b : a))
      if (free.running.length >= jobsPerWorker) return
      const waiting = this.#queues.tokenize.shift() ?? this.#queues.annotate.shift()
      if (!waiting) return
      free.running.push(waiting)
      free.worker.postMessage(waiting.job, buffersOf(waiting.job))
    }
  }

  #start(ref: PipelineRef): { worker: Worker; running: Waiting[] } {
    const worker = new Worker(workerUrl, {
      workerData: ref,
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytesMax },
    })
    const state = { worker, running: [] as Waiting[] }
    worker.on('message', (message: { result?: unknown; error?: unknown }) => {
      const answered = state.running.shift()
      if (!answered) return // It was given up when another worker failed.
      const { resolve, reject } = answered
      if ('error' in message) reject(revive(message.error))
      else resolve(message.result)
      this.#dispatch()
    })
    worker.on('error', error => this.#fail(describeCrash(error, state.running)))
    worker.on('messageerror', error => this.#fail(error))
    // One that ended, even while it had nothing to do, would never answer again.
    worker.on('exit', code => this.#fail(new Error(`a worker ended with status ${code}${atSlot(state.running)}`)))
    return state
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    const lists = [...this.#workers.map(worker => worker.running), this.#queues.tokenize, this.#queues.annotate]
    for (const list of lists) for (const { reject } of list.splice(0)) reject(this.#failure)
  }
}

function atSlot(running: readonly Waiting[]): string {
  return running.length ? ` at slot ${running[0].job.slot}` : ''
}

/** A thread's own memory limit is the one crash that the user can mend. */
function describeCrash(error: unknown, running: readonly Waiting[]): unknown {
  if ((error as NodeJS.ErrnoException)?.code !== 'ERR_WORKER_OUT_OF_MEMORY') return error
  return new HeadraceError(
    'limit',
    `a worker ran out of memory${atSlot(running)}: run the same command again with fewer --workers, or with NODE_OPTIONS=--max-old-space-size=4096`,
    error,
  )
}

function buffersOf(job: Job): ArrayBuffer[] {
  const buffers = job.kind === 'annotate' ? job.chunks.map(chunk => chunk.bytes.buffer) : [job.value.buffer]
  return [...new Set(buffers)] as ArrayBuffer[]
}

/** An error crosses threads as plain data; ours keeps its code. */
function revive(error: unknown): unknown {
  const { code, message, stack } = error as { code?: string; message: string; stack?: string }
  if (code) return new HeadraceError(code as HeadraceError['code'], message)
  return Object.assign(new Error(message), { stack })
}
