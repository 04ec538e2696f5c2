import { test } from 'node:test'
import { testLog } from '../../../conformance/log.ts'
import { testSpreadLog } from '../../../conformance/spread-log.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { broker, newRun, openLog, options } from './broker.ts'

const spreadShapes = ['s.a', 's.b', 't.a'].map(topic => ({ topic, partitions: 4 }))

if (broker || process.env.KAFKA_REQUIRED === '1') {
  testLog('kafka log', async () => {
    const run = { run: newRun() }
    const log = await openLog(run)
    return {
      log,
      reopen: async () => {
        await log[Symbol.asyncDispose]()
        return KafkaLog.open(options(), run)
      },
      openBeside: () => KafkaLog.open(options(), run),
    }
  })
  testSpreadLog('kafka log', async () => {
    const run = { run: newRun(), spread: ['s'] }
    return {
      log: await openLog(run, options(), spreadShapes),
      openBeside: () => KafkaLog.open(options(), run),
    }
  })
} else test('kafka log', { skip: 'HEADRACE_KAFKA names no broker (test/kafka/start-kafka.sh)' })
