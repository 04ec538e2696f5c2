import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { watchAllocations } from './allocations.ts'
import type { Subject } from './target.ts'

// Before the readers are loaded, as some keep the constructors that they find.
watchAllocations()
const { findTarget } = await import('./targets.ts')
const { makeCase, runCase } = await import('./target.ts')
const { readRegressions } = await import('./regressions.ts')
const { describe, minimise } = await import('./minimise.ts')

/** What a worker is to do; the numbers of the target and of the case that it is at stand in `at`. */
export interface WorkerOrder {
  readonly jobs: readonly Job[]
  readonly seed: number
  readonly at: Int32Array
  /** Each job's files go into a folder of it. */
  readonly folder: string
  /** Makes failures small before they are told. */
  readonly minimises: boolean
}
export interface Job {
  readonly target: string
  readonly from: number
  /** Cases, and milliseconds, at most. */
  readonly cases: number
  readonly ms: number
  readonly withRegressions: boolean
}
export interface Failure {
  readonly target: string
  /** Case number of the seed, or a regression's file name. */
  readonly name: string
  readonly index: number
  readonly message: string
  readonly bytes: Uint8Array
}
export interface Done {
  readonly target: string
  readonly cases: number
  readonly ms: number
  readonly outcomes: Readonly<Record<string, number>>
}
export type Report = { readonly failure: Failure } | { readonly done: Done }

const order = workerData as WorkerOrder
const tell = (report: Report) => parentPort!.postMessage(report)

/** That each file reads well as it was made: a reader that refuses everything would never fail. */
async function checkWhole({ target }: Job, subject: Subject): Promise<void> {
  for (const [index, { name, bytes }] of subject.files.entries())
    try {
      await subject.check(Buffer.from(bytes), index, () => 0)
    } catch (error) {
      const message = `undamaged: ${(error as Error).stack}`
      tell({ failure: { target, name, index, message, bytes: new Uint8Array(0) } })
    }
}

async function runJob(job: Job, number: number): Promise<void> {
  const dir = join(order.folder, String(number))
  mkdirSync(dir)
  const outcomes: Record<string, number> = {}
  const subject = await findTarget(job.target).open(dir)
  const start = performance.now()
  let cases = 0
  /** Failures that were told: one of each kind. */
  const known = new Set<string>()
  Atomics.store(order.at, 0, number)
  Atomics.store(order.at, 1, job.from - 1)
  const run = async (name: string, one: { index: number; bytes: Buffer }) => {
    Atomics.store(order.at, 2, ~~performance.now() | 1)
    try {
      const outcome = await runCase(subject, one)
      cases++
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    } catch (error) {
      outcomes.FAILED = (outcomes.FAILED ?? 0) + 1
      cases++
      if (known.has(describe(error as Error))) return
      known.add(describe(error as Error))
      const small = order.minimises && /^\d+$/.test(name) ? await minimise(subject, one, error as Error) : one
      const message = ((error as Error).stack ?? String(error)).split('\n').slice(0, 6).join('\n')
      tell({ failure: { target: job.target, name, ...small, message } })
    }
  }
  await checkWhole(job, subject)
  if (job.withRegressions) for (const { name, ...one } of readRegressions(job.target)) await run(name, one)
  for (let i = job.from; i < job.from + job.cases && performance.now() - start < job.ms; i++) {
    Atomics.store(order.at, 1, i)
    await run(String(i), makeCase(subject, order.seed, i))
  }
  Atomics.store(order.at, 2, 0)
  tell({ done: { target: job.target, cases, ms: performance.now() - start, outcomes } })
  rmSync(dir, { recursive: true })
}

for (const [number, job] of order.jobs.entries()) await runJob(job, number)
