import { type Address, addressOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import type { Span, Spans } from '../inspect/fed-samples.ts'
import { Cluster, type Copies, type Member, type Named, nameRows, seeDrops } from '../record/copies.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { CopyPlace } from './copies.ts'
import { filterCopies, readDocuments } from './explain.ts'
import { nextOffset, type OpenRun, openJoined, type Union } from './union.ts'

/** What a feed of several runs has of named documents: members by their addresses in the feed. */
export interface UnionCopies extends Copies {
  /** Why some of its runs can't be opened: what they have dropped themselves is not looked for. */
  readonly missing: readonly string[]
}

/** A run of the feed, with the slots of its own that are looked at: all that it has decided, and where they begin among those of all runs. */
interface Reached {
  readonly run: RunReader | null
  readonly base: number
  readonly slots: number
}

/**
 * Finds named documents and every copy in their duplicate clusters, as `findCopies` does, over all runs of a feed: by what each run has dropped
 * itself, and by what the feed leaves out of it. Of a run that is gone, what is fed and what is left out is found by its id.
 */
export async function findUnionCopies(union: Union, named: Named, openRun: OpenRun): Promise<UnionCopies> {
  await using opened = new AsyncDisposableStack()
  const missing: string[] = []
  const reached: Reached[] = []
  let base = 0
  for (const joined of union.runs) {
    const run = await openJoined(union.home, joined, openRun).catch(error => {
      if (!(error instanceof HeadraceError) || !['not-found', 'corrupt'].includes(error.code)) throw error
      if (named.by !== 'id') throw error
      missing.push(error.message)
      return null
    })
    const slots = run ? Math.max(joined.slots, (await opened.use(run).log.position('decide', 0)).slot) : joined.slots
    reached.push({ run, base, slots })
    base += slots
  }
  const cluster = new Cluster(1)
  const counts = new Map<string, number>()
  const addressAt = ({ run, slot, row }: CopyPlace) => addressOf(reached[run].base + slot, row)
  for (const one of reached) if (one.run) await nameInRun(one.run, one, named, cluster, counts)
  if (reached.some(({ run }) => isBlind(run))) await nameInFeed(union, reached, named, cluster, counts)
  // Once more where something was added: what was passed over may be a copy of that.
  for (let size = 0; cluster.size > size; ) {
    size = cluster.size
    for (const { run, base: offset, slots } of reached) if (run) await seeDrops(run.log, slots, cluster, 0, offset)
    for await (const copy of filterCopies(union)) cluster.seeDrop(0, addressAt(copy), addressAt(copy.of))
  }
  const members = cluster.members().flatMap(member => toFeed(union, reached, member))
  return { members, counts, slots: nextOffset(union.runs), missing }
}

/** A run whose log does not say what all documents are called. */
const isBlind = (run: RunReader | null) => run === null || run.first > 0

async function nameInRun(
  run: RunReader,
  { base, slots }: Reached,
  named: Named,
  cluster: Cluster,
  counts: Map<string, number>,
): Promise<void> {
  for await (const recorded of run.slots()) {
    if (recorded.slot >= slots) break
    nameRows(recorded, named, cluster, counts, base)
  }
}

/** What a run's log does not tell stands in the feed's own shards and files of copies, by its id. */
async function nameInFeed(
  union: Union,
  reached: readonly Reached[],
  { by, names }: Named,
  cluster: Cluster,
  counts: Map<string, number>,
): Promise<void> {
  if (by !== 'id') return
  const name = ({ id, run, slot, row }: CopyPlace & { readonly id: string }) => {
    const { run: reader, base } = reached[run]
    if (!names.has(id) || (reader && slot >= reader.first)) return
    counts.set(id, (counts.get(id) ?? 0) + 1)
    cluster.name(addressOf(base + slot, row))
  }
  for await (const document of readDocuments(union)) name(document)
  for await (const copy of filterCopies(union)) name(copy)
}

/** A member as the feed counts its slots; none for what lies behind all that the feed has of its run. */
function toFeed({ runs }: Union, reached: readonly Reached[], { slot, ...member }: Member): Member[] {
  const run = reached.findLastIndex(({ base }) => base <= slot)
  const own = slot - reached[run].base
  return own < runs[run].slots ? [{ ...member, slot: runs[run].slotOffset + own }] : []
}

/** Where documents of these addresses lie in the feed's shards. */
export async function findUnionSpans(union: Union, members: readonly Member[]): Promise<Spans> {
  const wanted = new Set<Address>(members.map(({ slot, row }) => addressOf(slot, row)))
  const spans = new Map<string, Span[]>()
  for await (const { path, start, tokens, feedSlot, row } of readDocuments(union)) {
    const address = addressOf(feedSlot, row)
    if (tokens === 0 || !wanted.has(address)) continue
    const own = spans.get(path) ?? []
    spans.set(path, own)
    own.push({ start, tokens, address })
  }
  return spans
}

/** A document's place by its address in the feed. */
export function placeInRun({ runs }: Union, { slot, row }: Pick<Member, 'slot' | 'row'>): CopyPlace {
  const run = runs.findLastIndex(({ slotOffset }) => slotOffset <= slot)
  return { run, slot: slot - runs[run].slotOffset, row }
}
