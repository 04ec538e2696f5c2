import type { Annotator, Rule } from '../../src/annotate/annotator.ts'
import { type Batch, type Column, list, stringAt, utf8, utf8From, withColumns } from '../../src/batch/batch.ts'
import type { Decider } from '../../src/decide/decider.ts'
import { HeadraceError } from '../../src/errors.ts'
import type { Overrides } from '../../src/pipeline/overrides.ts'
import { isGate, type Pipeline } from '../../src/pipeline/pipeline.ts'
import { hashUnit } from '../../src/text/hash.ts'
import { limitNames, type NameLimits } from './oracle-names.ts'
import type { InputRecord } from './oracle-slots.ts'

export interface RowAddress {
  readonly slot: number
  readonly row: number
}

export interface ExpectedFate extends RowAddress {
  readonly file: string
  readonly line: number
  readonly id: string
  readonly fate: 'kept' | 'dropped' | 'dead'
  readonly reason: string | null
  /** The value that decided; not said of dead records, where it is words. */
  readonly evidence: number | string | null
  readonly duplicateOf: RowAddress | null
  /** To four digits, as fates show it. */
  readonly similarity: number | null
}

/** A kept document as its shard has it. */
export interface KeptDocument extends RowAddress {
  readonly id: string
  readonly domain: string
  readonly tokens: readonly number[]
  readonly textBytes: number
  /** Language and every measurement that is a float, by column; NaN is null. */
  readonly scores: Readonly<Record<string, number | string | null>>
}

/** Why a row is dead that only a clock or a crash can tell, or null. Asked before the row is measured. */
export type IsPoison = (text: string) => string | null

/** Fates and kept documents of all slots, decided one row after the other. */
export async function decideAll(
  slots: readonly (readonly InputRecord[])[],
  pipeline: Pipeline,
  limits: NameLimits,
  isPoison: IsPoison = () => null,
): Promise<{ fates: ExpectedFate[]; kept: KeptDocument[] }> {
  const fates: ExpectedFate[] = []
  const kept: KeptDocument[] = []
  const deciders = pipeline.deciders.map(openDecider)
  const nameOf = limitNames(limits)
  for (const [slot, records] of slots.entries())
    for (const [row, record] of records.entries()) {
      const place = { slot, row, file: record.file, line: record.line }
      const rest = { evidence: null, duplicateOf: null, similarity: null }
      const measured = record.document ? await measure(record, row, pipeline, isPoison) : record.deadReason!
      if (typeof measured === 'string') {
        fates.push({ ...place, ...rest, id: '', fate: 'dead', reason: measured })
        continue
      }
      const id = stringAt(utf8(measured.batch, 'id'), 0)
      const own = stringAt(utf8(measured.batch, 'domain'), 0)
      // Of a dropped document too: what was met first is a matter of the input.
      const name = nameOf(own)
      const verdict = measured.drop ? { drop: measured.drop } : decide(deciders, measured.batch, { slot, row })
      if (verdict.drop !== null) fates.push({ ...place, ...rest, id, fate: 'dropped', ...verdict.drop })
      else {
        fates.push({ ...place, ...rest, id, fate: 'kept', reason: null })
        kept.push(
          await keepDocument(
            pipeline.tokenizer,
            measured.batch,
            { slot, row },
            verdict.domain === own ? name : verdict.domain,
          ),
        )
      }
    }
  return { fates, kept }
}

type Drop = Pick<ExpectedFate, 'reason' | 'evidence'> & Partial<Pick<ExpectedFate, 'duplicateOf' | 'similarity'>>

/** One row through the annotators, or why it is dead. `drop` says which rule of a gate or at the end stops it. */
async function measure(
  { document, file, line }: InputRecord,
  row: number,
  { annotators, rules }: Pipeline,
  isPoison: IsPoison,
): Promise<{ batch: Batch; drop: Drop | null } | string> {
  const poison = isPoison(document!.text)
  if (poison !== null) return poison
  const labels = Object.entries({ ...document!, file }).map(([name, text]) => [name, utf8From([text])])
  const count = (value: number): Column => ({ kind: 'u32', values: Uint32Array.of(value) })
  let batch: Batch = { rows: 1, columns: { ...Object.fromEntries(labels), line: count(line), row: count(row) } }
  let ungated: Annotator[] = []
  for (const step of annotators) {
    if (isGate(step)) {
      // A gate applies the rules of the annotators since the gate before it.
      const drop = applyRules(resolve(ungated, step.overrides), batch)
      if (drop) return { batch, drop }
      ungated = []
      continue
    }
    try {
      batch = withColumns(batch, await step.annotate(batch))
    } catch (error) {
      if (error instanceof HeadraceError) throw error
      return 'annotator-failed'
    }
    ungated.push(step)
  }
  const all = annotators.filter(step => !isGate(step)) as Annotator[]
  return { batch, drop: rules === null ? null : applyRules(resolve(all, rules), batch) }
}

