import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { addressOf } from '../decide/decider.ts'
import { otherDomain } from '../decide/name-limit.ts'
import { topics } from '../record/layout.ts'
import { readShardNote, type ShardNote } from '../record/notes.ts'
import { type RunFile, segmentAt } from '../record/run-file.ts'
import { addCount, emptyCounts, emptyShardTotals, type ShardTotals } from '../record/totals.ts'
import { folderBefore, folderOf } from '../shards/folder.ts'
import { type ManifestEntry, shardPath } from '../shards/manifest.ts'
import { openShard, type Shard } from '../shards/shard.ts'
import { advices, type Check, fileAt, type Where } from './check.ts'
import type { LoggedCommit, StageScan } from './log.ts'
import { type KeptByShard, sumShard } from './sealed.ts'

/** What the sharding stage has committed. */
export interface Manifest {
  readonly entries: readonly ManifestEntry[]
  /** Of the last commit, or null before the first. */
  readonly note: ShardNote | null
  readonly slot: number
  readonly noteAt: Where
  /** False where entries are damaged or missing. */
  readonly isWhole: boolean
}

/** Reads the manifest: each domain's shards count from 0, lie one behind the other and are of the run's tokenizer and segment. */
export async function readVerifiedManifest(scan: StageScan, run: RunFile, check: Check): Promise<Manifest> {
  const entries: ManifestEntry[] = []
  const lasts = new Map<string, ManifestEntry>()
  let note: ShardNote | null = null
  let slot = 0
  let noteAt = fileAt('')
  for await (const commit of scan.commits()) {
    for (const entry of await parseEntries(commit, check)) {
      check.counted++
      for (const what of judgeEntry(entry, lasts.get(entry.domain), run)) check.fail(commit, what, advices.report)
      lasts.set(entry.domain, entry)
      entries.push(entry)
    }
    const position = commit.positions.find(({ partition }) => partition === 0)
    if (!position?.note) continue
    note = readShardNote(position)
    if (position.slot < slot)
      check.fail(commit, `the stage stands at slot ${position.slot} after slot ${slot}`, advices.report)
    slot = position.slot
    noteAt = { file: commit.file, place: commit.place }
    for (const what of scan.isDamaged ? [] : judgeNote(note, lasts, entries.length))
      check.fail(commit, what, advices.report)
  }
  return { entries, note, slot, noteAt, isWhole: !scan.isDamaged && check.failures === 0 }
}

async function parseEntries({ entries }: LoggedCommit, check: Check): Promise<ManifestEntry[]> {
  const parsed: ManifestEntry[] = []
  for (const logged of entries) {
    const { topic, value } = logged
    if (topic !== topics.manifest || !value) continue
    const entry = await check.attempt(logged, advices.restore, () => JSON.parse(Buffer.from(value).toString()))
    if (entry) parsed.push(entry as ManifestEntry)
  }
  return parsed
}

function judgeEntry(entry: ManifestEntry, before: ManifestEntry | undefined, run: RunFile): string[] {
  const { path, domain, number, first, last, rows, tokenizer, fingerprint } = entry
  const problems: string[] = []
  const expected = before ? before.number + 1 : 0
  if (number !== expected)
    problems.push(`shard ${path} has number ${number}; number ${expected} of its domain was expected`)
  const paths = [folderOf(domain), folderBefore(domain)].map(folder => shardPath(folder, number))
  if (!paths.includes(path)) problems.push(`shard ${path} should be ${paths[0]}`)
  const [from, to] = [first, last].map(({ slot, row }) => addressOf(slot, row))
  if (from > to || rows < 1) problems.push(`shard ${path} has ${rows} rows and ends before it begins`)
  if (before && from <= addressOf(before.last.slot, before.last.row))
    problems.push(`shard ${path} begins before shard ${before.path} has ended`)
  if (tokenizer !== JSON.stringify(run.tokenizer)) problems.push(`shard ${path} has the tokens of ${tokenizer}`)
  const segments = [first, last].map(({ slot }) => segmentAt(run.segments, slot))
  if (segments.some(segment => segment.shard !== fingerprint))
    problems.push(`shard ${path} is of pipeline ${fingerprint.slice(0, 12)}, which is not that of its slots`)
  return problems
}

