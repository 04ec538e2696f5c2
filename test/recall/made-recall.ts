import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import * as h from '../../src/index.ts'
import { type Plan, planPipeline } from '../../src/pipeline/plan.ts'
import { recallPipeline } from '../../src/recall/pipeline.ts'
import { openScorer } from '../../src/recall/scorer.ts'
import type { Recalled, RecallOrder, ScorerFile } from '../../src/record/recalled.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { fitSeed } from '../../src/text/likeness/seed.ts'
import { writeSeed } from '../../src/text/likeness/seed-file.ts'
import { runWhole } from '../run/replay/whole-run.ts'
import { makeFolder } from '../temporary.ts'

// What tests of recalls share: real documents of which a run drops some for where they are from, copies among them, and a seed of mathematics.

const sample = join(import.meta.dirname, '../../pipelines/sample')

interface Line {
  readonly id: string
  readonly text: string
  readonly domain: string
  readonly url: string
}

export const readSample = (part: number): Line[] =>
  gunzipSync(readFileSync(join(sample, `sample-${part}.jsonl.gz`)))
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

/**
 * Two files of English text. Every third page of mathematics is `lost`, and of two texts in five there is a `mirror` of the same text, or nearly, both
 * before all others and behind them: the run of `planOf` drops what is lost or a mirror for its domain.
 */
export function writeDocuments(documents: number): string {
  const dir = makeFolder('recall')
  const lines = readSample(0).filter(({ domain }) => /^(en-|math)/.test(domain))
  const some = [...lines.filter(({ domain }) => domain === 'math'), ...lines].slice(0, documents)
  const own = [...new Map(some.map(line => [line.id, line])).values()].map((line, i) =>
    line.domain === 'math' && i % 3 === 0 ? { ...line, domain: 'lost' } : line,
  )
  const mirrors = own
    .filter((_line, i) => i % 5 < 2)
    .map((line, i) => ({
      ...line,
      id: `mirror-${line.id}`,
      text: i % 2 === 0 ? line.text : `${line.text}\nThis page was copied from another one.`,
      domain: 'mirror',
      url: `https://mirror.example/${i}`,
    }))
  const again = mirrors.map(line => ({ ...line, id: `again-${line.id}` }))
  const write = (name: string, all: readonly Line[]) =>
    writeFileSync(join(dir, name), all.map(line => `${JSON.stringify(line)}\n`).join(''))
  write('a.jsonl', [...mirrors, ...own.slice(0, own.length / 2)])
  write('b.jsonl', [...own.slice(own.length / 2), ...again])
  writeFileSync(join(dir, 'c.jsonl'), '{"text": "cut off\n{"text": "."}\n{"text": "?!", "domain": "lost"}\n')
  return join(dir, '*.jsonl')
}

export async function writeMathSeed(name = 'math'): Promise<ScorerFile> {
  const texts = readdirSync(join(sample, 'seed-math')).map(file => readFileSync(join(sample, 'seed-math', file)))
  const background = readSample(1)
    .filter(({ domain }) => /^en-/.test(domain))
    .map(({ text }) => Buffer.from(text))
  const file = join(makeFolder('seed'), `${name}.json`)
  writeFileSync(file, writeSeed(await fitSeed(texts, background, { name })))
  return { kind: 'seed', file, head: null }
}

/** The pipeline of the run that is recalled from; `isGated` false leaves its gates and rules out. */
export function pipelineOf(glob: string, isGated = true): h.Pipeline {
  const gates = isGated ? [h.gate({ gopherWords: { below: 150, reason: 'short' } })] : []
  const blocked = { domain: { noneOf: ['lost', 'mirror'], reason: 'blocked' } }
  const built = h
    .pipeline('base')
    .from(h.jsonl(glob))
    .annotate(h.normalize(), h.gopherQuality(), ...gates, h.c4({ terminalMark: false }), h.maskPii(), h.signature())
  return (isGated ? built.decide(h.rules(blocked)) : built)
    .decide(h.exactDuplicates(), h.nearDuplicates(), h.holdout({ rate: 0.05 }))
    .tokenize('gpt2')
    .feed({ length: 64, batch: 2 })
}

export const planOf = (pipeline: h.Pipeline): Plan => planPipeline(pipeline)

/** A recall as it would be begun. */
export async function orderOf(of: string, scorer: ScorerFile, options: Partial<Recalled>): Promise<RecallOrder> {
  const { name, column, annotator } = openScorer(scorer)
  const [{ sha256: model }] = annotator.resources
  const recall = { name, model, column, line: 0, source: 'file', after: [], ...options }
  return { recall, of: (await readRunFile(of))!.id!, scorer }
}

type Options = Omit<NonNullable<Parameters<typeof runWhole>[2]>, 'replay'>

/** The run's pipeline, or the documents of `pipelineOf`. */
type Made = { readonly glob: string } | { readonly pipeline: h.Pipeline }

/** Recalls into a folder, or goes on with what is there. */
export async function recallTo(
  dir: string,
  { of, order, ...made }: { readonly of: string; readonly order: RecallOrder } & Made,
  options: Options = {},
): Promise<string> {
  const plan = planPipeline(recallPipeline('glob' in made ? pipelineOf(made.glob) : made.pipeline, order))
  await runWhole(dir, plan, { ...options, replay: { of, recall: order.recall } })
  return dir
}
