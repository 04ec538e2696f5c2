import { parentPort, workerData } from 'node:worker_threads'
import { decodeBatch, encodeBatch } from '../batch/ipc.ts'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { AnnotateResult, Job, PipelineRef, PlanLoader } from './jobs.ts'
import { annotateSlot, deadBatch } from './slot.ts'
import { tokenizeKept } from './tokens.ts'

async function annotate(plan: Plan, job: Job & { kind: 'annotate' }): Promise<AnnotateResult> {
  const { scored, dead } = await annotateSlot(plan, job.chunks)
  return {
    scored: encodeBatch(scored),
    dead: dead.length ? encodeBatch(deadBatch(dead)) : null,
    rows: scored.rows,
    deadRows: dead.length,
  }
}

async function tokenize(plan: Plan, job: Job & { kind: 'tokenize' }): Promise<Uint8Array> {
  const { batch } = decodeBatch(job.value)
  return encodeBatch(await tokenizeKept(plan.tokenizer!, batch, job.slot))
}

function transferable(result: AnnotateResult | Uint8Array): ArrayBuffer[] {
  const parts = result instanceof Uint8Array ? [result] : [result.scored, ...(result.dead ? [result.dead] : [])]
  return parts.map(part => part.buffer as ArrayBuffer)
}

function describe(error: unknown): object {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return error instanceof HeadraceError ? { code: error.code, message } : { message, stack }
}

/** Serves jobs one after the other. */
export function serve(ref: PipelineRef): void {
  const plan = import(ref.loader).then((module: { loadPlan: PlanLoader }) => module.loadPlan(ref))
  let last: Promise<void> = Promise.resolve()
  const run = async (job: Job) => {
    try {
      const result = job.kind === 'annotate' ? await annotate(await plan, job) : await tokenize(await plan, job)
      parentPort!.postMessage({ result }, transferable(result))
    } catch (error) {
      parentPort!.postMessage({ error: describe(error) })
    }
  }
  parentPort!.on('message', (job: Job) => {
    last = last.then(() => run(job))
  })
}

if (parentPort) serve(workerData as PipelineRef)
