import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codesOf, isFenced, isPassing, isRefused, wrapKafkaError } from '../../../src/kafka/errors.ts'
import { createNames, findCollision } from '../../../src/log/kafka/names.ts'
import { decodeState, encodeState } from '../../../src/log/kafka/positions.ts'
import { planBatches, planRounds } from '../../../src/log/kafka/transaction.ts'

test('names begin with prefix and run, and no two runs share one', () => {
  const names = createNames('eu.', 'web-2026.v1_a')
  assert.equal(names.topic('decide.kept'), 'eu.web-2026.v1_a.decide.kept')
  assert.equal(names.positions('decide'), 'eu.web-2026.v1_a.decide.positions')
  assert.equal(names.transaction({ stage: 'decide' }), 'eu.web-2026.v1_a/decide')
  assert.equal(names.transaction({ stage: 'annotate', partition: 0 }), 'eu.web-2026.v1_a/annotate/0')
  assert.equal(names.group('decide'), 'eu.web-2026.v1_a.decide')
  assert.equal(names.members, 'eu.web-2026.v1_a.members')
  assert.throws(() => names.group('members'), /internal error/)
  for (const run of ['a b', 'ä', 'x/y', 'r'.repeat(250)])
    assert.throws(() => createNames('', run), { code: 'bad-option' })
  assert.throws(() => createNames('', 'r'.repeat(240)).topic('decide.kept'), { code: 'bad-option' })
  assert.throws(() => names.topic('decide.kept.old'), /internal error/)
})

test("Kafka's collision of '.' and '_' is found", () => {
  assert.deepEqual(findCollision(['a.b.s.t'], ['x', 'a_b.s.t']), ['a.b.s.t', 'a_b.s.t'])
  assert.equal(findCollision(['a.b.s.t'], ['a.b.s.t', 'a-b.s.t']), null)
})

const write = (topic: string, bytes: number) => ({ topic, partition: 0, headers: {}, value: new Uint8Array(bytes) })

test('writes are cut into batches in order, and batches into rounds of one a partition', () => {
  const writes = [
    write('a', 10),
    write('b', 10),
    write('a', 10),
    ...Array.from({ length: 5 }, () => write('a', 600)),
    write('b', 5000),
  ]
  const batches = planBatches(writes, 1000)
  const shape = (one: (typeof batches)[number]) =>
    `${one.topic}:${one.records.map(({ value }) => value.length).join('+')}`
  assert.deepEqual(batches.map(shape), ['a:10+10+600', 'b:10', 'a:600', 'a:600', 'a:600', 'a:600', 'b:5000'])
  const rounds = planRounds(batches, 1000).map(round => round.map(shape))
  assert.deepEqual(rounds, [['a:10+10+600', 'b:10'], ['a:600'], ['a:600'], ['a:600'], ['a:600'], ['b:5000']])
  assert.deepEqual(
    planRounds(batches, 1e6).map(round => round.length),
    [2, 1, 1, 1, 2],
  )
})

test('a stage state comes back; what another program wrote there is an error', () => {
  const note = '{"ö":1}'
  const positions = new Map([0, 3].map(partition => [partition, { partition, offset: 2n ** 60n, slot: 9, note }]))
  const state = { positions, commit: '7-3-1' }
  assert.deepEqual(decodeState(encodeState(state), 't'), state)
  assert.equal(`${encodeState(state)}`.split(note.replaceAll('"', '\\"')).length, 2, 'the note stands once')
  for (const text of ['', 'hello', '{}', '{"positions":[{}]}'])
    assert.throws(() => decodeState(Buffer.from(text), 'r.s.positions'), {
      code: 'corrupt',
      message: /r\.s\.positions/,
    })
})

const answered = (...ids: string[]) =>
  Object.assign(new Error('x'), { code: 'PLT_KFK_RESPONSE', errors: ids.map(apiId => ({ apiId })) })
const broken = (cause?: unknown) =>
  Object.assign(new Error('Connection closed', { cause }), { code: 'PLT_KFK_NETWORK' })

test('errors of the client become ours', () => {
  const cases: [unknown, { passing?: boolean; refused?: boolean; fenced?: boolean; code?: string }][] = [
    [answered('NOT_LEADER_OR_FOLLOWER'), { passing: true, refused: true, code: 'disk' }],
    [answered('NOT_LEADER_OR_FOLLOWER', 'MESSAGE_TOO_LARGE'), { code: 'limit' }],
    [broken(), { passing: true, code: 'disk' }],
    [answered('REQUEST_TIMED_OUT'), { passing: true, code: 'disk' }],
    [broken(Object.assign(new Error('no'), { code: 'PLT_KFK_AUTHENTICATION' })), { code: 'bad-option' }],
    [broken(Object.assign(new Error('no'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })), { code: 'bad-option' }],
    [answered('INVALID_PRODUCER_EPOCH'), { fenced: true }],
    [answered('PRODUCER_FENCED'), { fenced: true }],
    [answered('TOPIC_AUTHORIZATION_FAILED'), { code: 'bad-option' }],
    [answered('UNKNOWN_TOPIC_OR_PARTITION'), { passing: true, refused: true, code: 'not-found' }],
  ]
  for (const [error, { passing = false, refused = false, fenced = false, code }] of cases) {
    const name = codesOf(error).join()
    assert.deepEqual([isPassing(error), isRefused(error), isFenced(error)], [passing, refused, fenced], name)
    if (code) assert.equal((wrapKafkaError(error, 'reading') as { code: string }).code, code, name)
  }
  const mistake = new TypeError('x is not a function')
  assert.equal(wrapKafkaError(mistake, 'reading'), mistake, 'a mistake of ours stays one')
})

test('an error of ours holds nothing of what the client attached', () => {
  const error = Object.assign(broken(), { connection: { options: { sasl: { password: 'hunter2' } } } })
  const wrapped = wrapKafkaError(error, 'connecting') as Error
  assert.equal(wrapped.cause, undefined)
  assert.match(wrapped.message, /^connecting failed with PLT_KFK_NETWORK: /)
})
