import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asking, type Found, VectorServer } from '../../../src/annotate/embedding/ask.ts'
import { cutConnection, drip, half, inTurn, refuse, silent } from '../model-server/server.ts'
import { dimensions, good, type Reply, say, serveVectors, vectorOf } from './server.ts'

const asking = { model: 'm', dimensions, textsMax: 4, batchMs: 5000, concurrency: 2, triesMax: 3, pauseMs: 1 }
const open = (url: URL, others: Partial<Asking> = {}, timeoutMs = 2000, key: string | null = null) =>
  new VectorServer({ ...asking, endpoint: { url, key, timeoutMs }, ...others })
const plain = (found: readonly Found[]) => found.map(one => (typeof one === 'string' ? one : [...one]))

const texts = ['one', 'four', 'seven', 'eighteen']
const vectors = texts.map(vectorOf)
const all = (why: string) => texts.map(() => why)
const answer = (text: string) => (response: { end(text: string): unknown }) => void response.end(text)

// Replies in turn -> what becomes of four texts, and how often the server is asked.
const faults: [name: string, replies: Reply[], becomes: (number[] | string)[], requests: number][] = [
  ['an answer', [good], vectors, 1],
  ['another order, and places that say so', [say(items => items.reverse())], vectors, 1],
  [
    'vectors that are longer than 1',
    [
      say(items =>
        items.map(({ index, embedding }) => ({ index, embedding: (embedding as number[]).map(x => 1000 * x) })),
      ),
    ],
    vectors,
    1,
  ],
  ['429, then an answer', [refuse(429, { 'retry-after': '0' }), good], vectors, 2],
  ['500 and 503, then an answer', [refuse(500), refuse(503), good], vectors, 3],
  ['half a body, then an answer', [half, good], vectors, 2],
  ['half an object, then an answer', [answer('{"data":[{"ind'), good], vectors, 2],
  ['NaN as Python writes it', [answer('{"data":[{"index":0,"embedding":[NaN,0,0,1]}]}'), good], vectors, 2],
  ['no data', [answer('{"error":"loading"}'), good], vectors, 2],
  ['null', [answer('null'), good], vectors, 2],
  ['a vector too few', [say(items => items.slice(1)), good], vectors, 2],
  ['a vector too many', [say(items => [...items, items[0]]), good], vectors, 2],
  ['one place twice', [say(items => items.map(item => ({ ...item, index: 0 }))), good], vectors, 2],
  [
    'a place that is none',
    [say(items => items.map(item => ({ ...item, index: Number(item.index) + 1 }))), good],
    vectors,
    2,
  ],
  [
    'a place below 0',
    [say(items => items.map(item => ({ ...item, index: Number(item.index) - 1 }))), good],
    vectors,
    2,
  ],
  ['places as text', [say(items => items.map(item => ({ ...item, index: `${item.index}` }))), good], vectors, 2],
  ['no places', [say(items => items.map(({ embedding }) => ({ embedding }))), good], vectors, 2],
  ['null in a vector', [say(items => [...items.slice(1), { index: 0, embedding: [null, 0, 0, 1] }]), good], vectors, 2],
  ['a number as text', [say(items => [...items.slice(1), { index: 0, embedding: ['1', 0, 0, 1] }]), good], vectors, 2],
  ['zeros', [say(items => [...items.slice(1), { index: 0, embedding: [0, 0, 0, 0] }]), good], vectors, 2],
  ['too large a number', [answer('{"data":[{"index":0,"embedding":[1e999,0,0,1]}]}'), good], vectors, 2],
  ['a null for a vector', [say(items => [...items.slice(1), null]), good], vectors, 2],
  ['a body without end', [answer(' '.repeat(100_000)), good], vectors, 2],
  ['a connection that is cut', [cutConnection, good], vectors, 2],
  ['nothing, then an answer', [silent, good], vectors, 2],
  ['a slow drip, then an answer', [drip, good], vectors, 2],
  // All four in three tries, then halves, then each alone.
  ['500 for ever', [refuse(500)], all('failed:status-500'), 3 * 7],
  ['429 that asks for longer than there is time', [refuse(429, { 'retry-after': '60' })], all('failed:retry-after'), 1],
  ['400 for ever', [refuse(400)], all('refused:status-400'), 7],
]

for (const [name, replies, becomes, requests] of faults)
  test(`${name}: ${requests} requests`, async () => {
    await using server = await serveVectors(inTurn(...replies))
    const timeoutMs = name.startsWith('nothing') || name.includes('drip') ? 300 : 5000
    assert.deepEqual(plain(await open(server.url, {}, timeoutMs).embed(texts)), becomes)
    assert.equal(server.asked.length, requests)
  })

