import { join } from 'node:path'
import { type Batch, stringAt, utf8 } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import type { LocatedFate } from '../record/fate.ts'
import type { RecordedSlot, RunReader } from '../record/run-reader.ts'
import { fatesOf, type Labels } from './fates.ts'
import { findFedSamples } from './fed-samples.ts'
import { findPlaces, findSpans, type ShardPlace } from './places.ts'

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
  /** See `BlockRef`. */
  readonly cut?: number
  readonly sample: number
  readonly tokens: number
  readonly steps: readonly number[]
}

/** Traces every record with this id, or, for a record without one, of this `file:line`. Ids are labels: there may be several. */
export async function* traceDocument(run: RunReader, id: string): AsyncIterable<Trace> {
  const isWanted = (labels: Labels) => labels.id === id || `${labels.file}:${labels.line}` === id
  const dir = join(run.dir, 'feed')
  for await (const recorded of run.slots()) {
    if (!mayHold(recorded, id)) continue
    for (const fate of await fatesOf(run, recorded, isWanted)) {
      const address = addressOf(fate.slot, fate.row)
      const places = await findPlaces(run, dir, fate.fate === 'dead' ? [] : [address])
      const measurements = fate.index < 0 ? {} : describeRow(recorded.scored, fate.index)
      yield { fate, measurements, shard: places.get(address) ?? null, samples: await findSamples(dir, places) }
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

async function findSamples(dir: string, places: ReadonlyMap<Address, ShardPlace>): Promise<TracedSample[]> {
  const found = await findFedSamples(dir, findSpans(places))
  return found.map(({ number, epoch, cut, sample, tokens, step }) => {
    const named = { block: number, epoch, ...(cut !== undefined && { cut }) }
    return { ...named, sample, tokens, steps: step ? [step.step] : [] }
  })
}
