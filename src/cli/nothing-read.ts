import type { LogPlace } from '../log/place.ts'
import type { Plan } from '../pipeline/plan.ts'
import { type DeadRow, deadRowsOf } from '../record/dead-records.ts'
import { decodeEntry } from '../record/entry.ts'
import type { Figures } from '../record/figures.ts'
import { optionalLabels } from '../record/labelled.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import type { Fields } from '../sources/fields.ts'
import { formatCount } from './table.ts'

/** Why not one record of a run became a document, with what there was; null for every other run. */
export async function explainNothing(dir: string, where: LogPlace | null, { decide }: Figures): Promise<string | null> {
  const { documents, dead } = decide
  if (documents === 0 || dead < documents) return null
  await using run = await RunReader.open(dir, async (_, recorded) => where ?? recorded)
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

/** The fields of labels that the source's options name and that no document has, a sentence each. */
export function explainFields(plan: Plan, figures: Figures): string[] {
  return [explainDomains(plan, figures), ...explainLabels(plan, figures)].filter(text => text !== null)
}

function explainDomains({ source }: Plan, { decide }: Figures): string | null {
  const { domain, domainDefault } = source.options as Partial<Fields>
  const names = Object.keys(decide.byDomain)
  if (domain === undefined || domain === 'domain' || names.length !== 1 || names[0] !== domainDefault) return null
  return `no document has the field ${JSON.stringify(domain)}, of which the source takes domains: all are in '${domainDefault}'`
}

/** What a document has that is without a label. */
const withoutLabels = {
  id: 'ids say where each record stands',
  url: 'none has an address',
  added: 'none has a time',
}

function explainLabels({ source }: Plan, { decide }: Figures): (string | null)[] {
  const { documents, dead, labelled } = decide
  const options = source.options as Partial<Fields>
  return optionalLabels.map(label => {
    const field = options[label]
    const isMissed = field !== undefined && field !== label && documents > dead && labelled?.[label] === 0
    if (!isMissed) return null
    return `no document has the field ${JSON.stringify(field)}, of which the source takes '${label}': ${withoutLabels[label]}`
  })
}
