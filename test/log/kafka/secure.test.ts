import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { parseKafkaOptions } from '../../../src/log/kafka/options.ts'
import { KafkaLog } from '../../../src/log/kafka.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { newRun, openLog } from './broker.ts'

// KAFKA_SECURE=1 test/kafka/start-kafka.sh offers the listener and writes the certificate.
const { HEADRACE_KAFKA_SASL_SSL: secure, HEADRACE_KAFKA_CA: ca } = process.env
const skip =
  !(secure && ca) &&
  process.env.KAFKA_REQUIRED !== '1' &&
  'HEADRACE_KAFKA_SASL_SSL and HEADRACE_KAFKA_CA name no broker'

const properties = {
  'security.protocol': 'SASL_SSL',
  'sasl.username': 'headrace',
  'sasl.password': 'secret',
  'ssl.truststore.location': ca ?? '',
  'delivery.timeout.ms': '1000',
}
function parse(changes: Record<string, string>) {
  assert.ok(secure && ca, 'KAFKA_REQUIRED is 1: HEADRACE_KAFKA_SASL_SSL and HEADRACE_KAFKA_CA name the secure listener')
  return parseKafkaOptions(`kafka://${secure}`, { ...properties, ...changes })
}

for (const mechanism of ['PLAIN', 'SCRAM-SHA-512'])
  test(`a log over TLS, with ${mechanism}`, { skip }, async () => {
    await using log = await openLog({ run: newRun() }, parse({ 'sasl.mechanism': mechanism }))
    await using owner = await log.own('s')
    await owner.commit({
      positions: [],
      appends: [{ topic: 's.a', partition: 0, headers: {}, value: Buffer.from('x') }],
    })
    assert.equal((await Array.fromAsync(readCommitted(log, 's.a'))).length, 1)
  })

test('what is refused says what to check, and no error shows the password', { skip }, async () => {
  const cases: [string, Record<string, string>, RegExp][] = [
    [
      'a wrong password',
      { 'sasl.password': 'hunter2' },
      /AUTHENTICATION.*check sasl.mechanism, sasl.username and sasl.password/,
    ],
    ['a wrong password', { 'sasl.password': 'hunter2', 'sasl.mechanism': 'SCRAM-SHA-512' }, /check sasl.mechanism/],
    ['no certificate', { 'ssl.truststore.location': '' }, /TLS.*certificates of ssl.truststore.location/],
    ['no TLS', { 'security.protocol': 'PLAINTEXT' }, /check security.protocol/],
  ]
  for (const [name, changes, message] of cases) {
    const error = await KafkaLog.open(parse(changes), { run: 'r' }).then(
      () => null,
      (reason: unknown) => reason,
    )
    assert.equal((error as { code: string }).code, 'bad-option', `${name}: ${error}`)
    assert.match(`${error}`, message, name)
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/, name)
  }
})
