import * as client from '@platformatic/kafka'
import { decodeBatches } from '../../src/kafka/records.ts'
import { createCodec } from '../../src/kafka/requests.ts'

export const codec = createCodec(client, 'none')
export const producer = { id: 7n, epoch: 3 }
export const decode = (bytes: Buffer) => [...decodeBatches(bytes, 't/0', codec)]
export const record = (text: string, headers: Record<string, string> = {}) => ({ headers, value: Buffer.from(text) })

/** Somebody's batch, by the client's own encoder, with what our encoder never writes. `change` damages nothing: the checksum is made anew. */
export function foreignBatch(messages: readonly object[], change: (head: Buffer) => void = () => {}): Buffer {
  const given = messages.map(message => ({ topic: 't', partition: 0, value: Buffer.from('v'), ...message }))
  const { buffer } = client.createRecordsBatch(given as never, { producerId: 7n, producerEpoch: 3 } as never)
  const batch = Buffer.from(buffer)
  change(batch)
  batch.writeUInt32BE(codec.crc32c(batch.subarray(21)), 17)
  return batch
}
export type Header = readonly [name: string, value: string | Uint8Array | null]
export const headersOf = (list: readonly Header[]) =>
  new Map(list.map(([name, value]) => [Buffer.from(name), value === null ? null : Buffer.from(value)]))

/** A copy with an i32 in it. */
export function write(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeInt32BE(value, at)
  return copy
}
