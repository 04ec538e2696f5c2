import type { Annotator, Rule } from '../annotate/annotator.ts'
import { tokenize } from '../annotate/tokenize.ts'
import type { Decider } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { type FeedOptions, resolveFeedOptions } from '../feed/options.ts'
import { type OptionsOf, oneOf, optional, resolveOptions } from '../options.ts'
import type { Source } from '../sources/source.ts'
import { type GuardOptions, type GuardSettings, guardOptions } from './guard.ts'
import { checkOverrides, type Overrides } from './overrides.ts'
import { takeParts } from './parts.ts'
import { replaceRules } from './replace-rules.ts'

/** A point in the chain of annotators where the rules so far are applied: what fails them is not measured further. */
export interface Gate {
  readonly kind: 'gate'
  readonly overrides: Overrides
}
export const storedTexts = ['all', 'kept', 'none'] as const
export type StoredText = (typeof storedTexts)[number]

export const storeOptions = {
  text: optional(
    "whose text stays in the run: 'all', 'kept' for that of kept documents, or 'none' once these are in sealed shards; measurements always stay",
    oneOf(storedTexts),
    'all',
  ),
}

/** A frozen plain value. Each method of its builder gives another one. */
export interface Pipeline {
  readonly name: string
  readonly source: Source | null
  readonly annotators: readonly (Annotator | Gate)[]
  readonly deciders: readonly Decider[]
  readonly rules: Overrides | null
  readonly tokenizer: Annotator | null
  readonly feedOptions: FeedOptions | null
  readonly guards: readonly GuardSettings[]
  readonly storedText: StoredText
}

/** The rules of all annotators of the pipeline, applied where it stands among the deciders (always first). */
export interface RuleStep {
  readonly kind: 'rules'
  readonly overrides: Overrides
}

export interface PipelineBuilder extends Pipeline {
  from(source: Source): PipelineBuilder
  annotate(...steps: (Annotator | Gate)[]): PipelineBuilder
  decide(...steps: (Decider | RuleStep)[]): PipelineBuilder
  tokenize(...args: Parameters<typeof tokenize>): PipelineBuilder
  feed(options: FeedOptions): PipelineBuilder
  /** Adds a guard rail. It changes when a run stops, never what it writes, and may change while a run stands. */
  guard(options: GuardOptions): PipelineBuilder
  /** What the run keeps on disk. It changes nothing of what comes out, and is fixed when the run begins. */
  store(options: OptionsOf<typeof storeOptions>): PipelineBuilder
}

/**
 * Begins a pipeline. The name names its run's folder: letters, digits, `.`, `_` and `-`.
 *
 *     export default pipeline('web').from(jsonl('data/*.jsonl')).annotate(language()).decide(rules()).tokenize('o200k_base')
 */
export function pipeline(name: string): PipelineBuilder {
  if (typeof name !== 'string' || !/^[A-Za-z0-9][\w.-]{0,99}$/.test(name))
    throw new HeadraceError(
      'bad-pipeline',
      `pipeline name '${name}' must be letters, digits, '.', '_' or '-', at most 100`,
    )
  return build({
    name,
    source: null,
    annotators: [],
    deciders: [],
    rules: null,
    tokenizer: null,
    feedOptions: null,
    guards: [],
    storedText: 'all',
  })
}

function build(value: Pipeline): PipelineBuilder {
  const isRules = (step: Decider | RuleStep): step is RuleStep => 'kind' in step
  return Object.freeze<PipelineBuilder>({
    ...value,
    from: source => build({ ...value, source: takeParts(value.name, '.from()', [source])[0] }),
    annotate: (...steps) =>
      build({ ...value, annotators: [...value.annotators, ...takeParts(value.name, '.annotate()', steps)] }),
    decide: (...steps) => {
      if (takeParts(value.name, '.decide()', steps).slice(1).some(isRules))
        throw new HeadraceError(
          'bad-pipeline',
          `rules() stands after another decider; put it first: rules are cheapest`,
        )
      const rules = steps.filter(isRules)[0]?.overrides ?? value.rules
      const deciders = steps.filter(step => !isRules(step)) as Decider[]
      return build({ ...value, rules, deciders: [...value.deciders, ...deciders] })
    },
    tokenize: (...args) => build({ ...value, tokenizer: tokenize(...args) }),
    feed: options => {
      resolveFeedOptions(`pipeline '${value.name}': feed()`, options)
      return build({ ...value, feedOptions: options })
    },
    guard: options => {
      const guard = resolveOptions(`pipeline '${value.name}': guard()`, guardOptions, options)
      return build({ ...value, guards: [...value.guards, guard] })
    },
    store: options => {
      const { text } = resolveOptions(`pipeline '${value.name}': store()`, storeOptions, options)
      return build({ ...value, storedText: text })
    },
  })
}

/** The default rules of all annotators, with the thresholds named by column replaced, or removed by `false`. */
export function rules(overrides: Overrides = {}): RuleStep {
  return Object.freeze({ kind: 'rules', overrides: checkOverrides('rules()', overrides) })
}

/** Applies the rules of the annotators since the gate before it: what fails them is dropped without being measured further. */
export function gate(overrides: Overrides = {}): Gate {
  return Object.freeze({ kind: 'gate', overrides: checkOverrides('gate()', overrides) })
}

export function isGate(step: Annotator | Gate): step is Gate {
  return 'kind' in step && step.kind === 'gate'
}

/** The annotators' default rules under overrides: a column's rules are replaced as a whole; a new column's come last. */
export function resolveRules(annotators: readonly Annotator[], overrides: Overrides): Rule[] {
  return replaceRules(
    annotators.flatMap(annotator => annotator.rules),
    overrides,
  )
}