/** Default rules in order; an override stands once, where its column's first rule stood; those of other columns come last. */
function resolve(annotators: readonly Annotator[], overrides: Overrides): Rule[] {
  const defaults = annotators.flatMap(annotator => annotator.rules)
  const others = Object.keys(overrides).filter(column => !defaults.some(rule => rule.column === column))
  const resolved = defaults.flatMap((rule, i): Rule[] => {
    const override = overrides[rule.column]
    if (override === undefined) return [rule]
    const isFirst = defaults.findIndex(other => other.column === rule.column) === i
    return override && isFirst ? [{ reason: rule.reason, ...override, column: rule.column }] : []
  })
  for (const column of others) {
    const override = overrides[column]
    if (!override) continue
    const way =
      override.oneOf || override.noneOf ? 'not-selected' : override.below !== undefined ? 'too-low' : 'too-high'
    const name = column.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    resolved.push({ reason: `${name}-${way}`, ...override, column })
  }
  return resolved
}

/** The first rule that the row fails. What was not measured (NaN) fails none. */
function applyRules(rules: readonly Rule[], batch: Batch): Drop | null {
  for (const { reason, column, below, above, oneOf, noneOf } of rules) {
    const value = readValue(batch.columns[column])
    if (typeof value === 'number') {
      if (below !== undefined && value < below) return { reason, evidence: value }
      if (above !== undefined && value > above) return { reason, evidence: value }
    } else if ((oneOf && !oneOf.includes(value)) || noneOf?.includes(value)) return { reason, evidence: value || null }
  }
  return null
}

function readValue(column: Column): number | string {
  if (column.kind === 'utf8') return stringAt(column, 0)
  if ('values' in column) return column.values[0]
  throw new TypeError(`a rule reads a column of ${column.kind}`)
}

/** A decider's word on a row: a drop, or none and perhaps another domain. `keep` is called when every decider keeps it. */
interface Verdict {
  readonly drop?: Drop
  readonly domain?: string
  readonly keep?: () => void
}
/** `domain` is where the row is so far. */
type Decide = (batch: Batch, at: RowAddress, domain: string) => Verdict

/** All deciders in turn; only a row that all of them keep is remembered. */
function decide(
  deciders: readonly Decide[],
  batch: Batch,
  at: RowAddress,
): { drop: Drop } | { drop: null; domain: string } {
  let domain = stringAt(utf8(batch, 'domain'), 0)
  const keeps: (() => void)[] = []
  for (const one of deciders) {
    const verdict = one(batch, at, domain)
    if (verdict.drop) return { drop: verdict.drop }
    domain = verdict.domain ?? domain
    if (verdict.keep) keeps.push(verdict.keep)
  }
  for (const keep of keeps) keep()
  return { drop: null, domain }
}

/** The rules of each decider, again. */
function openDecider({ name, options }: Decider): Decide {
  const openers: Record<string, (options: never) => Decide> = { ...duplicates, ...samplers }
  const open = openers[name]
  if (!open) throw new Error(`the oracle does not know the decider '${name}'`)
  return open(options as never)
}

const samplers = {
  /** A draw from the id and the seed keeps a domain's share. */
  balance: ({ rates, seed }: { rates: Record<string, number>; seed: number }): Decide => {
    return (batch, _, domain) => {
      const rate = Object.hasOwn(rates, domain) ? rates[domain] : 1
      const draw = hashUnit(seed, stringAt(utf8(batch, 'id'), 0))
      return rate === 1 || draw < rate ? {} : { drop: { reason: 'over-domain-rate', evidence: draw } }
    }
  },
  /** Another draw moves a share of the documents to the domain `holdout`. */
  holdout: ({ rate, seed }: { rate: number; seed: number }): Decide => {
    return batch => {
      const draw = hashUnit(seed ^ 0x686f6c64, stringAt(utf8(batch, 'id'), 0))
      return draw < rate ? { domain: 'holdout' } : {}
    }
  },
}

