import type { DecideTotals } from '../record/totals.ts'
import type { Bar, Kind } from './charts.ts'
import type { ReportPart } from './report-data.ts'

/** Which kind a reason to go is: a rule's, a decider's, or of records that are no documents. */
export function kindOfReason(
  reason: string,
  parts: readonly ReportPart[] | null,
  dead: ReadonlyMap<string, number>,
): Kind {
  if (parts?.some(({ deciderReasons }) => deciderReasons.includes(reason))) return 'duplicate'
  if (parts?.some(part => rulesOf(part).some(rule => rule.reason === reason))) return 'rule'
  return dead.has(reason) ? 'dead' : 'rule'
}

const rulesOf = ({ steps, rules }: ReportPart) => [
  ...steps.flatMap(step => ('gate' in step ? step.gate : [])),
  ...rules,
]

/** Documents that are left after each stage: reading, gates, rules, each reason of a decider. */
export function funnelOf(totals: DecideTotals, parts: readonly ReportPart[] | null): Bar[] {
  const dropped = new Map(Object.entries(totals.dropped))
  let left = totals.documents
  const bars: Bar[] = [{ name: 'records', value: left, kind: 'other' }]
  const stage = (name: string, reasons: Iterable<string>, kind: Kind) => {
    let lost = 0
    for (const reason of reasons) {
      lost += dropped.get(reason) ?? 0
      dropped.delete(reason)
    }
    left -= lost
    if (lost > 0) bars.push({ name, value: left, kind })
  }
  left -= totals.dead
  bars.push({ name: 'documents', value: left, kind: 'other' })
  const gates = parts?.at(-1)?.steps.flatMap(step => ('gate' in step ? [step.gate] : [])) ?? []
  for (const gate of gates) {
    const reasons = [...new Set(gate.map(({ reason }) => reason))]
    const most = reasons.toSorted((a, b) => (dropped.get(b) ?? 0) - (dropped.get(a) ?? 0))[0]
    stage(`after gate: ${most}${reasons.length > 1 ? ', …' : ''}`, reasons, 'rule')
  }
  stage('after rules', parts?.flatMap(part => rulesOf(part).map(({ reason }) => reason)) ?? [], 'rule')
  for (const reason of new Set(parts?.flatMap(({ deciderReasons }) => deciderReasons)))
    stage(`after ${reason}`, [reason], 'duplicate')
  stage('after all rules', [...dropped.keys()], 'rule')
  return [...bars, { name: 'kept', value: totals.kept, kind: 'kept' }]
}
