import { join, relative, resolve, sep } from 'node:path'
import { numbers } from '../batch/batch.ts'
import { canonicalJson } from '../canonical-json.ts'
import { addressOf } from '../decide/decider.ts'
import { holdoutDomain } from '../decide/holdout.ts'
import { HeadraceError } from '../errors.ts'
import { hasBit } from '../feed/plan/blocks.ts'
import type { PlannedShard } from '../feed/plan/promotion.ts'
import { ShardLinks } from '../promote/links.ts'
import { RowSet } from '../promote/row-set.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hasEnded, readStanding } from '../record/standing.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'

/** A run that is asked for, and the names under which domains of it are fed. */
export interface RunWish {
  readonly dir: string
  readonly map: Readonly<Record<string, string>>
}

/** What is taken of a run: the shards from number `from` of its manifest on. */
export interface Source {
  readonly run: RunReader
  readonly entries: readonly ManifestEntry[]
  readonly from: number
  readonly map: Readonly<Record<string, string>>
  /** All that it has kept is in its shards, and no more will come. */
  readonly hasEnded: boolean
  readonly links: ShardLinks
}

/** The documents of a run that are looked at or entered: `rows` by their addresses in the run, all in slots before `slots`. */
export interface SourceRows {
  readonly run: RunReader
  readonly rows: RowSet
  readonly slots: number
  readonly slotOffset: number
  readonly map: Readonly<Record<string, string>>
}

/** The folder of the shards of a feed of several runs, in its home. */
export const shardsFolder = 'shards'

/** Reads what a run has for a feed in `home`, from a shard on. Throws `bad-option` where it has none, or its domains are mapped wrongly. */
export async function openSource(
  home: string,
  run: RunReader,
  map: Readonly<Record<string, string>>,
  from: number,
): Promise<Source> {
  if (run.run.tokenizer === null)
    throw new HeadraceError('bad-option', `${run.dir} has no tokenizer, so it has no shards to feed`)
  // Asked first: what has ended has all its shards.
  const isWhole = hasEnded(await readStanding(run.log, run.run), run.run)
  const all: ManifestEntry[] = []
  for await (const entry of readManifest(run.log)) all.push(entry)
  const entries = all.slice(from)
  if (entries.length === 0 && from === 0)
    throw new HeadraceError(
      'bad-option',
      `${run.dir} has no sealed shard${isWhole ? ': it has kept no document' : ' yet: let it go on first'}`,
    )
  checkMap(run.dir, map, new Set(all.map(({ domain }) => domain)))
  return { run, entries, from, map, hasEnded: isWhole, links: linksOf(home, run) }
}

/** The links to a run's shards, which are made with `checkOwner` before each. */
export function linksOf(home: string, run: RunReader, checkOwner?: () => void): ShardLinks {
  return new ShardLinks(home, run, checkOwner, shardsFolder)
}

/** What was held out of training is fed where a mixture names it, and under no other name. */
function checkMap(dir: string, map: Readonly<Record<string, string>>, domains: ReadonlySet<string>): void {
  for (const [domain, name] of Object.entries(map)) {
    const refuse = (what: string) =>
      new HeadraceError('bad-option', `--map feeds '${domain}' of ${dir} as '${name}': ${what}`)
    if (!domains.has(domain)) throw refuse(`it has ${[...domains].sort().slice(0, 20).join(', ')}`)
    if (domain === holdoutDomain || name === holdoutDomain) throw refuse('what a run holds out stays held out')
  }
}

/** Throws `bad-option` unless all shards have tokens of one tokenizer. */
export function checkTokens(tokenizer: unknown, of: string, sources: readonly Source[]): void {
  const mine = canonicalJson(tokenizer)
  for (const { run, entries } of sources) {
    const other = canonicalJson(run.run.tokenizer)
    if (other !== mine)
      throw new HeadraceError('bad-option', `${of} has tokens of ${mine}, and ${run.dir} has those of ${other}`)
    const odd = entries.find(entry => entry.tokenizer !== entries[0].tokenizer)
    if (odd)
      throw new HeadraceError(
        'bad-option',
        `${run.dir} has tokens of ${entries[0].tokenizer} in shard ${entries[0].path} and of ${odd.tokenizer} in ${odd.path}`,
      )
  }
}

/** The name under which a domain of a run is fed. */
export function mapDomain(map: Readonly<Record<string, string>>, domain: string): string {
  return Object.hasOwn(map, domain) ? map[domain] : domain
}

/** Slots that shards may have documents of: those before this one. */
export function slotsOf(entries: readonly ManifestEntry[]): number {
  return entries.reduce((slots, { last }) => Math.max(slots, last.slot + 1), 0)
}

/** The documents of a source's shards. */
export function readSourceRows(source: Source, slotOffset: number): SourceRows {
  const { run, entries, map } = source
  const rows = new RowSet()
  for (const entry of entries) addRows(join(run.dir, 'shards', entry.path), entry, rows)
  return { run, rows, slots: slotsOf(entries), slotOffset, map }
}

/** The documents of shards that are fed; `folder` is where these lie. */
export function readFedRows(folder: string, shards: readonly PlannedShard[]): RowSet {
  const rows = new RowSet()
  for (const { shard } of shards) addRows(join(folder, shard.path), shard, rows, shard.bits)
  return rows
}

function addRows(path: string, expected: Parameters<typeof openShard>[1], rows: RowSet, bits?: Uint8Array): void {
  using file = openShard(path, expected)
  let at = 0
  for (const batch of file.batches(['slot', 'row'])) {
    const [slots, numbersOfRows] = ['slot', 'row'].map(name => numbers(batch, name))
    for (let i = 0; i < batch.rows; i++, at++)
      if (!bits || hasBit(bits, at)) rows.add(addressOf(slots[i], numbersOfRows[i]))
  }
}

/** A run's folder as a feed in `home` names it. */
export function nameFolder(home: string, dir: string): string {
  return relative(resolve(home), resolve(dir)).split(sep).join('/')
}
