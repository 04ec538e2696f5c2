import type { Annotator } from '../../src/annotate/annotator.ts'
import { normalize } from '../../src/annotate/normalize.ts'
import { signature } from '../../src/annotate/signature.ts'
import { type Batch, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { balance } from '../../src/decide/balance.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { holdout } from '../../src/decide/holdout.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { gate, type Pipeline, pipeline, rules } from '../../src/pipeline/pipeline.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import { plainAnnotator } from '../annotate/plain.ts'
import type { Random } from '../random.ts'
import { marks } from './corpus.ts'
import { running } from './process.ts'

/** Which operators a simulated pipeline has. */
export interface PipelineShape {
  readonly isNormalized: boolean
  readonly hasGate: boolean
  readonly deciders: readonly ('exact' | 'near' | 'near-domain' | 'holdout' | 'balance')[]
  readonly isTokenized: boolean
  readonly feed: FeedOptions | null
  /** Which files are its input. */
  readonly pattern: string
}

export function drawPipeline(random: Random): Omit<PipelineShape, 'pattern'> {
  const isTokenized = random.chance(0.93)
  const deciders = (['exact', 'near', 'near-domain', 'balance', 'holdout'] as const).filter(() => random.chance(0.6))
  return {
    isNormalized: random.chance(0.5),
    hasGate: random.chance(0.4),
    // Two comparisons of near copies would fill the same tables.
    deciders: deciders.filter(name => name !== 'near-domain' || !deciders.includes('near')),
    isTokenized,
    feed: isTokenized && random.chance(0.95) ? drawFeed(random) : null,
  }
}

function drawFeed(random: Random): FeedOptions {
  const weights = { web: random.between(1, 9), code: random.between(0, 5), news: 1, 'a/b c': 0.5, holdout: 0.2 }
  return {
    length: random.pick([16, 32, 50, 100]),
    batch: random.pick([1, 2, 4, 6]),
    packing: random.pick(['concatenate', 'best-fit'] as const),
    blockTokens: Math.round(random.spread(200, 6000)),
    seed: random.between(0, 3),
    ...(random.chance(0.5) ? { mixture: weights } : {}),
    dry: random.pick(['renormalise', 'repeat', 'wait'] as const),
    repeatMax: random.between(1, 3),
  }
}

/**
 * The pipeline of a shape. The same shape gives the same fingerprints, whether it follows or not, unless the file that it measures by was
 * edited.
 */
export function buildPipeline(shape: PipelineShape, follow: boolean, isEdited = false): Pipeline {
  const make = {
    exact: () => exactDuplicates(),
    near: () => nearDuplicates({ similarity: 0.7 }),
    'near-domain': () => nearDuplicates({ scope: 'domain' }),
    holdout: () => holdout({ rate: 0.15 }),
    balance: () => balance({ rates: { code: 0.6, web: 0.9 } }),
  }
  const annotators = [
    ...(shape.isNormalized ? [normalize()] : []),
    probe(isEdited),
    ...(shape.hasGate ? [gate()] : []),
    signature(),
  ]
  const built = pipeline('simulated')
    .from(jsonl(shape.pattern, { follow, pollMs: 40 }))
    .annotate(...annotators)
    .decide(rules({ letters: { below: 40 } }), ...shape.deciders.map(name => make[name]()))
    .store({ text: shape.hasGate ? 'none' : 'all' })
  if (!shape.isTokenized) return built
  const withTokens = built.tokenize('gpt2')
  const { tokenizer, ...rest } = shape.feed ? withTokens.feed(shape.feed) : withTokens
  return { ...rest, tokenizer: obeying(tokenizer!) }
}

/** The operator, in which a worker hangs or dies when a fault says so. */
function obeying(annotator: Annotator): Annotator {
  return { ...annotator, annotate: batch => obey() ?? annotator.annotate(batch) }
}

/** A promise that is never kept, when the worker is to hang or to die in the middle of its job. */
function obey(): Promise<never> | null {
  const worker = running.getStore()?.worker
  const order = worker?.takeOrder()
  if (!order) return null
  if (order === 'crash') worker!.crash()
  return new Promise(() => {})
}

/** Measures something cheap, names a language, and does what the marks in a text say. */
function probe(isEdited: boolean): Annotator {
  return plainAnnotator({
    name: 'probe',
    resources: [{ name: 'letters.txt', sha256: isEdited ? 'edited' : 'as it was' }],
    writes: [
      { name: 'letters', kind: 'f32' },
      { name: 'language', kind: 'utf8' },
    ],
    rules: [
      { reason: 'too-short', column: 'letters', below: 30 },
      { reason: 'language', column: 'language', noneOf: ['ru'] },
    ],
    annotate: batch => obey() ?? probeBatch(batch, isEdited ? 7 : 0),
  })
}

/** `more`: letters that the file says are in every text. */
function probeBatch(batch: Batch, more: number): ReturnType<Annotator['annotate']> {
  const worker = running.getStore()?.worker
  const column = utf8(batch, 'text')
  const texts = Array.from({ length: batch.rows }, (_, row) => stringAt(column, row))
  for (const text of texts) {
    if (text.includes(marks.throws)) throw new Error('the text has the mark')
    if (!text.includes(marks.hangs) && !text.includes(marks.crashes)) continue
    if (text.includes(marks.crashes)) worker?.crash()
    return new Promise(() => {})
  }
  return {
    letters: { kind: 'f32', values: Float32Array.from(texts, text => text.length + more) },
    language: utf8From(texts.map(text => (/^[а-я]/.test(text) ? 'ru' : 'en'))),
  }
}

/** Why a row with this text is dead, where the reason is no measurement. */
export function poisonOf(text: string): string | null {
  if (text.includes(marks.throws)) return null
  if (text.includes(marks.hangs)) return 'took-too-long'
  return text.includes(marks.crashes) ? 'crashed-worker' : null
}
