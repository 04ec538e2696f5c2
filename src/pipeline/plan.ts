import type { Annotator, Rule } from '../annotate/annotator.ts'
import type { Field } from '../batch/batch.ts'
import { documentFields } from '../batch/contract.ts'
import type { Decider } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import type { FeedOptions } from '../feed/options.ts'
import { findNearest } from '../options.ts'
import type { Source } from '../sources/source.ts'
import { fingerprint, fingerprintColumns, fingerprintSource, fingerprintState, originPrints } from './fingerprint.ts'
import { type Guard, planGuards } from './guard.ts'
import { isGate, type Pipeline, resolveRules, type StoredText } from './pipeline.ts'

/** A step of the annotating stage: measure, or drop what fails these rules. */
export type AnnotateStep = { readonly annotator: Annotator } | { readonly gate: readonly Rule[] }

/** A pipeline checked and laid out: everything that a run needs to know before it begins. */
export interface Plan {
  readonly name: string
  readonly source: Source
  readonly steps: readonly AnnotateStep[]
  readonly rules: readonly Rule[]
  readonly deciders: readonly Decider[]
  readonly tokenizer: Annotator | null
  readonly feed: FeedOptions | null
  /** In no fingerprint: they say when a run stops, not what it writes. */
  readonly guards: readonly Guard[]
  /** In no fingerprint: what comes out is the same. */
  readonly storedText: StoredText
  /** Every column after annotating, in the order of writing, with its fingerprint. */
  readonly fields: readonly Field[]
  readonly fingerprints: ReadonlyMap<string, string>
  /** Of annotating alone, of the decisions on top, and of the shards on top of those. */
  readonly annotateFingerprint: string
  readonly decideFingerprint: string
  readonly shardFingerprint: string
  /** Of a document's tokens, whatever decides it; null without a tokenizer. */
  readonly tokensFingerprint: string | null
  /** Of the deciders' tables: their shapes, and the columns that fill them. */
  readonly stateFingerprint: string
}

/** Checks a pipeline and lays it out. Every mistake in it is a `bad-pipeline` error here, before any work. */
export function planPipeline(pipeline: Pipeline): Plan {
  const { name, source, deciders, tokenizer, feedOptions } = pipeline
  if (!source) throw bad(name, 'there is no source; add .from(jsonl(...))')
  const known = new Map(documentFields.map(field => [field.name, field]))
  const fingerprints = originPrints(fingerprintSource(source))
  const steps = planSteps(pipeline, known, fingerprints)
  const annotators = pipeline.annotators.filter(step => !isGate(step)) as Annotator[]
  const rules = pipeline.rules === null ? [] : resolveRules(annotators, pipeline.rules)
  checkReads(pipeline, 'rules()', Object.keys(pipeline.rules ?? {}), known.keys())
  checkRules(pipeline, rules, known)
  for (const { name, reads } of deciders) checkReads(pipeline, `decider '${name}'`, reads, [...known.keys(), 'row'])
  checkUnique(name, deciders)
  const reader = deciders.find(({ tables, reads }) => tables.length > 0 && reads.includes('text'))
  if (reader && pipeline.storedText !== 'all')
    throw bad(
      name,
      `decider '${reader.name}' enters texts into its tables again, so store({ text: '${pipeline.storedText}' }) can't be`,
    )
  if (feedOptions && !tokenizer) throw bad(name, 'feed() stands without tokenize(); a feed is made of tokens')
  const annotateFingerprint = fingerprint({ columns: [...fingerprints], gates: steps.filter(step => 'gate' in step) })
  const decideFingerprint = fingerprint({
    annotateFingerprint,
    rules,
    deciders: deciders.map(({ name, version, options }) => ({ name, version, options })),
  })
  const tokens = tokenizer && [...fingerprintColumns(tokenizer, fingerprints)]
  const shardFingerprint = fingerprint({ decideFingerprint, tokens })
  const fields = [...known.values()]
  const reasons = [...rules, ...steps.flatMap(step => ('gate' in step ? step.gate : []))].map(rule => rule.reason)
  const guards = planGuards(name, pipeline.guards, fields, [...reasons, ...deciders.flatMap(one => one.reasons)])
  return {
    name,
    source,
    steps,
    rules,
    deciders,
    tokenizer,
    feed: feedOptions,
    guards,
    storedText: pipeline.storedText,
    fields,
    fingerprints,
    annotateFingerprint,
    decideFingerprint,
    shardFingerprint,
    tokensFingerprint: tokens && new Map(tokens).get('tokens')!,
    stateFingerprint: fingerprintState(deciders, fingerprints),
  }
}

function planSteps(pipeline: Pipeline, known: Map<string, Field>, fingerprints: Map<string, string>): AnnotateStep[] {
  const before: Annotator[] = []
  let gated = 0
  return pipeline.annotators.map(step => {
    if (isGate(step)) {
      // What an earlier gate let through has passed the rules before it.
      const gate = resolveRules(before.slice(gated), step.overrides)
      gated = before.length
      checkReads(pipeline, 'a gate()', Object.keys(step.overrides), known.keys())
      checkRules(pipeline, gate, known)
      return { gate }
    }
    checkReads(pipeline, `annotator '${step.name}'`, step.reads, known.keys())
    checkUnique(pipeline.name, [...before, step])
    for (const [column, print] of fingerprintColumns(step, fingerprints)) fingerprints.set(column, print)
    for (const field of step.writes) known.set(field.name, field)
    before.push(step)
    return { annotator: step }
  })
}

function checkReads(pipeline: Pipeline, who: string, reads: readonly string[], known: Iterable<string>): void {
  const names = new Set(known)
  const missing = reads.find(column => !names.has(column))
  if (missing === undefined) return
  const advice = adviseOnColumn(pipeline, missing, [...names])
  throw bad(pipeline.name, `${who} reads column '${missing}', which nothing before it writes; ${advice}`)
}

function adviseOnColumn({ annotators }: Pipeline, missing: string, known: readonly string[]): string {
  const writer = annotators.find(step => !isGate(step) && step.writes.some(field => field.name === missing))
  if (writer) return `put ${(writer as Annotator).name}() before it`
  const nearest = findNearest(missing, known)
  return nearest ? `did you mean '${nearest}'?` : 'no annotator of this pipeline writes it: add the one that does'
}

function checkRules(pipeline: Pipeline, rules: readonly Rule[], known: ReadonlyMap<string, Field>): void {
  for (const { reason, column, below, above, oneOf, noneOf } of rules) {
    checkReads(pipeline, `a rule for '${reason}'`, [column], known.keys())
    const { kind } = known.get(column)!
    const isText = kind === 'utf8'
    const mixup = isText ? 'a number: use oneOf or noneOf' : 'a list of strings: use below or above'
    if (isText !== Boolean(oneOf ?? noneOf))
      throw bad(pipeline.name, `a rule for '${reason}' compares column '${column}' (${kind}) with ${mixup}`)
    for (const bound of [below, above])
      if (bound !== undefined && !Number.isFinite(bound))
        throw bad(pipeline.name, `a rule for '${reason}' has the bound ${bound}`)
  }
}

function checkUnique(pipeline: string, operators: readonly { readonly name: string }[]): void {
  const twice = operators.find(({ name }, i) => operators.findIndex(one => one.name === name) !== i)
  if (twice) throw bad(pipeline, `'${twice.name}' stands twice; an operator stands once in a pipeline`)
}

function bad(name: string, what: string): HeadraceError {
  return new HeadraceError('bad-pipeline', `pipeline '${name}': ${what}`)
}
