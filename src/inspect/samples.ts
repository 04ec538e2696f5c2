import type { LocatedFate } from '../record/fate.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hashUnit } from '../text/hash.ts'
import { readFates } from './fates.ts'

export interface ReasonSamples {
  count: number
  /** In the order of slots and rows. */
  readonly samples: LocatedFate[]
}

/** For each reason its count and some records, chosen by a hash of their address, so that the same run shows the same ones. */
export async function sampleByReason(run: RunReader, samplesMax: number): Promise<Map<string, ReasonSamples>> {
  const groups = new Map<string, ReasonSamples & { readonly keys: number[] }>()
  for await (const fate of readFates(run)) {
    if (fate.reason === null) continue
    const group = groups.get(fate.reason) ?? { count: 0, samples: [], keys: [] }
    groups.set(fate.reason, group)
    group.count++
    const key = hashUnit(0, Buffer.from(`${fate.slot}/${fate.row}`), 0)
    if (group.samples.length < samplesMax) {
      group.samples.push(fate)
      group.keys.push(key)
      continue
    }
    const largest = group.keys.indexOf(Math.max(...group.keys))
    if (key >= group.keys[largest]) continue
    group.keys[largest] = key
    group.samples[largest] = fate
  }
  for (const { samples } of groups.values()) samples.sort((a, b) => a.slot - b.slot || a.row - b.row)
  return groups
}
