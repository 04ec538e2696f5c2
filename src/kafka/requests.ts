import zlib from 'node:zlib'
import type * as Client from '@platformatic/kafka'
import type { API, Reader } from '@platformatic/kafka'
import { HeadraceError } from '../errors.ts'
import type { Aborted, Codec } from './records.ts'

/** A batch, decompressed: eight times what the topics of a run take. */
const batchBytesMax = 256 * 1024 * 1024

export type KafkaClient = typeof Client

/** The version whose codecs these files were held against. They are exported but not documented, so another may differ. */
const version = '2.12.1'

/** The client package, which only a log at kafka:// needs. `bad-option` where it is not installed. */
export async function loadClient(): Promise<KafkaClient> {
  try {
    return await import('@platformatic/kafka')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new HeadraceError(
      'bad-option',
      `a log at kafka:// needs a package that is not installed: run npm install @platformatic/kafka@${version}`,
    )
  }
}

/** A produce request: one batch a partition. */
export interface ProduceRequest {
  readonly transactionalId: string
  readonly topics: readonly { readonly name: string; readonly partitions: readonly ProducePartition[] }[]
}
export interface ProducePartition {
  readonly partition: number
  readonly batch: Buffer
}

/** What a fetch of one partition brought. `bytes` are record batches, a copy of its own. */
export interface Fetched {
  readonly error: string | null
  /** Behind all that its brokers agree on, and behind all that is decided of it: a transaction that is open lies between. */
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly aborted: readonly Aborted[]
  readonly bytes: Buffer
}

export interface EndedTransaction {
  readonly producerId: bigint
  readonly producerEpoch: number
}

type ApiOf<Name extends keyof KafkaClient> = KafkaClient[Name] extends { readonly api: infer Api } ? Api : never
type ArgumentsOf<Name extends keyof KafkaClient> = KafkaClient[Name] extends {
  readonly createRequest: (...given: infer Given) => unknown
}
  ? Given
  : never

/**
 * One version of each request, which Kafka 3.3 and all later ones speak, but for the heartbeat of members: fewer paths than the newest
 * of each. By the names of the client's modules, as the package does not export the types of requests and replies.
 */
const modules = {
  apiVersions: 'apiVersionsV3',
  metadata: 'metadataV12',
  findCoordinator: 'findCoordinatorV4',
  listOffsets: 'listOffsetsV7',
  createTopics: 'createTopicsV7',
  deleteTopics: 'deleteTopicsV6',
  describeConfigs: 'describeConfigsV4',
  deleteRecords: 'deleteRecordsV2',
  describeTransactions: 'describeTransactionsV0',
  initProducerId: 'initProducerIdV4',
  addPartitions: 'addPartitionsToTxnV3',
  addOffsets: 'addOffsetsToTxnV3',
  heartbeat: 'consumerGroupHeartbeatV1',
  txnOffsetCommit: 'txnOffsetCommitV3',
  endTxn: 'endTxnV3',
} as const
type ClientRequests = { readonly [Name in keyof typeof modules]: ApiOf<(typeof modules)[Name]> }

export interface Requests extends ClientRequests {
  readonly fetch: API<ArgumentsOf<'fetchV13'>, Fetched>
  readonly produce: API<[ProduceRequest], unknown>
  readonly produceV2: API<[ProduceRequest], unknown>
  readonly txnOffsetCommitV2: ApiOf<'txnOffsetCommitV3'>
  readonly endTxnV2: API<ArgumentsOf<'endTxnV3'>, EndedTransaction>
}

/** Transactions v2 need three newer versions; the client lacks those, but only their numbers and a reply differ. */
export function createRequests(client: KafkaClient): Requests {
  const { createAPI, endTxnV3, produceV9, txnOffsetCommitV3, fetchV13 } = client
  const produce = (version: number): API<[ProduceRequest], unknown> =>
    createAPI(0, version, (request: ProduceRequest) => encodeProduce(client, request), produceV9.parseResponse)
  const lent = Object.entries(modules).map(([name, module]) => [name, client[module].api])
  return {
    ...(Object.fromEntries(lent) as ClientRequests),
    fetch: createAPI(1, 13, fetchV13.createRequest, (_id, _key, _version, reader) =>
      parseFetch(reader, client.protocolErrorsCodesById),
    ) as Requests['fetch'],
    produce: produce(9),
    produceV2: produce(12),
    txnOffsetCommitV2: createAPI(
      28,
      5,
      txnOffsetCommitV3.createRequest,
      txnOffsetCommitV3.parseResponse,
    ) as Requests['txnOffsetCommitV2'],
    endTxnV2: createAPI(26, 5, endTxnV3.createRequest, (_id, key, version, reader) =>
      parseEnd(client, key, version, reader),
    ) as Requests['endTxnV2'],
  }
}

