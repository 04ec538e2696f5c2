import { parentPort, workerData } from 'node:worker_threads'
import { encodeBatch } from '../../batch/arrow/ipc.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { MeasuredSlot } from '../../record/slots.ts'
import { annotateSlot, encodeDead } from './annotate-slot.ts'
import { encodeStored, encodeWhole } from './encode-slot.ts'
import { isStopped, type Job, type PipelineRef, type PlanLoader, progressIndex, type Report, reportTo } from './jobs.ts'
import { checkSamePlan } from './same-plan.ts'
import { annotateStored } from './stored-slot.ts'
import { joinEntries, keepTexts, tokenizeSlot } from './tokens.ts'

/** What a worker needs of the port to the thread that asks. */
export interface Port {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (message: Job | null) => void): unknown
}

async function annotate(plan: Plan, job: Job & { kind: 'annotate' }, report: Report): Promise<MeasuredSlot> {
  const { chunks, stored, alone } = job
  const before = stored ? await annotateStored(plan, stored, chunks, alone, report) : null
  const { scored, dead } = before ?? (await annotateSlot(plan, chunks, alone, report))
  report('encoding')
  return {
    ...(before ? encodeStored(plan, scored, stored!, before.stored) : encodeWhole(plan, scored)),
    dead: dead.length ? encodeDead(dead) : null,
    rows: scored.rows,
    deadRows: dead.length,
  }
}

async function tokenize(plan: Plan, job: Job & { kind: 'tokenize' }, report: Report): Promise<Uint8Array> {
  return encodeBatch(await tokenizeSlot(plan.tokenizer!, joinEntries(job.slot, job.entries), job, report))
}

function keep({ slot, entries }: Job & { kind: 'keep' }, report: Report): Uint8Array {
  report('encoding')
  return keepTexts(slot, entries)
}

function transferable(result: MeasuredSlot | Uint8Array): ArrayBuffer[] {
  const parts = result instanceof Uint8Array ? [result] : [result.scored, result.dead, result.texts].filter(Boolean)
  return parts.map(part => part!.buffer as ArrayBuffer)
}

function describe(caught: unknown): object {
  const error = wrapDiskError(caught, 'a worker')
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return error instanceof HeadraceError ? { code: error.code, message } : { message, stack }
}

function work(plan: Plan, job: Job, report: Report): Promise<MeasuredSlot | Uint8Array> | Uint8Array {
  if (job.kind === 'annotate') return annotate(plan, job, report)
  return job.kind === 'tokenize' ? tokenize(plan, job, report) : keep(job, report)
}

/** Answers jobs one after the other with `{ result }` or `{ error }`. `progress` counts the first job when the plan is there. */
export function serve(plan: Promise<Plan>, port: Port, progress: Int32Array): void {
  const report = reportTo(progress)
  // A plan that can't be had is told to whoever asks for work.
  plan.catch(() => {})
  const run = async (job: Job) => {
    if (isStopped(progress)) return
    try {
      const loaded = await plan
      Atomics.add(progress, progressIndex.begun, 1)
      const result = await work(loaded, job, report)
      report('idle')
      port.postMessage({ result }, transferable(result))
    } catch (error) {
      report('idle')
      port.postMessage({ error: describe(error) })
    }
  }
  let last: Promise<void> = Promise.resolve()
  port.on('message', job => {
    if (job) last = last.then(() => run(job))
  })
}

async function load(ref: PipelineRef): Promise<Plan> {
  const { loadPlan }: { loadPlan: PlanLoader } = await import(ref.loader)
  return makePlan(ref, loadPlan)
}

/** The plan as it is made now. Throws 'source-changed' where it is another than the run's. */
export async function makePlan(ref: PipelineRef, loadPlan: PlanLoader): Promise<Plan> {
  const plan = await loadPlan(ref)
  if (ref.identity) checkSamePlan(plan, ref.identity)
  return plan
}

if (parentPort) {
  const { ref, progress } = workerData as { ref: PipelineRef; progress: SharedArrayBuffer }
  serve(load(ref), parentPort, new Int32Array(progress))
  // `stopWorker` says so. An annotator may hold what would keep the thread alive.
  parentPort.on('message', job => {
    if (job === null) process.exit(0)
  })
}
