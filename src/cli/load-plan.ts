import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HeadraceError } from '../errors.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../pipeline/plan.ts'
import type { PipelineRef } from '../run/jobs.ts'
import type { Source } from '../sources/source.ts'
import { sourceFor } from './input.ts'

// A pipeline imports 'headrace' wherever it lies; it means the Headrace that runs it.
const index = new URL(import.meta.resolve('../index.ts')).href
registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === 'headrace' ? { url: index, shortCircuit: true } : nextResolve(specifier, context),
})

/** The reference by which every thread loads the pipeline of a file. */
export function referTo(file: string, input: readonly string[], follow = false): PipelineRef {
  if (!existsSync(file))
    throw new HeadraceError('not-found', `there is no pipeline file ${file}: write one with 'headrace init'`)
  return { loader: import.meta.url, module: pathToFileURL(resolve(file)).href, input, follow }
}

/** Imports the pipeline's module and lays the pipeline out. Called on every thread. */
export async function loadPlan(ref: PipelineRef): Promise<Plan> {
  const pipeline = await importPipeline(ref)
  return planPipeline({ ...pipeline, source: chooseSource(pipeline.source, ref) })
}

/** The pipeline's own source, unless the command line names other input or wants it to follow. */
function chooseSource(own: Source | null, { input, follow }: PipelineRef): Source | null {
  const options = own?.options ?? {}
  const patterns = input.length ? input : ((options.patterns ?? []) as string[])
  return (input.length || follow) && patterns.length
    ? sourceFor(patterns, { ...options, ...(follow ? { follow } : {}) })
    : own
}

async function importPipeline(ref: PipelineRef): Promise<Pipeline> {
  const module = await import(ref.module).catch(error => {
    if (error instanceof HeadraceError) throw error
    throw new HeadraceError('bad-pipeline', `${ref.module} can't be loaded: ${error.message}`, error)
  })
  const pipeline = module.default
  if (!pipeline || typeof pipeline !== 'object' || !Array.isArray(pipeline.annotators))
    throw new HeadraceError('bad-pipeline', `${ref.module} must 'export default pipeline(...)'`)
  return pipeline as Pipeline
}
