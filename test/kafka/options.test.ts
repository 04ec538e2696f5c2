import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { parseKafkaOptions, parseProperties } from '../../src/kafka/options.ts'
import { makeFolder } from '../temporary.ts'

const parse = (url: string, properties = {}, environment = {}) => parseKafkaOptions(url, properties, environment)

test('an address names one broker or more', () => {
  const cases: [string, (string | number)[][]][] = [
    ['kafka://a:1', [['a', 1]]],
    [
      'kafka://a:1,b.example:2/',
      [
        ['a', 1],
        ['b.example', 2],
      ],
    ],
    ['kafka://a', [['a', 9092]]],
    ['kafka://[::1]:9', [['::1', 9]]],
  ]
  for (const [url, brokers] of cases)
    assert.deepEqual(
      parse(url).brokers.map(({ host, port }) => [host, port]),
      brokers,
      url,
    )
  for (const url of [
    'kafka://',
    'kafka://a:x',
    'kafka://user:hunter2@a:1',
    'http://a:1',
    'kafka://a:1/run',
    'kafka://a,,b',
  ])
    assert.throws(
      () => parse(url),
      (error: Error) => /kafka:\/\/HOST:PORT/.test(error.message) && !/hunter2/.test(error.message),
      url,
    )
})

test('options have the names that Kafka users know; a file goes before the environment', () => {
  const environment = { HEADRACE_KAFKA_SASL_USERNAME: 'e', HEADRACE_KAFKA_SASL_PASSWORD: 'p', HEADRACE_KAFKA: 'a:1' }
  const secure = { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'SCRAM-SHA-512' }
  const options = parse('kafka://a', { ...secure, 'sasl.username': 'f', 'compression.type': 'zstd' }, environment)
  assert.equal(options.sasl?.mechanism, 'SCRAM-SHA-512')
  assert.equal(options.sasl?.username, 'f')
  assert.equal(options.sasl?.password.reveal(), 'p')
  assert.deepEqual(options.tls, { checksName: true })
  assert.equal(options.compression, 'zstd')
  const { sasl, tls, compression, transactionTimeoutMs } = parse('kafka://a')
  assert.deepEqual([sasl, tls, compression, transactionTimeoutMs], [null, null, 'none', 60_000])
})

test("a file of Kafka's own form is read", () => {
  const text = `# comment
    ! another
    security.protocol=SASL_PLAINTEXT
    sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required \\
       username="u" password="p=1 2";
    ssl.endpoint.identification.algorithm=
    transaction.timeout.ms: 5000\r
    `
  const options = parse('kafka://a', parseProperties(text))
  assert.equal(options.sasl?.username, 'u')
  assert.equal(options.sasl?.password.reveal(), 'p=1 2')
  assert.equal(options.transactionTimeoutMs, 5000)
  assert.throws(() => parseProperties('security.protocol'), { code: 'bad-option' })
})

test('what is wrong is named, with what would be right', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ 'sasl.mechanisms': 'PLAIN' }, /'sasl.mechanisms' is no option .*sasl.mechanism/],
    [{ 'security.protocol': 'TLS' }, /security.protocol is 'TLS': it is one of PLAINTEXT, SSL/],
    [{ 'security.protocol': 'SASL_SSL' }, /needs sasl.username .* HEADRACE_KAFKA_SASL_USERNAME/],
    [{ 'compression.type': 'brotli' }, /one of none, gzip/],
    [{ 'transaction.timeout.ms': '1m' }, /'1m': it is a whole number/],
    [{ 'security.protocol': 'SSL', 'ssl.truststore.location': '/no/such.pem' }, /such.pem can't be read \(ENOENT\)/],
    [{ 'security.protocol': 'SSL', 'ssl.truststore.type': 'JKS' }, /ssl.truststore.type is 'JKS': it is one of PEM/],
  ]
  for (const [properties, message] of cases)
    assert.throws(() => parse('kafka://a', properties), { code: 'bad-option', message }, JSON.stringify(properties))
})

test('nothing that prints options shows a secret', () => {
  const dir = makeFolder('options')
  const pem = join(dir, 'own.pem')
  writeFileSync(pem, 'hunter2-key')
  const options = parse('kafka://a', {
    'security.protocol': 'SASL_SSL',
    'sasl.username': 'u',
    'sasl.password': 'hunter2',
    'ssl.keystore.location': pem,
    'ssl.key.password': 'hunter2-pass',
  })
  rmSync(dir, { recursive: true })
  const { cert: _, ...tls } = options.tls!
  for (const text of [
    inspect({ ...options, tls }, { depth: 9, showHidden: true }),
    JSON.stringify({ ...options, tls }),
    `${options.sasl?.password}`,
  ])
    assert.doesNotMatch(text, /hunter2/)
})
