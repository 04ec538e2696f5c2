import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { newRun, openLog } from './broker.ts'
import { secureOptions, skipInsecure as skip } from './secure.ts'

for (const mechanism of ['PLAIN', 'SCRAM-SHA-512'])
  test(`a log over TLS, with ${mechanism}`, { skip }, async () => {
    await using log = await openLog({ run: newRun() }, secureOptions({ 'sasl.mechanism': mechanism }))
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
    const error = await KafkaLog.open(secureOptions(changes), { run: 'r' }).then(
      () => null,
      (reason: unknown) => reason,
    )
    assert.equal((error as { code: string }).code, 'bad-option', `${name}: ${error}`)
    assert.match(`${error}`, message, name)
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/, name)
  }
})
