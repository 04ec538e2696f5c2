import { HeadraceError } from '../errors.ts'
import { describeUnreachable } from './unreachable.ts'

interface ClientError {
  readonly apiId?: string
  readonly code?: string
  readonly message?: string
  readonly errors?: readonly unknown[]
  readonly cause?: unknown
}

/** What a broker or a connection says that may be otherwise in a moment: leaders move, coordinators load, sockets break. */
const passing = new Set([
  'PLT_KFK_NETWORK',
  'PLT_KFK_TIMEOUT',
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'LEADER_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'LISTENER_NOT_FOUND',
  'OFFSET_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REQUEST_TIMED_OUT',
  'KAFKA_STORAGE_ERROR',
  'NOT_CONTROLLER',
  'UNSTABLE_OFFSET_COMMIT',
])
/** After these nobody knows whether the broker got the request and acted on it. */
const ambiguous = new Set(['PLT_KFK_NETWORK', 'PLT_KFK_TIMEOUT', 'REQUEST_TIMED_OUT'])

/** Every error code inside an error of the client, outermost first. TLS errors are named TLS. */
export function codesOf(error: unknown, found: string[] = []): string[] {
  const { apiId, code, errors, cause } = (error ?? {}) as ClientError
  if (apiId) found.push(apiId)
  else if (/CERT|SELF_SIGNED|^ERR_(TLS|SSL|OSSL)/.test(code ?? '')) found.push('TLS')
  else if (code?.startsWith('PLT_KFK_') && !/_(MULTIPLE|RESPONSE)$/.test(code)) found.push(code)
  for (const inner of errors ?? []) codesOf(inner, found)
  if (cause) codesOf(cause, found)
  return found
}

export function isPassing(error: unknown): boolean {
  const codes = codesOf(error)
  return codes.length > 0 && codes.every(code => passing.has(code))
}

/** Passing, and surely without effect. */
export function isRefused(error: unknown): boolean {
  return isPassing(error) && !codesOf(error).some(code => ambiguous.has(code))
}

export function isFenced(error: unknown): boolean {
  const codes = codesOf(error)
  return codes.some(code => /^(PRODUCER_FENCED|INVALID_PRODUCER_EPOCH|INVALID_PRODUCER_ID_MAPPING)$/.test(code))
}

export const isCode = (error: unknown, code: string): boolean => codesOf(error).includes(code)

/** What is wrong and what to do, by what a code says. */
const judgements: readonly (readonly [pattern: RegExp, code: HeadraceError['code'], advice: string])[] = [
  [/^PLT_KFK_AUTHENTICATION|SASL/, 'bad-option', 'check sasl.mechanism, sasl.username and sasl.password'],
  [
    /^(TLS|PLT_KFK_USER)$/,
    'bad-option',
    'check security.protocol, the port, and the certificates of ssl.truststore.location',
  ],
  [/AUTHORIZATION_FAILED/, 'bad-option', 'grant this user what README.md lists under "On Kafka"'],
  [/TOO_LARGE|TOO_LONG/, 'limit', 'set max.message.bytes of the topic to what `topics --plan` says'],
  [/UNKNOWN_TOPIC/, 'not-found', 'create the topics of the run with `headrace topics`'],
  [
    /UNSUPPORTED|INVALID_CONFIG|INVALID_REPLICATION|INVALID_TOPIC|INVALID_TRANSACTION_TIMEOUT|POLICY_VIOLATION/,
    'bad-option',
    'see the code',
  ],
  // The brokers are this log's disk.
  [/^/, 'disk', 'what was committed is safe; run the same command again when the brokers answer'],
]

/**
 * Turns an error of the client into ours. The message has codes alone, and of a broker that can't be reached its address: what the client
 * attaches may hold what was sent.
 */
export function wrapKafkaError(error: unknown, doing: string): unknown {
  if (error instanceof HeadraceError) return error
  const codes = [...new Set(codesOf(error))]
  if (codes.length === 0) return error
  const [, code, advice] = judgements.find(([pattern]) => codes.some(one => pattern.test(one)))!
  const unreachable = [...new Set(describeUnreachable(error))]
  const why = unreachable.length > 0 ? ` (${unreachable.join('; ')})` : ''
  return new HeadraceError(code, `${doing} failed with ${codes.join(', ')}${why}: ${advice}`)
}
