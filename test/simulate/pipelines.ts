import { normalize } from '../../src/annotate/normalize.ts'
import { signature } from '../../src/annotate/signature.ts'
import { balance } from '../../src/decide/balance.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { holdout } from '../../src/decide/holdout.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import type { Overrides } from '../../src/pipeline/overrides.ts'
import { gate, type Pipeline, pipeline, rules, type StoredText } from '../../src/pipeline/pipeline.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import type { Random } from '../random.ts'
import { appending, counter, shouting } from './more-annotators.ts'
import { obeying, probe } from './probe.ts'

/** Which operators a simulated pipeline has. */
export interface PipelineShape {
  readonly isNormalized: boolean
  readonly hasGate: boolean
  readonly deciders: readonly ('exact' | 'near' | 'near-domain' | 'holdout' | 'balance')[]
  readonly isTokenized: boolean
  readonly feed: FeedOptions | null
  readonly storedText: StoredText
  readonly edits: PipelineEdits
  /** Which files are its input. */
  readonly pattern: string
}

/** What somebody has changed of a pipeline since its first run. */
export interface PipelineEdits {
  /** Thresholds by which rows are dropped, and those of the gate. */
  readonly rules?: Overrides
  readonly gate?: Overrides
  /** The gate stands behind the last measure, not behind the first. */
  readonly isGateLast?: boolean
  /** A further measure, before the gate or behind it. */
  readonly counts?: 'early' | 'late'
  /** Texts are added to before anything else sees them, or changed behind all that measures them. */
  readonly appends?: boolean
  readonly shouts?: boolean
  /** Whether spaces are letters. */
  readonly spaces?: boolean
  readonly similarity?: number
  readonly holdoutRate?: number
  readonly tokenizer?: 'gpt2' | 'cl100k_base'
  /** The domain of a document that names none. */
  readonly domainDefault?: string
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
    storedText: 'all',
    edits: {},
  }
}

export function drawFeed(random: Random): FeedOptions {
  const weights = { web: random.between(1, 9), code: random.between(0, 5), news: 1, 'a/b c': 0.5, holdout: 0.2 }
  const drawn = {
    length: random.pick([16, 32, 50, 100]),
    batch: random.pick([1, 2, 4, 6]),
    packing: random.pick(['concatenate', 'best-fit'] as const),
    blockTokens: Math.round(random.spread(200, 6000)),
    seed: random.between(0, 3),
    ...(random.chance(0.5) ? { mixture: weights } : {}),
    dry: random.pick(['renormalise', 'repeat', 'wait'] as const),
    repeatMax: random.between(1, 3),
  }
  // By what is drawn already, so that seeds stay what they are.
  const { blockTokens, packing } = drawn
  const isFilled = packing === 'best-fit' && blockTokens % 3 === 0
  return {
    ...drawn,
    ...(blockTokens % 4 === 0 && { freshness: 1 + (blockTokens % 5) }),
    ...(blockTokens % 7 === 0 && drawn.length % 2 === 0 && { align: 2 }),
    ...(blockTokens % 6 === 0 && { cutTargets: 'next' as const }),
    ...(isFilled && { packing: 'best-fit-filled' as const, cutMax: (blockTokens % 5) / 10 }),
  }
}

/**
 * The pipeline of a shape. The same shape gives the same fingerprints, whether it follows or not, unless the file that it measures by was
 * edited.
 */
export function buildPipeline(shape: PipelineShape, follow: boolean, isEdited = false): Pipeline {
  const { edits, feed } = shape
  const domain = edits.domainDefault === undefined ? {} : { domainDefault: edits.domainDefault }
  const built = pipeline('simulated')
    .from(jsonl(shape.pattern, { follow, pollMs: 40, ...domain }))
    .annotate(...stepsOf(shape, isEdited))
    .decide(rules({ letters: { below: 40 }, ...edits.rules }), ...decidersOf(shape))
    .store({ text: shape.storedText })
  if (!shape.isTokenized) return built
  const withTokens = built.tokenize(edits.tokenizer ?? 'gpt2')
  const { tokenizer, ...rest } = feed ? withTokens.feed(feed) : withTokens
  return { ...rest, tokenizer: obeying(tokenizer!) }
}

function stepsOf({ isNormalized, hasGate, edits }: PipelineShape, isEdited: boolean) {
  const { isGateLast = false, counts } = edits
  const gates = hasGate ? [gate(edits.gate ?? {})] : []
  return [
    ...(edits.appends ? [appending()] : []),
    ...(isNormalized ? [normalize()] : []),
    probe(isEdited, edits.spaces),
    ...(counts === 'early' ? [counter()] : []),
    ...(isGateLast ? [] : gates),
    signature(),
    ...(counts === 'late' ? [counter()] : []),
    ...(isGateLast ? gates : []),
    ...(edits.shouts ? [shouting()] : []),
  ]
}

function decidersOf({ deciders, edits }: PipelineShape) {
  const make = {
    exact: () => exactDuplicates(),
    near: () => nearDuplicates({ similarity: edits.similarity ?? 0.7 }),
    'near-domain': () => nearDuplicates({ scope: 'domain' }),
    holdout: () => holdout({ rate: edits.holdoutRate ?? 0.15 }),
    balance: () => balance({ rates: { code: 0.6, web: 0.9 } }),
  }
  return deciders.map(name => make[name]())
}
