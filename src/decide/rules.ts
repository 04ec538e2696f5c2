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
  rules.forEach((one, index) => {
    if (one.below !== undefined || one.above !== undefined)
      applyBounds(numbers(batch, one.column), one, index, rule, evidence)
    if (one.oneOf) applyNames(utf8(batch, one.column), one.oneOf, false, index, rule)
    if (one.noneOf) applyNames(utf8(batch, one.column), one.noneOf, true, index, rule)
  })
  const evidenceText = (row: number): string => {
    const column = rule[row] < 0 ? undefined : batch.columns[rules[rule[row]].column]
    return column?.kind === 'utf8' ? stringAt(column, row) : ''
  }
  return { rule, evidence, evidenceText }
}

function applyBounds(
  values: NumberArray,
  { below = Number.NEGATIVE_INFINITY, above = Number.POSITIVE_INFINITY }: Rule,
  index: number,
  rule: Int16Array,
  evidence: Float64Array,
): void {
  for (let row = 0; row < rule.length; row++) {
    const value = values[row]
    if (rule[row] >= 0 || !(value < below || value > above)) continue
    rule[row] = index
    evidence[row] = value
  }
}

function applyNames(
  column: Utf8Column,
  names: readonly string[],
  dropsNamed: boolean,
  index: number,
  rule: Int16Array,
): void {
  const encoder = new TextEncoder()
  const encoded = Map.groupBy(
    names.map(name => encoder.encode(name)),
    bytes => bytes.length,
  )
  for (let row = 0; row < rule.length; row++)
    if (rule[row] < 0 && isNamed(column, row, encoded) === dropsNamed) rule[row] = index
}

function isNamed({ offsets, bytes }: Utf8Column, row: number, encoded: ReadonlyMap<number, Uint8Array[]>): boolean {
  const start = offsets[row]
  const length = offsets[row + 1] - start
  return encoded.get(length)?.some(name => name.every((byte, i) => bytes[start + i] === byte)) ?? false
}
