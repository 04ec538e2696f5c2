import { join } from 'node:path'
import { addressOf, rowOf, slotOf } from '../decide/decider.ts'
import type { OnEffect } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import type { Duplicates as DuplicatesRule, Join, JoinDecider, JoinedRun } from '../feed/plan/join.ts'
import { encodeShardList, readShardList, type ShardList } from '../feed/plan/shard-list.ts'
import { limits } from '../limits.ts'
import { RowSet } from '../promote/row-set.ts'
import { CopiesHash, CopiesWriter, type CopyLine, type CopyPlace, type CopySink } from './copies.ts'
import { checkMeasured, chooseDeciders, makeDeciders } from './deciders.ts'
import { Duplicates } from './duplicates.ts'
import { type Selection, selectShards } from './select.ts'
import { nameFolder, readFedRows, readSourceRows, type Source, shardsFolder, slotsOf } from './source.ts'
import { nextOffset, type OpenRun, openJoined, type Union } from './union.ts'

/** What joins a feed, and where. */
export interface JoinWish {
  readonly home: string
  /** The folder that files of copies are written into: the feed's, or the one that becomes it. Null: none are. */
  readonly dir: string | null
  readonly sources: readonly Source[]
  readonly duplicates: DuplicatesRule
  /** The feed that they join; null for a new one. */
  readonly union: Union | null
  /** What decides duplicates. Default: as the first runs did. */
  readonly deciders?: readonly JoinDecider[]
  readonly openRun: OpenRun
  readonly onEffect?: OnEffect | undefined
}

export interface PlannedJoin {
  readonly join: Join
  readonly lists: readonly ShardList[]
  /** Of each run that joins. */
  readonly selections: readonly Selection[]
}

/** Decides what of the sources is fed. Writes files of copies, which nothing names yet. */
export async function planJoin(wish: JoinWish): Promise<PlannedJoin> {
  const { union, duplicates, sources } = wish
  const deciders = wish.deciders ?? (await decidersOf(wish))
  const runs: JoinedRun[] = []
  const lists: ShardList[] = []
  const selections: Selection[] = []
  await using tables = duplicates === 'keep' ? null : await Duplicates.open(makeDeciders(deciders))
  if (tables && union) await enterAll(tables, union, wish.openRun)
  for (const source of sources) {
    const known = [...(union?.runs ?? []), ...runs]
    const slotOffset = nextOffset(known)
    checkSlots(source, slotOffset)
    const found = tables && (await findCopies(tables, source, known, wish))
    const selection = selectShards(source, slotOffset, found?.leftOut ?? new RowSet())
    const list = encodeShardList('joined', selection.shards)
    selections.push(selection)
    lists.push(list)
    runs.push(describe(source, { home: wish.home, slotOffset, list, copies: found?.file ?? null, selection }))
  }
  if (runs.every(({ fed }) => fed.documents === 0))
    throw new HeadraceError(
      'bad-option',
      `every document of ${sources.map(({ run }) => run.dir).join(', ')} repeats one that the feed has: nothing would join it`,
    )
  return { join: { runs, duplicates, deciders }, lists, selections }
}

/** A feed decides by what its first runs decided by, as tables that others have filled say nothing. */
async function decidersOf({ union, sources, duplicates, openRun }: JoinWish): Promise<readonly JoinDecider[]> {
  if (duplicates === 'keep') return []
  const measured = sources.map(({ run, entries }) => ({ run, slots: slotsOf(entries) }))
  if (!union) {
    const chosen = chooseDeciders(sources.map(({ run }) => run))
    await checkMeasured(measured, chosen)
    return chosen
  }
  const { deciders } = union.joins[0].join
  const [first] = union.runs
  await using run = await openJoined(union.home, first, openRun)
  await checkMeasured([{ run, slots: first.slots }, ...measured], deciders)
  return deciders
}

/** Enters what the feed has already, run by run. */
async function enterAll(tables: Duplicates, { home, dir, runs }: Union, openRun: OpenRun): Promise<void> {
  for (const joined of runs) {
    await using run = await openJoined(home, joined, openRun)
    const rows = readFedRows(join(home, shardsFolder), await readShardList(dir, joined.selection))
    const { slots, slotOffset, map } = joined
    await tables.enter({ run, rows, slots, slotOffset, map })
  }
}

function checkSlots({ run, entries }: Source, slotOffset: number): void {
  const slots = slotOffset + slotsOf(entries)
  if (slots > limits.unionSlotsMax)
    throw new HeadraceError(
      'limit',
      `with ${run.dir} the feed would have ${slots} slots, and blocks number ${limits.unionSlotsMax} at most: begin another feed`,
    )
}

/** Copies that are named where they are refused. */
const samplesMax = 3

/** Finds what repeats a document that came before, and writes it down; or refuses it, where that is asked for. */
async function findCopies(
  tables: Duplicates,
  source: Source,
  known: readonly JoinedRun[],
  { home, dir, duplicates, onEffect }: JoinWish,
): Promise<{ readonly leftOut: RowSet; readonly file: string | null }> {
  const slotOffset = nextOffset(known)
  const own = { slotOffset, run: nameFolder(home, source.run.dir) }
  const leftOut = new RowSet()
  const refused: string[] = []
  await using writer = duplicates === 'drop' ? await openSink(dir, onEffect) : null
  for await (const { of, ...copy } of tables.decide(readSourceRows(source, slotOffset))) {
    leftOut.add(addressOf(copy.slot, copy.row))
    const line: CopyLine = { run: known.length, ...copy, of: placeAt([...known, own], of) }
    if (writer) await writer.add(line)
    else if (refused.length < samplesMax) refused.push(describeCopy(line, [...known, own]))
  }
  if (!writer && leftOut.count > 0)
    throw new HeadraceError(
      'bad-option',
      `${leftOut.count} documents of ${source.run.dir} repeat one that comes before: ${refused.join('; ')}; --duplicates drop leaves them out, and keep feeds them`,
    )
  return { leftOut, file: writer && (await writer.end()) }
}

async function openSink(dir: string | null, onEffect: OnEffect | undefined): Promise<CopySink> {
  return dir === null ? new CopiesHash() : await CopiesWriter.open(dir, onEffect)
}

/** The run, and the place in it, of a document by its address in the feed. */
function placeAt(runs: readonly Pick<JoinedRun, 'slotOffset'>[], address: number): CopyPlace {
  const run = runs.findLastIndex(({ slotOffset }) => slotOffset <= slotOf(address))
  return { run, slot: slotOf(address) - runs[run].slotOffset, row: rowOf(address) }
}

function describeCopy({ id, of, similarity }: CopyLine, runs: readonly Pick<JoinedRun, 'run'>[]): string {
  const like = similarity === 1 ? 'is' : `is to ${similarity.toFixed(2)}`
  return `'${id.slice(0, 100)}' ${like} row ${of.row} of slot ${of.slot} of ${runs[of.run].run}`
}

interface Described {
  readonly home: string
  readonly slotOffset: number
  readonly list: ShardList
  readonly copies: string | null
  readonly selection: Selection
}

function describe(
  { run, entries, from, map }: Source,
  { home, slotOffset, list, copies, selection }: Described,
): JoinedRun {
  return {
    run: nameFolder(home, run.dir),
    id: run.run.id ?? '',
    pipeline: run.run.pipeline,
    fingerprint: run.run.segments.at(-1)!.shard,
    shards: [from, from + entries.length],
    slotOffset,
    slots: slotsOf(entries),
    map,
    selection: list.name,
    copies,
    fed: selection.fed,
    leftOut: selection.leftOut,
  }
}
