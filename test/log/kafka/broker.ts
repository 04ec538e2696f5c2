import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseKafkaOptions } from '../../../src/kafka/options.ts'
import { KafkaLog, type KafkaRun, type TopicShape } from '../../../src/log/kafka/kafka-log.ts'

/** HOST:PORT of the broker that tests may use: `test/kafka/start-kafka.sh` starts one. */
export const broker = process.env.HEADRACE_KAFKA ?? ''

/** Whether it has transactions v2, as a broker of Kafka 4.0 or later that was not started to be without them. */
export const hasSecondGeneration = process.env.KAFKA_FEATURES !== 'transaction.version=1'

const skip =
  !broker && process.env.KAFKA_REQUIRED !== '1' && 'HEADRACE_KAFKA names no broker (test/kafka/start-kafka.sh)'

/** A test that needs a broker: skipped without one, failed without one where KAFKA_REQUIRED is 1. */
export function testOnBroker(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, { skip, timeout: 60_000 }, body)
}

let runs = 0
/** A run name that no test had before. */
export const newRun = () => `test-${process.pid}-${Date.now().toString(36)}-${runs++}`

export function options(properties: Readonly<Record<string, string>> = {}) {
  assert.ok(broker, 'KAFKA_REQUIRED is 1 and HEADRACE_KAFKA names no broker')
  return parseKafkaOptions(`kafka://${broker}`, properties)
}

export const shapes: readonly TopicShape[] = ['s.a', 's.b', 't.a'].map(topic => ({ topic, partitions: 3 }))

/** Opens a run's log and makes its topics. */
export async function openLog(run: KafkaRun, given = options(), topics = shapes): Promise<KafkaLog> {
  const log = await KafkaLog.open(given, run)
  try {
    await log.ensureTopics(topics)
    return log
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
}
