import { type Address, addressOf } from '../decide/decider.ts'
import { readControls } from '../feed/files/control-file.ts'
import { readTakeDown } from '../feed/files/take-down-file.ts'
import type { TakeDown } from '../feed/plan/take-down.ts'
import { findCopies, type Member } from '../record/copies.ts'
import { keptFate, type LocatedFate } from '../record/fate.ts'
import type { Segment } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type FedSample, findFedSamples } from './fed-samples.ts'
import { readFatesAt } from './members.ts'
import { findPlaces, findSpans, type ShardPlace } from './places.ts'

/** One take-down that lists a document. */
export type InForce = Omit<TakeDown, 'documents'> & { readonly step: number; readonly note?: string }

/** A document that was asked for, or one of its duplicate cluster: its fate, and where trainers were given it. */
export interface AuditedDocument {
  readonly fate: LocatedFate
  readonly isNamed: boolean
  /** What it was measured and decided by. */
  readonly pipeline: Pick<Segment, 'annotate' | 'decide' | 'shard'>
  readonly place: ShardPlace | null
  readonly takeDowns: readonly InForce[]
  readonly samples: readonly FedSample[]
}

export interface DocumentAudit {
  readonly documents: readonly AuditedDocument[]
  /** Documents of the cluster that are not listed, as there are too many. */
  readonly more: number
}

/** Documents of a cluster that are listed, those that were asked for and kept ones first: a page that stands in a thousand copies has one kept. */
const documentsMax = 1000

/**
 * What became of each document with this id and of its copies, and which steps of the feed in `dir` hold it. `others` are the runs that it was
 * promoted to.
 */
export async function auditDocument(
  run: RunReader,
  dir: string,
  id: string,
  others: readonly RunReader[],
): Promise<DocumentAudit> {
  const { members } = await findCopies(run, { by: 'id', names: new Set([id]) }, others)
  const first = members.toSorted((a, b) => Number(b.isNamed || b.isKept) - Number(a.isNamed || a.isKept))
  const listed = first.slice(0, documentsMax).sort((a, b) => a.slot - b.slot || a.row - b.row)
  const named = new Set(listed.filter(one => one.isNamed).map(one => addressOf(one.slot, one.row)))
  const addresses = listed.map(one => addressOf(one.slot, one.row))
  const places = await findPlaces(run, dir, addresses)
  const fed = await findFedSamples(dir, findSpans(places))
  const samples = Map.groupBy(fed, sample => sample.address)
  const takeDowns = await readInForce(dir, new Set(addresses))
  const trimmed = listed.filter(one => one.slot < run.first).map(one => fateOfTrimmed(one, id, places))
  const fates = [...trimmed, ...(await Array.fromAsync(readFatesAt(run, listed)))]
  const documents = fates.map(fate => {
    const address = addressOf(fate.slot, fate.row)
    return {
      fate,
      isNamed: named.has(address),
      pipeline: run.run.segments.findLast(segment => segment.from <= fate.slot)!,
      place: places.get(address) ?? null,
      takeDowns: takeDowns.get(address) ?? [],
      samples: samples.get(address) ?? [],
    }
  })
  return { documents, more: members.length - listed.length }
}

/** A kept document whose slot was trimmed: its id is that of its shard, and where it came from is not known any more. */
function fateOfTrimmed(
  { slot, row, isNamed }: Member,
  id: string,
  places: ReadonlyMap<Address, ShardPlace>,
): LocatedFate {
  const domain = places.get(addressOf(slot, row))?.domain ?? ''
  return keptFate({ id: isNamed ? id : '', file: '', line: 0, slot, row, index: -1, domain })
}

/** The take-downs of a feed that list one of these documents. */
async function readInForce(dir: string, addresses: ReadonlySet<Address>): Promise<Map<Address, InForce[]>> {
  const found = new Map<Address, InForce[]>()
  for (const { step, takeDown, note } of await readControls(dir)) {
    if (!takeDown) continue
    const { published, list, sha256, blank } = takeDown
    const inForce = { step, published, list, sha256, blank, ...(note !== undefined && { note }) }
    for (const [slot, row] of (await readTakeDown(dir, takeDown)).rows) {
      const address = addressOf(slot, row)
      if (addresses.has(address)) found.set(address, [...(found.get(address) ?? []), inForce])
    }
  }
  return found
}
