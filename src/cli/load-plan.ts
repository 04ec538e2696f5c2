import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { HeadraceError } from '../errors.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../pipeline/plan.ts'
import { readRunFile } from '../record/run-file.ts'
import type { PipelineRef } from '../run/measure/jobs.ts'
import { redriveSource } from '../run/redrive/redrive-source.ts'
import type { Source } from '../sources/source.ts'
import { followSource, sourceFor } from './input.ts'
import { LoadedCode } from './loaded-code.ts'

const code = new LoadedCode()

// A pipeline imports 'headrace' wherever it lies; it means the Headrace that runs it. And it is a module, as its imports show, also in a
// package that is CommonJS, which is what `npm init` makes.
const index = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url).href
registerHooks({
  resolve: (specifier, context, nextResolve) => {
    if (specifier === 'headrace') return { url: index, shortCircuit: true }
    const found = nextResolve(specifier, context)
    const isTypeScript = /\.ts(\?|$)/.test(found.url) && !found.url.includes('/node_modules/')
    return isTypeScript ? { ...found, format: 'module-typescript' } : found
  },
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    code.see(url, loaded.source)
    return loaded
  },
})

/** The same pipeline for further threads: as this one has loaded it, or not at all. */
export function pinCode(ref: PipelineRef): PipelineRef {
  return { ...ref, modules: code.list() }
}

/** The reference by which every thread loads the pipeline of a file. */
export function referTo(file: string, input: readonly string[] = [], follow = false): PipelineRef {
  if (!existsSync(file))
    throw new HeadraceError('not-found', `there is no pipeline file ${file}: write one with 'headrace init'`)
  return referToModule(pathToFileURL(resolve(file)).href, input, follow)
}

/** The same for the URL of a module. */
export function referToModule(module: string, input: readonly string[], follow = false): PipelineRef {
  return { loader: import.meta.url, module, input, follow }
}

/** The reference to the same pipeline whose input are the dead records of the run in `dir`. */
export function referToDead(file: string, dir: string, reasons: readonly string[]): PipelineRef {
  return referTo(file, [deadScheme + dir, ...reasons])
}
const deadScheme = 'redrive:'

/** The command that starts a run with this input, but for its pipeline and folder. */
export function nameStart(input: readonly string[]): string {
  if (input[0]?.startsWith(deadScheme)) return 'headrace redrive --into'
  return ['headrace run', ...input.map(glob => `--input '${glob}'`)].join(' ')
}

/** Imports the pipeline's module and lays the pipeline out. Called on every thread. */
export async function loadPlan(ref: PipelineRef): Promise<Plan> {
  if (ref.modules) code.expect(ref.modules)
  const found = await importPipeline(ref)
  const pipeline = { ...found, source: await chooseSource(found.source, ref) }
  if (!ref.recall) return planPipeline(pipeline)
  // Only a recall needs what makes one: its models are annotators, which other commands would load for nothing.
  const { recallPipeline } = await import('../recall/pipeline.ts')
  return planPipeline(recallPipeline(pipeline, ref.recall))
}

/** The pipeline's own source, unless the command line names other input; waiting for more where it says so. */
async function chooseSource(
  own: Source | null,
  { input, follow }: Pick<PipelineRef, 'input' | 'follow'>,
): Promise<Source | null> {
  if (own && input[0]?.startsWith(deadScheme)) return chooseDead(own, input[0].slice(deadScheme.length), input.slice(1))
  const source = input.length ? sourceFor(input, own?.options ?? {}) : own
  return follow && source ? followSource(source) : source
}

/** The dead records of another run, read as that run read them. */
async function chooseDead(own: Source, dir: string, reasons: readonly string[]): Promise<Source> {
  const run = await readRunFile(dir)
  if (!run)
    throw new HeadraceError('not-found', `the run ${dir}, whose dead records are the input, is gone: restore it`)
  const base = await chooseSource(own, { input: run.input, follow: false })
  return redriveSource(base!, dir, reasons)
}

async function importPipeline({ module: url }: PipelineRef): Promise<Pipeline> {
  const module = await import(url).catch(error => {
    if (error instanceof HeadraceError) throw error
    throw new HeadraceError('bad-pipeline', `${showModule(url)} can't be loaded: ${explainImport(error, url)}`, error)
  })
  const pipeline = module.default
  if (!pipeline || typeof pipeline !== 'object' || !Array.isArray(pipeline.annotators))
    throw new HeadraceError('bad-pipeline', `${showModule(url)} must 'export default pipeline(...)'`)
  return pipeline as Pipeline
}

/** The message, and the line of the module that it comes from where the error knows it. */
function explainImport(error: unknown, url: string): string {
  if (!(error instanceof Error)) return String(error)
  const [message] = error.message.split('\n')
  for (const name of [url, url.startsWith('file:') ? fileURLToPath(new URL(url)) : url]) {
    const [, after] = (error.stack ?? '').split(`${name}:`)
    const line = /^\d+(:\d+)?/.exec(after ?? '')
    if (line) return `${message} (${showModule(url)}:${line[0]})`
  }
  return message
}

function showModule(url: string): string {
  if (!url.startsWith('file:')) return url
  const path = fileURLToPath(new URL(url))
  const near = relative('', path)
  return near.startsWith('..') ? path : near
}
