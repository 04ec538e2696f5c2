import type { Plan } from '../pipeline/plan.ts'
import { type DeadRow, deadRowsOf } from '../record/dead-records.ts'
import { decodeEntry } from '../record/entry.ts'
import type { Figures } from '../record/figures.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import type { Fields } from '../sources/fields.ts'
import { formatCount } from './table.ts'

/** Why not one record of a run became a document, with what there was; null for every other run. */
export async function explainNothing(dir: string, { decide }: Figures): Promise<string | null> {
  const { documents, dead } = decide
  if (documents === 0 || dead < documents) return null
  await using run = await RunReader.open(dir)
  const reasons = new Map<string, number>()
  let first: DeadRow | null = null
  for await (const { value } of readBySlot(run.log, topics.dead, deadPartitionsOf(run.run)))
    for (const row of deadRowsOf(decodeEntry(value))) {
      first ??= row
      reasons.set(row.reason, (reasons.get(row.reason) ?? 0) + 1)
    }
  if (first === null) return null
  const { detail, file, line } = first
  const count = documents === 1 ? 'the one record' : `none of ${formatCount(documents)} records`
  const place = `${detail} (${file}, line ${line})`
  if (reasons.size === 1 && reasons.has('missing-text'))
    return `${count} has a text: ${place}; say which field has it, as in { text: 'body' }, and begin another run with --run NAME`
  const sorted = [...reasons].sort((a, b) => b[1] - a[1])
  const counts = sorted.map(([reason, n]) => `${reason} ${formatCount(n)}`)
  const became = documents === 1 ? 'the one record became no document' : `${count} became a document`
  return `${became} (${counts.join(', ')}), the first as ${place}: mend the input, or the source's options, and begin another run with --run NAME`
}

/** The field of domains that no document has, where one is named; null where some have it. */
export function explainDomains({ source }: Plan, { decide }: Figures): string | null {
  const { domain, domainDefault } = source.options as Partial<Fields>
  const names = Object.keys(decide.byDomain)
  if (domain === undefined || domain === 'domain' || names.length !== 1 || names[0] !== domainDefault) return null
  return `no document has the field ${JSON.stringify(domain)}, of which the source takes domains: all are in '${domainDefault}'`
}
