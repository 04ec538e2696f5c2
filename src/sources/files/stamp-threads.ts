import { Worker } from 'node:worker_threads'
import type { SmallFiles } from './stamp-thread.ts'

const threadUrl = new URL(`./stamp-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** As many as wait for the disk in Node's own pool: a network's file system answers no faster than it is asked. */
const threadsCount = 4

/** What a thread makes is forgotten with its answer: without a bound each takes some 30 MB. */
const youngMegabytesMax = 4

interface Thread {
  readonly worker: Worker
  /** Who waits for its answers, which come in the order of the questions. */
  readonly waiting: ((files: SmallFiles | null) => void)[]
  isLost: boolean
}

const nothing = (names: number): SmallFiles => ({ found: new Array(names).fill(null), bytes: new Uint8Array(0) })

/** Threads that read small files. What a thread that is lost did not answer is answered with nothing. */
export class StampThreads implements AsyncDisposable {
  readonly #threads: readonly Thread[] = Array.from({ length: threadsCount }, startThread)
  #turn = 0

  async read(names: readonly string[]): Promise<SmallFiles> {
    const thread = this.#threads[this.#turn++ % threadsCount]
    if (thread.isLost) return nothing(names.length)
    const { promise, resolve } = Promise.withResolvers<SmallFiles | null>()
    thread.waiting.push(resolve)
    thread.worker.postMessage(names)
    return (await promise) ?? nothing(names.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }
}

function startThread(): Thread {
  const worker = new Worker(threadUrl, { resourceLimits: { maxYoungGenerationSizeMb: youngMegabytesMax } })
  const thread: Thread = { worker, waiting: [], isLost: false }
  const lose = () => {
    thread.isLost = true
    for (const answer of thread.waiting.splice(0)) answer(null)
  }
  worker.on('message', (files: SmallFiles) => thread.waiting.shift()?.(files))
  worker.on('error', lose)
  worker.on('exit', lose)
  return thread
}
