import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Address, addressOf, rowOf, slotOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Log } from '../log/log.ts'
import { openShard } from '../shards/shard.ts'
import { decodeEntry } from './entry.ts'
import { topics } from './layout.ts'
import { readManifest } from './manifest.ts'
import type { RecordedSlot, RunReader } from './run-reader.ts'
import { readBySlot } from './slots.ts'

/** Which documents are meant: those with one of these ids, or from one of these addresses. */
export interface Named {
  readonly by: 'id' | 'url'
  readonly names: ReadonlySet<string>
}

/** A document that was named, or one of its duplicate cluster. */
export interface Member {
  readonly slot: number
  readonly row: number
  readonly isNamed: boolean
  readonly isKept: boolean
}

/** What a run has of named documents, in the order of slots and rows, and how many documents have each name that there is. */
export interface Copies {
  readonly members: readonly Member[]
  readonly counts: ReadonlyMap<string, number>
  /** The log was looked through before this slot. */
  readonly slots: number
}

/**
 * Finds named documents and every copy in their duplicate clusters: whatever is a duplicate of one of them, or of what one of them is a
 * duplicate of, and so on until nothing is added. `others` are runs of the same slots that a feed was promoted to: what their deciders found
 * counts as well, and a document is kept where one of all runs keeps it. What names and memory come to is bounded by
 * `limits.takeDownRowsMax`; the logs' drops are read once more for each link that a chain has.
 */
export async function findCopies(run: RunReader, named: Named, others: readonly RunReader[] = []): Promise<Copies> {
  const { slot: slots } = await run.log.position('decide', 0)
  const runs = [run, ...others]
  const cluster = new Cluster(runs.length)
  const counts = new Map<string, number>()
  if (run.first > 0 && named.by === 'id') await nameInShards(run, named, cluster, counts)
  for await (const recorded of run.slots()) {
    if (recorded.slot >= slots) break
    nameRows(recorded, named, cluster, counts)
  }
  // Once more where something was added: what was passed over may be a copy of that.
  for (let size = 0; cluster.size > size; ) {
    size = cluster.size
    for (const [index, { log }] of runs.entries()) await seeDrops(log, slots, cluster, index)
  }
  return { members: cluster.members(), counts, slots }
}

/** Shows a cluster what a run's log has dropped before a slot. `run`: its number among those of the cluster. */
export async function seeDrops(log: Log, slots: number, cluster: Cluster, run: number, slotOffset = 0): Promise<void> {
  for await (const { headers, value } of readBySlot(log, topics.drops, 1)) {
    const slot = Number(headers.slot)
    if (slot >= slots) break
    const drops = decodeEntry(value)
    const partners = numbers(drops, 'duplicateOf')
    const offset = addressOf(slotOffset, 0)
    for (const [i, row] of numbers(drops, 'row').entries())
      cluster.seeDrop(run, offset + addressOf(slot, row), partners[i] < 0 ? -1 : offset + partners[i])
  }
}

/** Adds what of a slot is named to a cluster, and counts it. `slotOffset`: is added to the slot. */
export function nameRows(
  { slot, scored }: RecordedSlot,
  { by, names }: Named,
  cluster: Cluster,
  counts: Map<string, number>,
  slotOffset = 0,
): void {
  const labels = utf8(scored, by)
  const rows = numbers(scored, 'row')
  for (let index = 0; index < scored.rows; index++) {
    const name = stringAt(labels, index)
    if (!names.has(name)) continue
    counts.set(name, (counts.get(name) ?? 0) + 1)
    cluster.name(addressOf(slotOffset + slot, rows[index]))
  }
}

/** Kept documents of slots that were trimmed have their ids in the shards. */
async function nameInShards(
  { dir, log, first }: RunReader,
  { names }: Named,
  cluster: Cluster,
  counts: Map<string, number>,
) {
  for await (const entry of readManifest(log)) {
    if (entry.first.slot >= first) continue
    using shard = openShard(join(dir, 'shards', entry.path), entry)
    for (const batch of shard.batches(['id', 'slot', 'row'])) {
      const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
      for (let index = 0; index < batch.rows; index++) {
        const name = stringAt(utf8(batch, 'id'), index)
        if (slots[index] >= first || !names.has(name)) continue
        counts.set(name, (counts.get(name) ?? 0) + 1)
        cluster.name(addressOf(slots[index], rows[index]))
      }
    }
  }
}

/** Documents that belong together, as far as they are known. */
export class Cluster {
  readonly #named = new Set<Address>()
  readonly #members = new Set<Address>()
  /** By run, which it has dropped. */
  readonly #dropped: readonly Set<Address>[]

  constructor(runs: number) {
    this.#dropped = Array.from({ length: runs }, () => new Set<Address>())
  }

  get size(): number {
    return this.#members.size
  }

  name(address: Address): void {
    this.#named.add(address)
    this.#add(address)
  }

  /** `partner`: the kept document that the dropped one repeats, or -1. */
  seeDrop(run: number, address: Address, partner: Address): void {
    if (partner >= 0 && this.#members.has(partner)) this.#add(address)
    if (!this.#members.has(address)) return
    this.#dropped[run].add(address)
    if (partner >= 0) this.#add(partner)
  }

  members(): Member[] {
    const sorted = [...this.#members].sort((a, b) => a - b)
    return sorted.map(address => ({
      slot: slotOf(address),
      row: rowOf(address),
      isNamed: this.#named.has(address),
      isKept: !this.#dropped.every(dropped => dropped.has(address)),
    }))
  }

  #add(address: Address): void {
    this.#members.add(address)
    if (this.#members.size > limits.takeDownRowsMax)
      throw new HeadraceError(
        'limit',
        `the names and their copies are more than ${limits.takeDownRowsMax} documents: name fewer`,
      )
  }
}
