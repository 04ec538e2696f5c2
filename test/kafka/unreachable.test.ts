import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from '../../src/kafka/cluster.ts'
import { parseKafkaOptions } from '../../src/kafka/options.ts'

test('a broker that is not there is told with host, port and cause', async () => {
  const cases: [string, RegExp][] = [
    ['kafka://127.0.0.1:1', /127\.0\.0\.1:1: nothing listens at this port \(ECONNREFUSED\)/],
    [
      'kafka://127.0.0.1:1,127.0.0.1:2',
      /127\.0\.0\.1:1: nothing listens at this port \(ECONNREFUSED\); 127\.0\.0\.1:2: nothing listens/,
    ],
    // Where there is no name server, it is that which is told.
    ['kafka://no-such-host.invalid:9092', /no-such-host\.invalid:9092: .*\((ENOTFOUND|EAI_AGAIN)\)/],
  ]
  for (const [brokers, message] of cases) {
    const options = { ...parseKafkaOptions(brokers), retryTimeoutMs: 1 }
    await assert.rejects(Cluster.open(options), { code: 'disk', retry: true, message })
  }
})
