import { join } from 'node:path'
import { readHead } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { limits } from '../limits.ts'
import { cleanName } from '../text/printable.ts'
import { seriesMax } from './charts.ts'
import type { Collection } from './collect.ts'
import type { Drift, Mixture } from './report-data.ts'

/** Steps of a point of the mixture: with fewer, what is seen is how steps are cut. */
const mixturePoints = 30

/** What the steps of a run's feed hold by domain, as its ledger says; null where there is no step. */
export async function readMixture(dir: string): Promise<Mixture | null> {
  const feed = join(dir, 'feed')
  const head = await readHead(feed)
  if (!head || head.steps === 0) return null
  const stepsOfPoint = Math.ceil(head.steps / mixturePoints)
  const ledger = new LedgerReader(feed, head)
  const sums: { readonly step: number; readonly tokens: ReadonlyMap<string, number> }[] = []
  for (let step = 0; step < head.steps; step += stepsOfPoint) {
    const { totals } = await ledger.open(Math.min(head.steps, step + stepsOfPoint) - 1)
    sums.push({ step, tokens: new Map(Object.entries(totals).map(([name, { tokens }]) => [name, tokens])) })
  }
  const last = [...sums.at(-1)!.tokens].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  const shown = last.slice(0, last.length > seriesMax ? seriesMax - 1 : seriesMax).map(([name]) => name)
  const others = last.slice(shown.length).map(([name]) => name)
  const points = sums.map(({ step, tokens }, i) => {
    const given = (name: string) => (tokens.get(name) ?? 0) - (sums[i - 1]?.tokens.get(name) ?? 0)
    const rest = others.reduce((sum, name) => sum + given(name), 0)
    return { step, tokens: [...shown.map(given), ...(others.length > 0 ? [rest] : [])] }
  })
  const names = [
    ...shown.map(name => cleanName(name) || '(none)'),
    ...(others.length > 0 ? [`${others.length} others`] : []),
  ]
  return { names, points, stepsOfPoint }
}

/** Kept share of slots, of several together where there are many. */
export function driftOf({ slots }: Collection): Drift {
  const slotsOfPoint = Math.max(1, Math.ceil(slots.length / limits.reportPointsMax))
  const points: Drift['points'][number][] = []
  for (let i = 0; i < slots.length; i += slotsOfPoint) {
    const some = slots.slice(i, i + slotsOfPoint)
    const sum = (name: 'documents' | 'kept') => some.reduce((all, one) => all + one[name], 0)
    points.push({ slot: some[0].slot, documents: sum('documents'), kept: sum('kept') })
  }
  return { points, slotsOfPoint }
}
