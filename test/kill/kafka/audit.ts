import { type Batch, numbers, stringAt, utf8 } from '../../../src/batch/batch.ts'
import { type Log, readCommitted } from '../../../src/log/log.ts'
import { decodeEntry } from '../../../src/record/entry.ts'
import { deadPartitionsOf, topics } from '../../../src/record/layout.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { annotatedSlot, positionsOf } from '../../../src/record/slots.ts'

/** Batches of one topic by slot, where they stand, and the slots of the ends of its partitions. */
interface Found {
  readonly batches: ReadonlyMap<number, Batch>
  readonly offsets: ReadonlyMap<number, bigint>
  readonly ends: readonly number[]
}

/**
 * Counts a run that has ended in its topics, by nothing that its stages say of themselves, and only then compares it with what they say.
 * Returns the counts, and what does not hold.
 */
export async function auditRun(runDir: string) {
  await using reader = await RunReader.open(runDir)
  const { log, run } = reader
  const { partitions } = run
  const problems: string[] = []
  const read = (topic: string, count: number) => readTopic(log, topic, count, problems)
  const [scored, kept] = [await read(topics.scored, partitions), await read(topics.kept, partitions)]
  const [drops, dead] = [await read(topics.drops, 1), await read(topics.dead, deadPartitionsOf(run))]
  const slots = scored.batches.size
  checkWhole(topics.scored, scored, slots, partitions, problems)
  checkWhole(topics.kept, kept, slots, partitions, problems)
  const counts = countRows({ scored, kept, drops, dead }, problems)
  await checkManifest(log, problems)
  const annotated = await annotatedSlot(log, run)
  if (annotated < slots) problems.push(`annotate stands at slot ${annotated} of ${slots}`)
  await checkPositions(log, partitions, slots + 1, scored.offsets, problems)
  const { totals } = JSON.parse((await log.position('decide', 0)).note)
  if (totals.documents !== counts.rows || totals.kept !== counts.kept || totals.dead !== counts.dead)
    problems.push(`decide says ${totals.documents} rows, ${totals.kept} kept and ${totals.dead} dead`)
  return { counts: { slots, ...counts }, problems }
}

async function readTopic(log: Log, topic: string, partitions: number, problems: string[]): Promise<Found> {
  const found = { batches: new Map<number, Batch>(), offsets: new Map<number, bigint>(), ends: [] as number[] }
  for (let partition = 0; partition < partitions; partition++) {
    let last = -1
    for await (const { headers, value, offset } of readCommitted(log, topic, partition)) {
      const slot = Number(headers.slot)
      if (slot <= last || slot % partitions !== partition)
        problems.push(`${topic}/${partition}: slot ${slot} comes after ${last}`)
      last = slot
      found.offsets.set(slot, offset)
      if (headers.end) found.ends.push(slot)
      else found.batches.set(slot, decodeEntry(value))
    }
  }
  return { ...found, ends: found.ends.sort((a, b) => a - b) }
}

/** Slots 0, 1, 2 ... without a gap, and behind them an end in each partition. */
function checkWhole(topic: string, { batches, ends }: Found, slots: number, partitions: number, problems: string[]) {
  for (let slot = 0; slot < Math.max(slots, batches.size); slot++)
    if (!batches.has(slot)) problems.push(`${topic}: slot ${slot} is missing`)
  const wanted = Array.from({ length: partitions }, (_, i) => slots + i)
  if (`${ends}` !== `${wanted}`) problems.push(`${topic}: ends at ${ends} and should at ${wanted}`)
}

/** Every row that came in is dead or measured, and every one that was measured is kept or dropped; no place of the input twice. */
function countRows(found: Readonly<Record<'scored' | 'kept' | 'drops' | 'dead', Found>>, problems: string[]) {
  const counts = { rows: 0, kept: 0, dropped: 0, dead: 0 }
  const places = new Set<string>()
  for (const [slot, scored] of found.scored.batches) {
    const [kept, drops, dead] = [found.kept, found.drops, found.dead].map(({ batches }) => batches.get(slot) ?? null)
    for (const place of [...placesOf(scored), ...placesOf(dead)]) places.add(place)
    const [all, decided] = [rowsOf(scored), [...rowsOf(kept), ...rowsOf(drops)].sort((a, b) => a - b)]
    if (`${all}` !== `${decided}`) problems.push(`slot ${slot}: rows measured are not those kept and dropped`)
    const rows = [...all, ...rowsOf(dead)]
    if (new Set(rows).size !== rows.length) problems.push(`slot ${slot}: a row has two fates`)
    counts.rows += rows.length
    counts.kept += rowsOf(kept).length
    counts.dropped += rowsOf(drops).length
    counts.dead += rowsOf(dead).length
  }
  if (places.size !== counts.rows) problems.push(`${counts.rows} rows of ${places.size} places of the input`)
  return counts
}

const rowsOf = (batch: Batch | null): number[] => (batch && batch.rows > 0 ? [...numbers(batch, 'row')] : [])

function placesOf(batch: Batch | null): string[] {
  if (!batch || batch.rows === 0) return []
  const [files, lines] = [utf8(batch, 'file'), numbers(batch, 'line')]
  return Array.from({ length: batch.rows }, (_, row) => `${stringAt(files, row)}:${lines[row]}`)
}

/** Each domain's shards are numbered 0, 1, 2 ...: none is sealed twice, none left out. */
async function checkManifest(log: Log, problems: string[]): Promise<void> {
  const next = new Map<string, number>()
  for await (const { value } of readCommitted(log, topics.manifest)) {
    const { domain, number, path } = JSON.parse(Buffer.from(value).toString())
    const wanted = next.get(domain) ?? 0
    if (number !== wanted) problems.push(`manifest: shard ${path} comes where number ${wanted} should`)
    next.set(domain, number + 1)
  }
}

/** The ordered stages stand behind the first end, and the deciding one at the offsets behind what it took. */
async function checkPositions(
  log: Log,
  partitions: number,
  end: number,
  offsets: ReadonlyMap<number, bigint>,
  problems: string[],
): Promise<void> {
  for (const stage of ['decide', 'shard'])
    for (const { partition, slot, offset } of await positionsOf(log, stage, partitions)) {
      if (slot !== end) problems.push(`${stage}/${partition} stands at slot ${slot} and should at ${end}`)
      const taken = Math.max(-1, ...[...offsets.keys()].filter(one => one < end && one % partitions === partition))
      const wanted = (offsets.get(taken) ?? -1n) + 1n
      if (stage === 'decide' && offset !== wanted)
        problems.push(`${stage}/${partition} stands at offset ${offset} and should at ${wanted}`)
    }
}
