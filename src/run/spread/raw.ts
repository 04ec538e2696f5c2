import { decodeBatch, encodeBatch } from '../../batch/arrow/ipc.ts'
import type { Column } from '../../batch/batch.ts'
import type { Chunk } from '../../sources/source.ts'

type ChunkHead = Omit<Chunk, 'bytes'> & { readonly length: number }

/** A loaded slot as an Arrow stream of one row: each chunk's bytes as column `chunkN`, the rest as JSON in the metadata `chunks`. */
export function encodeRaw(chunks: readonly Chunk[]): Uint8Array {
  const heads = chunks.map(({ bytes, ...head }): ChunkHead => ({ ...head, length: bytes.length }))
  const columns: Record<string, Column> = {}
  for (const [i, { bytes }] of chunks.entries())
    if (bytes.length > 0) columns[`chunk${i}`] = { kind: 'fixed', width: bytes.length, bytes }
  return encodeBatch({ rows: Object.keys(columns).length > 0 ? 1 : 0, columns }, { chunks: JSON.stringify(heads) })
}

/** The chunks of an entry of `raw`. Each owns its memory. */
export function decodeRaw(value: Uint8Array): Chunk[] {
  const { batch, metadata } = decodeBatch(value)
  const heads = JSON.parse(metadata.chunks) as ChunkHead[]
  return heads.map(({ length, ...head }, i) => {
    const column = batch.columns[`chunk${i}`]
    const bytes = column?.kind === 'fixed' ? column.bytes : new Uint8Array(0)
    if (bytes.length !== length) throw new TypeError(`chunk ${i} has ${bytes.length} bytes of ${length}`)
    return { ...head, bytes: bytes.slice() }
  })
}
