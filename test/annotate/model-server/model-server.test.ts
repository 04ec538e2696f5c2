import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { VectorServer } from '../../../src/annotate/embedding/ask.ts'
import { ModelServer } from '../../../src/annotate/model-server/model-server.ts'
import { good, serveVectors } from '../embedding/server.ts'

const endpoint = { url: new URL('http://127.0.0.1:1/v1/embeddings'), key: null, timeoutMs: 1000 }
const patience = { concurrency: 2, triesMax: 3, pauseMs: 1 }
const open = () => new ModelServer(endpoint, patience, () => '; kept')
const busy = { kind: 'again', why: 'status-429', afterMs: 300, isFree: true } as const

test('what one asker was told, to leave it alone so long, holds for all', async () => {
  const server = open()
  const end = performance.now() + 60_000
  assert.equal(await server.mayTryAgain(busy, patience.triesMax, end), false)
  const start = performance.now()
  assert.equal(await server.isReady(end), true)
  assert.ok(performance.now() - start > 250, `${performance.now() - start} ms`)
  assert.equal(await open().mayTryAgain(busy, 1, performance.now() + 100), false)
})

test('failures are in a row: an answer between them ends it', () => {
  const server = open()
  for (let i = 0; i < 20; i++) assert.equal(server.giveUp('cut'), 'failed:cut')
  server.answered()
  for (let i = 0; i < 20; i++)
    assert.equal(server.refuse({ kind: 'refused', why: 'status-413', ofAll: false }), 'refused:status-413')
  assert.throws(() => server.giveUp('cut'), { code: 'limit', message: /failed on 21 texts in a row.*; kept$/ })
  assert.throws(() => server.check(), { message: /21 texts in a row/ })
})

test('places are given in turn, and back when work fails', async () => {
  const server = open()
  const order: number[] = []
  const work = Array.from({ length: 6 }, (_, i) =>
    server.inPlace(async () => {
      order.push(i)
      if (i % 2) throw new Error(`${i}`)
    }),
  )
  const ended = await Promise.allSettled(work)
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5])
  assert.deepEqual(
    ended.map(({ status }) => status === 'rejected'),
    [false, true, false, true, false, true],
  )
})

test('a server that is not there is asked as often as is allowed, and not for each half of a batch', async () => {
  const gone = await serveVectors(good)
  await gone[Symbol.asyncDispose]()
  let requests = 0
  const count = () => requests++
  subscribe('undici:request:create', count)
  const asking = {
    ...patience,
    endpoint: { ...endpoint, url: gone.url },
    model: 'm',
    dimensions: 4,
    textsMax: 8,
    batchMs: 60_000,
  }
  const asked = new VectorServer(asking).embed(['a', 'b', 'c', 'd'])
  await assert.rejects(asked, { code: 'limit', message: /can't be reached \(ECONNREFUSED\)/ })
  unsubscribe('undici:request:create', count)
  assert.equal(requests, patience.triesMax)
})