const duplicates = {
  /** The first kept document with the same hash of the text. */
  'exact-duplicates': (): Decide => {
    const kept = new Map<string, RowAddress>()
    return (batch, at) => {
      const key = hexOf(batch, 'textHash')
      const found = kept.get(key)
      if (!found) return { keep: () => void kept.set(key, at) }
      return { drop: { reason: 'exact-duplicate', evidence: null, duplicateOf: found, similarity: 1 } }
    }
  },
  /**
   * Of each band the first kept document with the same key is a candidate; the one whose signature agrees in most bytes is the original,
   * the earliest of equals. A text too short for a shingle is compared with none.
   */
  'near-duplicates': (options: { similarity: number; bands: number; rows: number; scope: string }): Decide => {
    const firsts = new Map<string, { at: RowAddress; signature: Uint8Array; order: number; words: Set<string> }>()
    let order = 0
    return (batch, at) => {
      if (readValue(batch.columns.shingles) === 0) return {}
      const signature = bytesOf(batch, 'signature')
      const scope = options.scope === 'domain' ? stringAt(utf8(batch, 'domain'), 0) : ''
      const bands = hexOf(batch, 'bands')
      const keys = Array.from({ length: options.bands }, (_, i) => `${i} ${bands.slice(16 * i, 16 * i + 16)} ${scope}`)
      const candidates = keys.flatMap(key => firsts.get(key) ?? [])
      const words = wordsOf(batch)
      const [best] = candidates
        // Texts without a word in common are no copies, whatever was made of them.
        .filter(candidate => !words.isDisjointFrom(candidate.words))
        .map(({ at, order, signature: other }) => ({ at, order, estimate: estimate(signature, other) }))
        .sort((a, b) => b.estimate - a.estimate || a.order - b.order)
      if (best && best.estimate >= options.similarity) {
        const similarity = Math.round(Math.fround(best.estimate) * 1e4) / 1e4
        return { drop: { reason: 'near-duplicate', evidence: best.estimate, duplicateOf: best.at, similarity } }
      }
      const keep = () => {
        for (const key of keys) if (!firsts.has(key)) firsts.set(key, { at, signature, order, words })
        order++
      }
      return { keep }
    }
  },
}

/** A text's words, or its letters where it has no spaces. */
function wordsOf(batch: Batch): Set<string> {
  return new Set(
    stringAt(utf8(batch, 'text'), 0)
      .toLowerCase()
      .match(/\p{Script=Han}|[^\s\p{Script=Han}]+/gu),
  )
}

/** The share of equal bytes, less the one in 256 that are equal by chance. */
function estimate(a: Uint8Array, b: Uint8Array): number {
  const equal = a.filter((byte, i) => byte === b[i]).length
  return Math.max(0, (equal / a.length - 1 / 256) / (1 - 1 / 256))
}

function bytesOf(batch: Batch, name: string): Uint8Array {
  const column = batch.columns[name]
  if (column.kind !== 'fixed') throw new TypeError(`column '${name}' is ${column.kind}`)
  return column.bytes
}

const hexOf = (batch: Batch, name: string) => Buffer.from(bytesOf(batch, name)).toString('hex')

async function keepDocument(
  tokenizer: Annotator | null,
  batch: Batch,
  at: RowAddress,
  domain: string,
): Promise<KeptDocument> {
  const tokens = tokenizer ? [...list({ rows: 1, columns: await tokenizer.annotate(batch) }, 'tokens').values] : []
  const scores: Record<string, number | string | null> = {}
  for (const [name, column] of Object.entries(batch.columns))
    if (name === 'language' || column.kind === 'f32' || column.kind === 'f64') {
      const value = readValue(column)
      scores[name] = Number.isNaN(value) ? null : value
    }
  const [from, to] = utf8(batch, 'text').offsets
  return { ...at, id: stringAt(utf8(batch, 'id'), 0), domain, tokens, textBytes: to - from, scores }
}
