import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { EventStreams } from '../../src/watch/event-streams.ts'
import { serveStatus } from '../../src/watch/serve-status.ts'

const begin = (): [string, unknown][] => [['history', { line: 'a\nb' }]]
const page = () => ({ status: 200, type: 'text/plain', body: 'well' })
const serve = (streams: EventStreams) => serveStatus({ address: '0' }, { '/events': () => streams, '/healthz': page })

/** A connection that asks for events and reads none of them until it is told to. */
async function openSilent(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'connect')
  return socket
}

async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) if ((text += chunk).includes(end)) return text
  return text
}

test('who comes is told what was before, then each event as it happens, a line of JSON each', async () => {
  using streams = new EventStreams(begin)
  await using server = await serve(streams)
  const socket = await openSilent(server.url)
  const head = await readUntil(socket, 'history')
  assert.match(head, /^HTTP\/1.1 200 .*content-type: text\/event-stream.*x-accel-buffering: no/is)
  assert.match(head, /retry: 1000\n\nevent: history\ndata: \{"line":"a\\nb"\}\n\n/)
  streams.send('look', { at: 1 })
  assert.match(await readUntil(socket, 'look'), /event: look\ndata: \{"at":1\}\n\n/)
  socket.destroy()
})

test('more than there may be are refused, and probes are answered all the while', async () => {
  using streams = new EventStreams(begin)
  await using server = await serve(streams)
  const sockets = await Promise.all(Array.from({ length: limits.eventStreamsMax }, () => openSilent(server.url)))
  for (const socket of sockets) await readUntil(socket, 'history')
  assert.equal(streams.size, limits.eventStreamsMax)
  const refused = await fetch(`${server.url}/events`)
  assert.deepEqual([refused.status, await refused.text()], [503, `${streams.size} pages are open: close one\n`])
  assert.equal(await (await fetch(`${server.url}/healthz`)).text(), 'well')
  // Whoever leaves makes room.
  const left = once(sockets[0], 'close')
  sockets[0].destroy()
  await left
  while (streams.isFull) await fetch(`${server.url}/healthz`)
  const socket = await openSilent(server.url)
  assert.match(await readUntil(socket, 'history'), / 200 /)
  for (const one of [...sockets, socket]) one.destroy()
})

test('who does not read is cut off, and others are told on', async () => {
  using streams = new EventStreams(begin)
  await using server = await serve(streams)
  const silent = await openSilent(server.url)
  const reading = await openSilent(server.url)
  await readUntil(reading, 'history')
  while (streams.size < 2) await fetch(`${server.url}/healthz`)
  reading.resume()
  const large = 'x'.repeat(256 * 1024)
  // The system holds some megabytes of a connection itself.
  for (let i = 0; i < 200 && streams.size === 2; i++) {
    streams.send('look', large)
    await fetch(`${server.url}/healthz`)
  }
  assert.equal(streams.size, 1)
  assert.ok(!reading.closed)
  for (const one of [silent, reading]) one.destroy()
})

test('a stream is open longer than an answer may take, and ends with the server', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  using streams = new EventStreams(begin)
  const server = await serve(streams)
  const socket = await openSilent(server.url)
  await readUntil(socket, 'history')
  t.mock.timers.tick(1000 * limits.pageSecondsMax)
  streams.send('look', 1)
  assert.match(await readUntil(socket, 'look'), /look/)
  socket.resume()
  const closed = once(socket, 'close')
  await server[Symbol.asyncDispose]()
  await closed
})