function judgeNote(
  { domains, totals }: ShardNote,
  lasts: ReadonlyMap<string, ManifestEntry>,
  shards: number,
): string[] {
  const problems: string[] = []
  if (totals.shards !== shards) problems.push(`the note says ${totals.shards} shards, and the manifest has ${shards}`)
  for (const [name, { next, sealedTo }] of Object.entries(domains)) {
    const last = lasts.get(name)
    const count = last ? last.number + 1 : 0
    if (next !== count) problems.push(`the note says ${next} shards of '${name}', and the manifest has ${count}`)
    const lastSlot = last?.last.slot ?? -1
    const said = `the note says that '${name}' is sealed before slot ${sealedTo}`
    if (sealedTo <= lastSlot) problems.push(`${said}, and its last shard has slot ${lastSlot}`)
  }
  return problems
}

/** The shards' files against the manifest and the kept rows, and the token totals against both. `damaged` has the paths of those that do not hold. */
export async function verifyShards(
  dir: string,
  manifest: Manifest,
  sealed: KeptByShard,
  isLogWhole: boolean,
  checks: { readonly shards: Check; readonly totals: Check },
): Promise<{ bytes: number; damaged: ReadonlySet<string> }> {
  const counts = emptyShardTotals()
  const damaged = new Set<string>()
  let bytes = 0
  for (const entry of manifest.entries) {
    const where = fileAt(join('shards', entry.path))
    bytes += entry.bytes
    checks.shards.counted++
    const before = checks.shards.failures
    await checks.shards.attempt(where, advices.remake, async () => {
      const problems = await judgeFile(join(dir, where.file), entry, sealed, counts)
      if (isLogWhole && !sealed.of(entry)) problems.push('the log does not hold its last row')
      for (const what of problems) checks.shards.fail(where, what, advices.remake)
    })
    if (checks.shards.failures > before) damaged.add(entry.path)
  }
  if (isLogWhole) checkUnsealed(manifest, sealed, checks.shards)
  if (manifest.note && checks.shards.failures === 0) checkTotals(manifest, counts, checks.totals)
  return { bytes, damaged }
}

/** What is wrong with a shard's file; adds to `counts` what it holds. */
async function judgeFile(
  path: string,
  entry: ManifestEntry,
  sealed: KeptByShard,
  counts: ShardTotals,
): Promise<string[]> {
  const sha256 = await hashFile(path)
  using shard = openShard(path, entry)
  const problems = judgeShard(shard, entry, counts)
  const kept = sealed.of(entry)
  const held = sumShard(shard.batches(['slot', 'row', 'textBytes']))
  if (sha256 !== entry.sha256) problems.unshift(`its SHA-256 is ${sha256}; the manifest says ${entry.sha256}`)
  if (kept?.isKnown && (kept.rows !== held.rows || kept.crc !== held.crc))
    problems.push(`its ${held.rows} rows are not the ${kept.rows} that the log kept for it, in that order`)
  return problems
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(bytes)
  return hash.digest('hex')
}

