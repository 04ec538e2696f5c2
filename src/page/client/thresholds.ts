import type { Rule } from '../../annotate/annotator.ts'
import type { Overrides, Threshold } from '../../pipeline/overrides.ts'
import { isLowerBetter } from '../../value/value-columns.ts'
import type { ReportData, ReportPart } from '../report-data.ts'

/** A bound of a column that can be moved; `bound` is null for a list of names, which can only be left out. */
export interface Lever {
  readonly column: string
  readonly bound: 'below' | 'above' | null
  /** Null where the run has no such rule. */
  readonly value: number | null
  readonly text: string
}

export const rulesOf = ({ steps, rules }: Pick<ReportPart, 'steps' | 'rules'>): Rule[] => [
  ...steps.flatMap(step => ('gate' in step ? step.gate : [])),
  ...rules,
]

/** The bounds of a column, of all its rules. */
export function boundsOf(part: ReportPart, column: string): { below?: number; above?: number } {
  const own = rulesOf(part).filter(rule => rule.column === column)
  const [below, above] = (['below', 'above'] as const).map(
    bound => own.find(rule => rule[bound] !== undefined)?.[bound],
  )
  return { ...(below !== undefined && { below }), ...(above !== undefined && { above }) }
}

/** All levers of a report: those of the rules that decide last, then columns that say what a text is worth and have no rule. */
export function leversOf({ parts, valueColumns }: ReportData): Lever[] {
  const part = parts!.at(-1)!
  const levers = new Map<string, Lever>()
  const add = (lever: Lever) => {
    const key = JSON.stringify([lever.column, lever.bound])
    if (!levers.has(key)) levers.set(key, lever)
  }
  for (const { column, reason, below, above } of rulesOf(part)) {
    if (below !== undefined) add({ column, bound: 'below', value: below, text: `${reason}: ${column} below ${below}` })
    if (above !== undefined) add({ column, bound: 'above', value: above, text: `${reason}: ${column} above ${above}` })
    if (below === undefined && above === undefined)
      add({ column, bound: null, value: null, text: `${reason}: ${column}` })
  }
  const ruled = new Set(rulesOf(part).map(rule => rule.column))
  for (const column of valueColumns) {
    const bound = isLowerBetter(column) ? 'above' : 'below'
    if (!ruled.has(column)) add({ column, bound, value: null, text: `no rule yet: ${column} ${bound}` })
  }
  return [...levers.values()]
}

const quote = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name.replace(/['\\]/g, '\\$&')}'`)

/** The lines of a pipeline that make these changes: in the gates that have a column, and in `rules()`. */
export function pipelineLines({ steps, rules }: ReportPart, overrides: Overrides): string[] {
  const inGates = (column: string) =>
    steps.some(step => 'gate' in step && step.gate.some(rule => rule.column === column))
  const inRules = (column: string) => !inGates(column) || rules.some(rule => rule.column === column)
  const write = (operator: string, has: (column: string) => boolean) => {
    const own = Object.entries(overrides).filter(([column]) => has(column))
    const items = own.map(([column, threshold]) => `${quote(column)}: ${writeThreshold(threshold)}`)
    return own.length > 0 ? [`${operator}({ ${items.join(', ')} })`] : []
  }
  return [...write('gate', inGates), ...write('rules', inRules)]
}

function writeThreshold(threshold: Threshold | false): string {
  if (threshold === false) return 'false'
  return `{ ${Object.entries(threshold)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')} }`
}

/** The same as words of a command line. */
export function commandOf(run: string, overrides: Overrides): string {
  const words = Object.entries(overrides).flatMap(([column, threshold]) =>
    threshold === false
      ? [`${column}.off`]
      : Object.entries(threshold).map(([name, value]) => `${column}.${name}=${value}`),
  )
  const shown = words.map(word => (/^[\w.:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
  return ['headrace what-if', run, ...shown.map(word => `--rule ${word}`)].join(' ')
}
