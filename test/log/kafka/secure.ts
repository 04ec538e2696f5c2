import assert from 'node:assert/strict'
import { type KafkaOptions, parseKafkaOptions } from '../../../src/kafka/options.ts'

/** KAFKA_SECURE=1 test/kafka/start-kafka.sh offers the listener and writes the certificate. */
const { HEADRACE_KAFKA_SASL_SSL: secure, HEADRACE_KAFKA_CA: ca } = process.env

/** Why tests of the secure listener are skipped, or false. */
export const skipInsecure =
  !(secure && ca) &&
  process.env.KAFKA_REQUIRED !== '1' &&
  'HEADRACE_KAFKA_SASL_SSL and HEADRACE_KAFKA_CA name no broker'

export function secureOptions(changes: Record<string, string>): KafkaOptions {
  assert.ok(secure && ca, 'KAFKA_REQUIRED is 1: HEADRACE_KAFKA_SASL_SSL and HEADRACE_KAFKA_CA name the secure listener')
  return parseKafkaOptions(`kafka://${secure}`, {
    ...{ 'security.protocol': 'SASL_SSL', 'sasl.username': 'headrace', 'sasl.password': 'secret' },
    ...{ 'ssl.truststore.location': ca, 'delivery.timeout.ms': '1000' },
    ...changes,
  })
}
