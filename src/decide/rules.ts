import type { Rule } from '../annotate/annotator.ts'
import { type Batch, type NumberArray, numbers, stringAt, type Utf8Column, utf8 } from '../batch/batch.ts'

/** For each row the first rule that drops it. */
export interface RuleResult {
  /** Index of the rule, or -1 where no rule drops the row. */
  readonly rule: Int16Array
  /** The value that decided, or NaN (kept, or a string). */
  readonly evidence: Float64Array
  /** The same where the value is a string; otherwise empty. */
  evidenceText(row: number): string
}

/** Evaluates rules in order, each over its whole column. Throws a TypeError when a column is missing or of another kind. */
export function evaluateRules(batch: Batch, rules: readonly Rule[]): RuleResult {
  const rule = new Int16Array(batch.rows).fill(-1)
  const evidence = new Float64Array(batch.rows).fill(Number.NaN)
  for (const [index, one] of rules.entries()) {
    const broken = markBroken(batch, one)
    const values = isBounded(one) ? numbers(batch, one.column) : null
    for (let row = 0; row < batch.rows; row++) {
      if (broken[row] === 0 || rule[row] >= 0) continue
      rule[row] = index
      if (values) evidence[row] = values[row]
    }
  }
  const evidenceText = (row: number): string => {
    const column = rule[row] < 0 ? undefined : batch.columns[rules[rule[row]].column]
    return column?.kind === 'utf8' ? stringAt(column, row) : ''
  }
  return { rule, evidence, evidenceText }
}

/** Sets a 1 in `broken`, which is all zeros, for each row that breaks a rule. Throws as `evaluateRules` does. */
export function markBroken(batch: Batch, rule: Rule, broken = new Uint8Array(batch.rows)): Uint8Array {
  if (isBounded(rule)) markBeyond(numbers(batch, rule.column), rule, broken)
  if (rule.oneOf) markNames(utf8(batch, rule.column), rule.oneOf, false, broken)
  if (rule.noneOf) markNames(utf8(batch, rule.column), rule.noneOf, true, broken)
  return broken
}

const isBounded = ({ below, above }: Rule) => below !== undefined || above !== undefined

function markBeyond(
  values: NumberArray,
  { below = Number.NEGATIVE_INFINITY, above = Number.POSITIVE_INFINITY }: Rule,
  broken: Uint8Array,
): void {
  for (let row = 0; row < broken.length; row++) {
    const value = values[row]
    if (value < below || value > above) broken[row] = 1
  }
}

function markNames(column: Utf8Column, names: readonly string[], dropsNamed: boolean, broken: Uint8Array): void {
  const encoder = new TextEncoder()
  const encoded = Map.groupBy(
    names.map(name => encoder.encode(name)),
    bytes => bytes.length,
  )
  for (let row = 0; row < broken.length; row++) if (isNamed(column, row, encoded) === dropsNamed) broken[row] = 1
}

function isNamed({ offsets, bytes }: Utf8Column, row: number, encoded: ReadonlyMap<number, Uint8Array[]>): boolean {
  const start = offsets[row]
  const length = offsets[row + 1] - start
  return encoded.get(length)?.some(name => name.every((byte, i) => bytes[start + i] === byte)) ?? false
}
