import type { Rule } from '../annotate/annotator.ts'
import { isCount, isFields, isListOf, isObjectOf, isOptional, isText, type Shape } from '../disk/json-file.ts'
import { fingerprintColumns, fingerprintSource, originPrints } from '../pipeline/fingerprint.ts'
import type { Plan } from '../pipeline/plan.ts'

/** What an annotator writes as it is recorded: the columns, and, but in a run of an older version, the fingerprint of each. */
export interface RecordedWrites {
  readonly writes: readonly string[]
  readonly prints?: readonly string[]
}

/** A step of annotating as it is recorded: what it writes, or the rules of a gate. */
export type RecordedStep = RecordedWrites | { readonly gate: readonly Rule[] }

/** What makes a decider again where it is one of Headrace's own. */
export interface RecordedDecider {
  readonly name: string
  readonly version: number
  /** Those that it drops for. */
  readonly reasons: readonly string[]
  readonly options: Readonly<Record<string, unknown>>
}

/** What removes rows in the slots of a segment, so that who explains them need not load the pipeline: a folder may be someone else's. */
export interface RecordedReasons {
  readonly steps: readonly RecordedStep[]
  readonly rules: readonly Rule[]
  /** In their order; none in a run of an older version. */
  readonly deciders?: readonly RecordedDecider[]
}

/** What of a plan is recorded for this. */
export function recordReasons({ steps, rules, deciders, source }: Plan): RecordedReasons {
  const prints = originPrints(fingerprintSource(source))
  const record = (step: Plan['steps'][number]): RecordedStep => {
    if ('gate' in step) return { gate: step.gate }
    const written = fingerprintColumns(step.annotator, prints)
    for (const [column, print] of written) prints.set(column, print)
    return { writes: [...written.keys()], prints: [...written.values()] }
  }
  return {
    steps: steps.map(record),
    rules,
    deciders: deciders.map(({ name, version, reasons, options }) => ({ name, version, reasons, options })),
  }
}

const isBound = isOptional(value => typeof value === 'number')
const isNames = isListOf(isText)
const isRule = isObjectOf({
  reason: isText,
  column: isText,
  below: isBound,
  above: isBound,
  oneOf: isOptional(isNames),
  noneOf: isOptional(isNames),
})
const isWrites = isObjectOf({ writes: isNames, prints: isOptional(isNames) })
const isStep: Shape = value => isFields(value) && (isWrites(value) || isListOf(isRule)(value.gate))

const isDecider = isObjectOf({ name: isText, version: isCount, reasons: isNames, options: isFields })

export const isReasons: Shape = isObjectOf({
  steps: isListOf(isStep),
  rules: isListOf(isRule),
  deciders: isOptional(isListOf(isDecider)),
})