/** Sharing out work alone needs it: Kafka 4.0 and later speak it. */
export const optional: ReadonlySet<string> = new Set(['heartbeat'])

/** The requests that transactions v2 alone need. */
export const secondGeneration: ReadonlySet<string> = new Set(['produceV2', 'txnOffsetCommitV2', 'endTxnV2'])

function encodeProduce(client: KafkaClient, { transactionalId, topics }: ProduceRequest) {
  return client.Writer.create()
    .appendString(transactionalId)
    .appendInt16(-1)
    .appendInt32(30_000)
    .appendArray([...topics], (writer, topic) =>
      writer.appendString(topic.name).appendArray([...topic.partitions], (inner, { partition, batch }) =>
        inner
          .appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch),
      ),
    )
    .appendTaggedFields()
}

function parseEnd(client: KafkaClient, key: number, version: number, reader: Reader): EndedTransaction {
  reader.readInt32()
  const code = reader.readInt16()
  const ended = { producerId: reader.readInt64(), producerEpoch: reader.readInt16() }
  if (code !== 0) throw new client.ResponseError(key, version, { '/': [code, null] }, ended)
  return ended
}

/** The client's own parser would drop the bytes that the checksum is over. Requests ask for one partition. */
function parseFetch(reader: Reader, codes: Readonly<{ [code: number]: string }>): Fetched {
  reader.readInt32()
  const topLevel = reader.readInt16()
  reader.readInt32()
  let fetched: Fetched = {
    error: nameOf(topLevel, codes),
    highWatermark: -1n,
    lastStableOffset: -1n,
    aborted: [],
    bytes: Buffer.alloc(0),
  }
  reader.readArray(topic => {
    topic.readUUID()
    topic.readArray(partition => (fetched = parsePartition(partition, codes)))
  })
  return fetched
}

function parsePartition(reader: Reader, codes: Readonly<{ [code: number]: string }>): Fetched {
  reader.readInt32()
  const error = nameOf(reader.readInt16(), codes)
  const highWatermark = reader.readInt64()
  const lastStableOffset = reader.readInt64()
  reader.readInt64()
  const aborted = reader.readNullableArray(inner => ({
    producerId: inner.readInt64(),
    firstOffset: inner.readInt64(),
  }))
  reader.readInt32()
  const length = Math.max(0, reader.readUnsignedVarInt() - 1)
  const bytes = reader.buffer.slice(reader.position, reader.position + length)
  reader.skip(length)
  return { error, highWatermark, lastStableOffset, aborted: aborted ?? [], bytes }
}

const nameOf = (code: number, codes: Readonly<{ [code: number]: string }>) =>
  code === 0 ? null : (codes[code] ?? `code ${code}`)

/** Checksum and compressions of the client. `compression` is one of Kafka's names; `bytesMax` bounds a batch, decompressed. */
export function createCodec(client: KafkaClient, compression: string, bytesMax = batchBytesMax): Codec {
  const { compressionsAlgorithms: all, Writer } = client
  const chosen = all[compression as keyof typeof all]
  const byBits = new Map(Object.values(all).map(algorithm => [algorithm.bitmask as number, algorithm]))
  return {
    // Wrapped, as the client copies what is no buffer of its own kind.
    crc32c: bytes => client.crc32c(Writer.create().append(bytes).dynamicBuffer),
    compression:
      compression === 'none' ? null : { bits: chosen.bitmask, compress: bytes => chosen.compressSync(bytes) as Buffer },
    decompress: (bits, bytes) => {
      const algorithm = byBits.get(bits)
      // The client's own have no bound, and a kilobyte of zeros is a few bytes.
      if (algorithm === all.gzip) return zlib.gunzipSync(bytes, { maxOutputLength: bytesMax })
      if (algorithm === all.zstd) return zlib.zstdDecompressSync(bytes, { maxOutputLength: bytesMax })
      if (!algorithm) throw new HeadraceError('corrupt', `a record batch has the unknown compression ${bits}`)
      return algorithm.decompressSync(bytes)
    },
  }
}
