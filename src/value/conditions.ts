import type { Condition } from './targets.ts'

/** Columns that conditions are on, by what they must hold. */
export interface ConditionColumns {
  readonly names: readonly string[]
  readonly numbers: readonly string[]
}

export function columnsOfConditions(wheres: Iterable<ReadonlyMap<string, Condition>>): ConditionColumns {
  const conditions = [...wheres].flatMap(where => [...where])
  const of = (isNames: boolean) => [
    ...new Set(conditions.flatMap(([column, condition]) => ('oneOf' in condition === isNames ? [column] : []))),
  ]
  return { names: of(true), numbers: of(false) }
}

/** Whether all conditions are met. A document without a value meets none on it. */
export function meetsAll(where: ReadonlyMap<string, Condition>, read: (column: string) => string | number): boolean {
  for (const [column, condition] of where) if (!isMet(condition, read(column))) return false
  return true
}

function isMet(condition: Condition, value: string | number): boolean {
  if ('oneOf' in condition) return condition.oneOf.has(value as string)
  return (value as number) >= condition.from && (value as number) < condition.below
}