function judgeShard(shard: Shard, entry: ManifestEntry, counts: ShardTotals): string[] {
  const problems: string[] = []
  const { domain, number, tokenizer, fingerprint } = entry
  for (const [name, said] of Object.entries({ domain, number: String(number), tokenizer, fingerprint }))
    if (shard.metadata[name] !== said)
      problems.push(`it says ${name} ${shard.metadata[name]}; the manifest says ${said}`)
  const lengths = shard.lengths()
  let [at, before, textBytes, from] = [0, -1, 0, -1]
  for (const batch of shard.batches(['slot', 'row', 'textBytes', 'language'])) {
    const [slots, rows, bytes] = ['slot', 'row', 'textBytes'].map(name => numbers(batch, name))
    for (let i = 0; i < batch.rows; i++) {
      const address = addressOf(slots[i], rows[i])
      if (from < 0) from = address
      if (address <= before) problems.push(`slot ${slots[i]}, row ${rows[i]} is out of order`)
      before = address
      textBytes += bytes[i]
    }
    countLanguages(batch, lengths, at, counts)
    at += batch.rows
  }
  counts.shards++
  counts.tokens += entry.tokens
  addCount(counts.tokensByDomain, entry.domain, entry.tokens)
  if (textBytes !== entry.textBytes)
    problems.push(`it has ${textBytes} bytes of text; the manifest says ${entry.textBytes}`)
  const [first, last] = [entry.first, entry.last].map(({ slot, row }) => addressOf(slot, row))
  if (from !== first || before !== last) problems.push('its first or last row is not the one of the manifest')
  return problems
}

function countLanguages(batch: Batch, lengths: Int32Array, from: number, counts: ShardTotals): void {
  if (!batch.columns.language) return
  const languages = utf8(batch, 'language')
  for (let i = 0; i < batch.rows; i++) addCount(counts.tokensByLanguage, stringAt(languages, i), lengths[from + i])
}

function checkUnsealed({ note, noteAt }: Manifest, sealed: KeptByShard, check: Check): void {
  for (const { domain, rows, firstSlot } of sealed.unsealed()) {
    const sealedTo = note?.domains[domain]?.sealedTo ?? 0
    if (note?.ended || firstSlot < sealedTo)
      check.fail(noteAt, `${rows} kept rows of '${domain}' from slot ${firstSlot} on are in no shard`, advices.report)
  }
}

/** While shards are open the note counts their tokens too, so then it is only held to be no less. */
function checkTotals({ note, noteAt }: Manifest, counts: ShardTotals, check: Check): void {
  const { totals, ended } = note!
  check.counted++
  const compare = (name: string, said: number, found: number) => {
    if (ended ? said !== found : said < found)
      check.fail(noteAt, `the note says ${said} ${name}, and the shards have ${found}`, advices.report)
  }
  compare('tokens', totals.tokens, counts.tokens)
  for (const by of ['tokensByDomain', 'tokensByLanguage'] as const) {
    const found = mergeOthers(counts[by], totals[by])
    for (const name of new Set([...Object.keys(totals[by]), ...Object.keys(found)]))
      compare(`tokens of '${name}'`, totals[by][name] ?? 0, found[name] ?? 0)
  }
}

/** Where the note counts some names as `other`, these are all that it does not have: shards do not say which came first. */
function mergeOthers(counts: ShardTotals['tokensByDomain'], noted: ShardTotals['tokensByDomain']) {
  const merged = emptyCounts<number>()
  for (const [name, tokens] of Object.entries(counts))
    addCount(merged, otherDomain in noted && !(name in noted) ? otherDomain : name, tokens)
  return merged
}

/** Shard files that the manifest lacks: the next ones of their domains are what a stop left and are written again; others are not ours. */
export function checkStrays(files: readonly string[], { entries, note }: Manifest, check: Check): void {
  const known = new Set(entries.map(entry => entry.path))
  const counts = new Map<string, number>()
  for (const { path, number } of entries) counts.set(path.split('/')[0], number + 1)
  for (const file of files) {
    if (known.has(file)) continue
    const [folder, name] = file.split('/')
    const number = Number(/^(\d{8})\.arrow(\.tmp)?$/.exec(name ?? '')?.[1] ?? -1)
    const next = counts.get(folder) ?? 0
    if (number === next && !note?.ended) check.note(`shards/${file} is not committed yet: a start writes it again`)
    else if (number === next && name.endsWith('.tmp')) check.note(`shards/${file} is left over and may be deleted`)
    else check.fail(fileAt(join('shards', file)), 'the manifest does not have it', advices.stray)
  }
}