/** Fails on requests with this text in them. */
const failOn =
  (text: string, fail: Reply): Reply =>
  (response, asked, count) =>
    (asked.texts.includes(text) ? fail : good)(response, asked, count)

for (const [fail, why, requests] of [
  [refuse(400), 'refused:status-400', 5],
  [refuse(413), 'refused:status-413', 5],
  [refuse(500), 'failed:status-500', 3 * 3 + 2],
  [say(items => items.slice(1)), 'failed:wrong-count', 3 * 3 + 2],
] as const)
  test(`a text that the server can't take costs no other its vector: ${why}`, async () => {
    await using server = await serveVectors(failOn('seven', fail))
    const found = plain(await open(server.url).embed(texts))
    assert.deepEqual(found, [vectors[0], vectors[1], why, vectors[3]])
    assert.equal(server.asked.length, requests)
  })

test('what is asked: the model, texts of like length together, no more than a request may have, and the key', async () => {
  await using server = await serveVectors(good)
  const many = Array.from({ length: 11 }, (_, i) => 'x'.repeat((i * 7) % 11))
  const found = await open(server.url, { concurrency: 1 }, 2000, 'secret-key').embed(many)
  assert.deepEqual(plain(found), many.map(vectorOf))
  assert.deepEqual(
    server.asked.map(asked => asked.texts.map(text => text.length)),
    [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 10],
    ],
  )
  const [{ body, headers }] = server.asked
  assert.deepEqual([body.model, body.encoding_format, headers.authorization], ['m', 'float', 'Bearer secret-key'])
})

test('long texts go in requests of their own', async () => {
  await using server = await serveVectors(good)
  const long = ['a', 'b', 'c', 'd'].map(letter => letter.repeat(200_000))
  await open(server.url, { concurrency: 1 }).embed([...long, 'ä'.repeat(500_000)])
  assert.deepEqual(
    server.asked.map(asked => asked.texts.length),
    [2, 2, 1],
  )
})

test('no more requests are under way than are allowed', async () => {
  let [now, most] = [0, 0]
  await using server = await serveVectors((response, asked) => {
    most = Math.max(most, ++now)
    setImmediate(() => {
      now--
      good(response, asked, 1)
    })
  })
  await open(server.url, { concurrency: 3, textsMax: 1 }).embed(Array.from({ length: 30 }, (_, i) => `text ${i}`))
  assert.ok(most > 1 && most <= 3, `${most}`)
})

const stops: [name: string, reply: Reply, says: RegExp][] = [
  ['401', refuse(401), /status 401 \(a key was sent\).*the same command goes on/],
  ['404', refuse(404), /status 404/],
  [
    'vectors of another length',
    say(items => items.map(item => ({ ...item, embedding: [1, 2] }))),
    /vectors of 2 numbers for model 'm', and 'dimensions' is 4/,
  ],
  ['a redirect', refuse(307, { location: 'http://localhost:1/' }), /status 307 .*redirect/],
]
for (const [name, reply, says] of stops)
  test(`${name}: nothing more is asked, and the key is in no message`, async () => {
    await using server = await serveVectors(reply)
    const asked = open(server.url, {}, 2000, 'secret-key')
    const isTold = (error: Error & { code?: string }) =>
      error.code === 'limit' && says.test(error.message) && !error.message.includes('secret')
    await assert.rejects(asked.embed(['one']), isTold)
    await assert.rejects(asked.embed(['two']), isTold)
    assert.equal(server.asked.length, 1)
  })

test('texts that fail are counted in a row alone', async () => {
  await using server = await serveVectors((response, asked, count) =>
    (asked.texts[0].startsWith('bad') ? refuse(400) : good)(response, asked, count),
  )
  const asked = open(server.url)
  const some = Array.from({ length: 15 }, (_, i) => `bad ${i}`)
  for (let i = 0; i < 3; i++) {
    assert.equal((await asked.embed(some)).filter(found => found === 'refused:status-400').length, 15)
    assert.equal(typeof (await asked.embed(['one']))[0], 'object')
  }
})

test('a server that fails on one text after another is at fault, and not they', async () => {
  for (const [status, how] of [
    [500, 'failed on'],
    [400, 'refused'],
  ] as const) {
    await using server = await serveVectors(refuse(status))
    const many = Array.from({ length: 21 }, (_, i) => `text ${i}`)
    const message = new RegExp(`has ${how} 21 texts in a row, the last time by status-${status}`)
    await assert.rejects(open(server.url, { triesMax: 1 }).embed(many), { code: 'limit', message })
  }
})

test('a batch is given up in its time', async () => {
  await using server = await serveVectors(silent)
  const slow = open(server.url, { batchMs: 60 }, 60_000)
  assert.deepEqual(await slow.embed(texts), all('failed:timed-out'))
  assert.equal(server.asked.length, 1)
})
