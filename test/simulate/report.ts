import { type Fault, type FaultKind, faultKinds } from './faults.ts'
import { repeatCommand } from './minimise.ts'
import type { Reduction, Simulated } from './simulate.ts'

/** What many seeds came to together. */
export interface Totals {
  seeds: number
  failed: number
  restarts: number
  rows: number
  steps: number
  operations: number
  readonly faults: Record<FaultKind, number>
}

export const emptyTotals = (): Totals => ({
  ...{ seeds: 0, failed: 0, restarts: 0, rows: 0, steps: 0, operations: 0 },
  faults: Object.fromEntries(faultKinds.map(kind => [kind, 0])) as Totals['faults'],
})

export function addTo(totals: Totals, result: Simulated): void {
  totals.seeds++
  totals.failed += Number(result.failure !== null)
  totals.restarts += result.restarts
  totals.rows += result.rows
  totals.steps += result.steps
  totals.operations += result.events
  for (const kind of faultKinds) totals.faults[kind] += result.counts[kind] ?? 0
}

const count = (value: number) => value.toLocaleString('en-US')

/** One line while it goes. */
export function describeProgress({ seeds, failed, restarts }: Totals, seconds: number): string {
  return `${count(seeds).padStart(7)} seeds  ${count(restarts).padStart(7)} restarts  ${count(failed).padStart(3)} failed  ${Math.round(seconds)} s`
}

/** One line. Faults are counted where they took effect. */
export function describeTotals(totals: Totals, seconds: number): string {
  const { seeds, failed, restarts, rows, steps, operations, faults } = totals
  const kinds = faultKinds.map(kind => `${kind} ${count(faults[kind])}`).join(', ')
  return `${count(seeds)} seeds in ${Math.round(seconds)} s, ${failed} failed; ${count(restarts)} restarts, ${count(rows)} rows, ${count(steps)} steps, ${count(operations)} operations; faults: ${kinds}`
}

/** A failure for a person: what, with which faults, and how to see it again. */
export function describeFailure({ seed, faults, lines, failure }: Simulated, reduction: Reduction): string {
  const struck = faults.filter((_, i) => reduction.faults?.includes(i) ?? true)
  return [
    `seed ${seed} failed its check '${failure!.check}' with ${lines} lines of input`,
    ...failure!.message.split('\n').map(line => `  ${line}`),
    ...struck.map(fault => `  fault: ${describeFault(fault)}`),
    `  repeat: ${repeatCommand(seed, reduction)}`,
    `  every operation: the same with --trace`,
  ].join('\n')
}

export function describeFault(fault: Fault): string {
  const { kind, ...rest } = fault
  if ('at' in fault) return `${kind} ${fault.at.when} operation ${fault.at.nth} of kind ${fault.at.of}`
  return `${kind} ${Object.entries(rest)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`
}
