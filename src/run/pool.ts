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
    const worker = new Worker(new URL(import.meta.resolve('./worker.ts')), { workerData: ref })
    const state = { worker, running: [] as Waiting[] }
    worker.on('message', (message: { result?: unknown; error?: unknown }) => {
      const { resolve, reject } = state.running.shift()!
      if ('error' in message) reject(revive(message.error))
      else resolve(message.result)
      this.#dispatch()
    })
    worker.on('error', error => this.#fail(error))
    worker.on('exit', code => {
      if (state.running.length)
        this.#fail(new Error(`a worker ended with status ${code} at slot ${state.running[0].job.slot}`))
    })
    return state
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    const waiting = [
      ...this.#workers.flatMap(worker => worker.running),
      ...this.#queues.tokenize,
      ...this.#queues.annotate,
    ]
    for (const { reject } of waiting) reject(error)
  }
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
