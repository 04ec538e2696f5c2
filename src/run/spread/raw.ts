import { decodeBatch, encodeBatch } from '../../batch/arrow/ipc.ts'
import type { Batch, Column } from '../../batch/batch.ts'
import type { Chunk } from '../../sources/source.ts'
import type { StoredSlot } from '../measure/jobs.ts'
import type { SlotWork } from '../measure/slot-work.ts'

type ChunkHead = Omit<Chunk, 'bytes'> & { readonly length: number }

/** What of a replay's slot is no bytes. */
interface ReplayedHead {
  readonly base?: string | undefined
  /** Of one that is to be measured from what is stored. */
  readonly stored?: Pick<StoredSlot, 'before' | 'base'>
  /** Of one that is measured. */
  readonly measured?: { readonly isJoined: boolean; readonly rows: number; readonly deadRows: number }
}

/**
 * A loaded slot as an Arrow stream of one row: each chunk's bytes as column `chunkN`, the rest as JSON in the metadata `chunks`. Of a
 * replay's slot besides the entries of the run that is replayed, as columns `scored` and `dead` (and `texts`, apart from one that is measured), and the rest in the metadata `replayed`:
 * so whoever annotates it needs this log alone.
 */
export function encodeRaw(work: SlotWork): Uint8Array {
  const chunks = 'chunks' in work ? work.chunks : []
  const heads = chunks.map(({ bytes, ...head }): ChunkHead => ({ ...head, length: bytes.length }))
  const values = [...chunks.map(({ bytes }, i) => [`chunk${i}`, bytes] as const), ...replayedValues(work)]
  const columns: Record<string, Column> = {}
  for (const [name, bytes] of values)
    if (bytes.length > 0) columns[name] = { kind: 'fixed', width: bytes.length, bytes }
  const replayed = replayedHead(work)
  const metadata = { chunks: JSON.stringify(heads), ...(replayed && { replayed: JSON.stringify(replayed) }) }
  return encodeBatch({ rows: Object.keys(columns).length > 0 ? 1 : 0, columns }, metadata)
}

/** The work of an entry of `raw`. Each part of it owns its memory. */
export function decodeRaw(value: Uint8Array): SlotWork {
  const { batch, metadata } = decodeBatch(value)
  const chunks = (JSON.parse(metadata.chunks) as ChunkHead[]).map(({ length, ...head }, i) => {
    const bytes = takeBytes(batch, `chunk${i}`)
    if (bytes.length !== length) throw new TypeError(`chunk ${i} has ${bytes.length} bytes of ${length}`)
    return { ...head, bytes }
  })
  const { base, stored, measured }: ReplayedHead = metadata.replayed ? JSON.parse(metadata.replayed) : {}
  // An entry of dead rows is not empty.
  const [dead, texts] = ['dead', 'texts'].map(name => (batch.columns[name] ? takeBytes(batch, name) : null))
  if (measured)
    return { measured: { ...measured, scored: takeBytes(batch, 'scored'), dead, ...(texts && { texts }) }, base }
  return { chunks, stored: stored ? { ...stored, value: takeBytes(batch, 'scored'), dead } : null, base }
}

function replayedValues(work: SlotWork): (readonly [string, Uint8Array])[] {
  const values: readonly (readonly [name: string, value: Uint8Array | null | undefined])[] =
    'measured' in work
      ? (['scored', 'dead', 'texts'] as const).map(name => [name, work.measured[name]])
      : [
          ['scored', work.stored?.value],
          ['dead', work.stored?.dead],
        ]
  return values.flatMap(([name, value]) => (value ? [[name, value] as const] : []))
}

/** Null for a slot of no replay, or of which nothing holds. */
function replayedHead(work: SlotWork): ReplayedHead | null {
  const { base } = work
  if ('measured' in work) {
    const { isJoined = false, rows, deadRows } = work.measured
    return { base, measured: { isJoined, rows, deadRows } }
  }
  if (!work.stored) return null
  const { before, base: refersTo } = work.stored
  return { base, stored: { before, base: refersTo } }
}

function takeBytes({ columns }: Batch, name: string): Uint8Array {
  const column = columns[name]
  return column?.kind === 'fixed' ? column.bytes.slice() : new Uint8Array(0)
}
