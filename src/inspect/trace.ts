import { join } from 'node:path'
import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { addressOf } from '../decide/decider.ts'
import { otherDomain } from '../decide/name-limit.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import { readHead } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { openStep, type Step } from '../feed/files/steps.ts'
import type { LocatedFate } from '../record/fate.ts'
import { readManifest } from '../record/manifest.ts'
import type { RecordedSlot, RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'
import { fatesOf, type Labels } from './fates.ts'

/** A document's whole way: `shard` is null and `samples` empty where it is in none. */
export interface Trace {
  readonly fate: LocatedFate
  /** Every measured column of its row, by name; bytes and lists as their length. */
  readonly measurements: Readonly<Record<string, number | string>>
  readonly shard: ShardPlace | null
  readonly samples: readonly TracedSample[]
}

/** A sample of a block that holds tokens of the document, and the steps that it was in. */
export interface TracedSample {
  readonly block: number
  readonly epoch: number
  readonly sample: number
  readonly tokens: number
  readonly steps: readonly number[]
}

/** Traces every record with this id, or, for a record without one, of this `file:line`. Ids are labels: there may be several. */
export async function* traceDocument(run: RunReader, id: string): AsyncIterable<Trace> {
  const manifest = await Array.fromAsync(readManifest(run.log))
  const isWanted = (labels: Labels) => labels.id === id || `${labels.file}:${labels.line}` === id
  for await (const recorded of run.slots()) {
    if (!mayHold(recorded, id)) continue
    for (const fate of await fatesOf(run, recorded, isWanted)) {
      const shard = fate.fate === 'kept' ? findInShards(run, manifest, fate) : null
      const measurements = fate.index < 0 ? {} : describeRow(recorded.scored, fate.index)
      yield { fate, measurements, shard, samples: shard ? await findSamples(run, shard) : [] }
    }
  }
}

/** Whether the id, or the file of `file:line`, stands anywhere in the slot: a search of bytes that passes over most slots. */
function mayHold({ scored, dead }: RecordedSlot, id: string): boolean {
  const has = (batch: Batch, column: string, text: string) => {
    const { bytes } = utf8(batch, column)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text)
  }
  const file = /^(.+):\d+$/.exec(id)?.[1]
  if (has(scored, 'id', id)) return true
  return file !== undefined && (has(scored, 'file', file) || (dead !== null && has(dead, 'file', file)))
}

function describeRow(batch: Batch, row: number): Record<string, number | string> {
  const cells: Record<string, number | string> = {}
  for (const [name, column] of Object.entries(batch.columns)) {
    if (['text', 'id', 'file', 'line', 'row', 'gate', 'gateEvidence', 'gateText'].includes(name)) continue
    if (column.kind === 'utf8') cells[name] = stringAt(column, row)
    else if (column.kind === 'list<i32>') cells[name] = `${column.offsets[row + 1] - column.offsets[row]} values`
    else if (column.kind === 'fixed')
      cells[name] = Buffer.from(column.bytes.subarray(row * column.width, row * column.width + 8)).toString('hex')
    else cells[name] = column.values[row]
  }
  return cells
}

/** Where a document stands in a shard: its row, and its tokens from `start` on. */
export interface ShardPlace {
  readonly path: string
  readonly row: number
  readonly start: number
  readonly tokens: number
  readonly entry: ManifestEntry
}

function findInShards(run: RunReader, manifest: readonly ManifestEntry[], fate: LocatedFate): ShardPlace | null {
  const address = addressOf(fate.slot, fate.row)
  for (const entry of manifest) {
    const [first, last] = [entry.first, entry.last].map(end => addressOf(end.slot, end.row))
    if (address < first || address > last) continue
    using shard = openShard(join(run.dir, 'shards', entry.path), entry)
    const lengths = shard.lengths()
    let [row, start] = [0, 0]
    for (const batch of shard.batches(['slot', 'row'])) {
      const [slots, rows] = [numbers(batch, 'slot'), numbers(batch, 'row')]
      for (let i = 0; i < batch.rows; i++) {
        if (slots[i] === fate.slot && rows[i] === fate.row)
          return { path: entry.path, row, start, tokens: lengths[row], entry }
        start += lengths[row++]
      }
    }
  }
  return null
}

async function findSamples(run: RunReader, place: ShardPlace): Promise<TracedSample[]> {
  const dir = join(run.dir, 'feed')
  const head = await readHead(dir)
  if (!head) return []
  const ranges = rangesOf(await readSteps(dir, head), place.entry.domain)
  const found: TracedSample[] = []
  for (const inBlock of Map.groupBy(ranges, ({ domain, block, epoch }) => `${block} ${epoch} ${domain}`).values()) {
    const [{ domain, block, epoch }] = inBlock
    using file = new BlockFile(dir, { domain, number: block, epoch })
    const shard = file.identity.shards.findIndex(one => one.path === place.path)
    if (shard < 0) continue
    const list = file.read(0, file.samples)
    for (let sample = 0; sample < file.samples; sample++) {
      let tokens = 0
      for (let piece = list.offsets[sample]; piece < list.offsets[sample + 1]; piece++)
        if (list.shard[piece] === shard)
          tokens += overlap(list.start[piece], list.length[piece], place.start, place.tokens)
      if (tokens === 0) continue
      const holding = inBlock.filter(({ from, to }) => from <= sample && sample < to)
      found.push({ block, epoch, sample, tokens, steps: holding.map(({ step }) => step) })
    }
  }
  return found
}

function overlap(start: number, length: number, otherStart: number, otherLength: number): number {
  return Math.max(0, Math.min(start + length, otherStart + otherLength) - Math.max(start, otherStart))
}

async function readSteps(dir: string, head: { steps: number; segmentSteps: number }): Promise<Step[]> {
  const ledger = new LedgerReader(dir, head.segmentSteps)
  const steps: Step[] = []
  for (let step = 0; step < head.steps; step++)
    steps.push(openStep(await ledger.read(step), step, steps.at(-1)?.digest ?? null))
  return steps
}

/** What steps take of a domain's blocks, in their order; and of those of `other`, in which it may be fed. */
function rangesOf(steps: readonly Step[], own: string) {
  const names = [...new Set([own, otherDomain])]
  return steps.flatMap(({ step, domains }) =>
    names
      .filter(domain => Object.hasOwn(domains, domain))
      .flatMap(domain => domains[domain].map(range => ({ ...range, domain, step }))),
  )
}
