import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { featureBuckets } from '../../src/text/linear/features.ts'
import type { Head } from '../../src/text/linear/model.ts'
import { encodeModel } from '../../src/text/linear/model-file.ts'
import { writeDocuments, writeMathSeed } from '../recall/made-recall.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// A run to recall from, its pipeline's file, a seed and a model, for tests of the command.

export const home = makeFolder('enrich')
export const runs = join(home, 'runs')
export const at = (name: string) => join(home, name)
let glob = ''
export let seed = ''
export let pipeline = ''

interface Written {
  readonly rules?: string
  readonly store?: string
  readonly similarity?: number
  readonly annotate?: string
  readonly last?: string
}

/** The pipeline of the run that is recalled from, or one that differs from it. */
export function writePipeline(
  name: string,
  { rules = "'lost', 'mirror'", store = '', similarity = 0.8, annotate = '', last = '' }: Written = {},
) {
  const file = at(`${name}.ts`)
  writeFileSync(
    file,
    `import * as h from 'headrace'
export default h.pipeline('base').from(h.jsonl(${JSON.stringify(glob)}))
  .annotate(h.normalize(), h.gopherQuality(), h.gate({ gopherWords: { below: 150, reason: 'short' } }), ${annotate}h.c4({ terminalMark: false }), h.signature()${last})
  .decide(h.rules({ domain: { noneOf: [${rules}], reason: 'blocked' } }), h.exactDuplicates(), h.nearDuplicates({ similarity: ${similarity} }), h.balance({ rates: { lost: 1 } }))
  .guard({ by: 'all', above: 1 })
  .tokenize('gpt2').feed({ length: 64, batch: 2, mixture: { math: 1 } })${store}\n`,
  )
  return file
}

/** A model of three heads, whose one word is for mathematics. */
export function writeModel(): string {
  const heads: Head[] = [
    { name: 'maths', kind: 'score', classes: [], scale: 1, shift: 0 },
    { name: 'worth', kind: 'value', classes: [], scale: 1, shift: 0 },
    { name: 'topic', kind: 'class', classes: ['a', 'b'], scale: 1, shift: 0 },
  ]
  const weights = new Float32Array(4 * (featureBuckets + 1))
  for (let i = 0; i < weights.length; i++) weights[i] = ((i * 2654435761) % 1000) / 1000
  const file = at('heads.linear')
  writeFileSync(file, Buffer.concat([...encodeModel({ model: { heads, weights }, report: null })]))
  return file
}

/** Runs the pipeline, once for a file of tests. */
export async function beginRuns(): Promise<void> {
  glob = writeDocuments(90)
  seed = (await writeMathSeed()).file
  pipeline = writePipeline('base')
  const { status, err } = await runMain(['run', pipeline, '--dir', runs, '--run', 'base', '--workers', '1'])
  assert.equal(status, 0, err)
}

export const enrich = (...args: string[]) =>
  runMain(['enrich', 'base', '--dir', runs, '--pipeline', pipeline, '--workers', '1', ...args])
export const byMath = (out: string, ...args: string[]) => enrich('--seed', seed, '--out', out, ...args)
