import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { HeadraceError } from '../../src/errors.ts'
import { parseAddress, serveStatus } from '../../src/watch/serve-status.ts'

const addresses: [string, string, number][] = [
  ['9464', '127.0.0.1', 9464],
  ['0', '127.0.0.1', 0],
  ['localhost:80', 'localhost', 80],
  ['0.0.0.0:65535', '0.0.0.0', 65535],
  ['[::1]:9464', '::1', 9464],
]
test('addresses', () => {
  for (const [text, host, port] of addresses) assert.deepEqual(parseAddress(text), { host, port })
  for (const text of ['', 'x', ':80', '65536', '-1', '1.5', '::1:80', 'a b:80', 'http://h:80', '[::1]', 'h:', '80 '])
    assert.throws(() => parseAddress(text), { code: 'bad-option', message: /--http is '/ }, text)
})

const pages = {
  '/a': () => ({ status: 200, type: 'text/plain', body: 'é' }),
  '/down': () => ({ status: 503, type: 'application/json', body: '{}' }),
  '/bug': () => {
    throw new Error('oh')
  },
}

// Method, path, and what comes back: status, body.
const requests: [string, string, number, string][] = [
  ['GET', '/a', 200, 'é'],
  ['GET', '/a?x=1', 200, 'é'],
  ['HEAD', '/a', 200, ''],
  ['GET', '/down', 503, '{}'],
  ['GET', '/bug', 500, 'this is a bug, please report it: oh\n'],
  ['GET', '/', 404, 'there is /a, /down, /bug\n'],
  ['GET', '/constructor', 404, 'there is /a, /down, /bug\n'],
  ['POST', '/a', 405, 'read-only\n'],
  ['DELETE', '/none', 405, 'read-only\n'],
]
test('answers by path, read-only', async () => {
  await using server = await serveStatus('0', pages)
  for (const [method, path, status, body] of requests) {
    const response = await fetch(server.url + path, { method })
    assert.deepEqual([response.status, await response.text()], [status, body], `${method} ${path}`)
    assert.equal(response.headers.get('allow'), status === 405 ? 'GET, HEAD' : null)
  }
})

test('a request that is too large is refused', async () => {
  await using server = await serveStatus('0', pages)
  const response = await fetch(`${server.url}/a`, { headers: { x: 'y'.repeat(9000) } })
  assert.equal(response.status, 431)
})

test('clients that say nothing, or not all, keep no probe waiting: the oldest makes room', async () => {
  await using server = await serveStatus('0', pages)
  const port = Number(new URL(server.url).port)
  const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  for (const socket of sockets.slice(0, 100)) socket.write('GET /a HTTP/1.1\r\nHost: local')
  await Promise.all(sockets.slice(0, 136).map(socket => socket.closed || once(socket, 'close')))
  assert.ok(sockets.slice(136).every(socket => !socket.closed))
  assert.equal(await (await fetch(`${server.url}/a`)).text(), 'é')
  for (const socket of sockets) socket.destroy()
})

test('a connection is cut off after a time, however slowly it says something', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await using server = await serveStatus('0', pages)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  socket.write('G')
  // It is accepted when another one, which came later, is answered.
  assert.equal((await fetch(`${server.url}/a`)).status, 200)
  t.mock.timers.tick(5000)
  await once(socket, 'close')
})

test('what follows the first request on a connection is not answered', async () => {
  let asked = 0
  const page = () => ({ status: 200, type: 'text/plain', body: `${asked++}` })
  await using server = await serveStatus('0', { '/a': page })
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
  socket.resume().write('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10_000))
  await once(socket, 'close')
  assert.equal(asked, 1)
})

// The host that is asked for, and the answer's status.
const hosts: [string, number][] = [
  ['localhost', 200],
  ['LOCALHOST:9464', 200],
  ['127.0.0.1:1', 200],
  ['127.1.2.3', 200],
  ['[::1]:9464', 200],
  ['evil.example', 421],
  ['127.0.0.1.evil.example:9464', 421],
  ['localhost.evil.example', 421],
  ['', 421],
  ['192.0.2.1', 421],
  ['a:b:c', 421],
]
test('on this machine alone, it answers to names of this machine alone', async () => {
  await using server = await serveStatus('0', pages)
  for (const [host, status] of hosts) assert.equal(await statusFor(server.url, host), status, host)
})

/** The status of an answer to a request with this host in its head, which `fetch` does not let choose. */
async function statusFor(url: string, host: string): Promise<number> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [data] = await once(socket, 'data')
  socket.destroy()
  return Number(/^HTTP\/1.1 (\d+)/.exec(data.toString())?.[1])
}

test('the server ends though connections are open', async () => {
  const server = await serveStatus('0', pages)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  await server[Symbol.asyncDispose]()
  await closed
})

test('a port that is in use or not here is refused', async () => {
  await using server = await serveStatus('0', pages)
  const port = new URL(server.url).port
  const refused: [string, HeadraceError['code']][] = [
    [port, 'locked'],
    ['192.0.2.1:9464', 'bad-option'],
    ['host.invalid:9464', 'bad-option'],
  ]
  for (const [address, code] of refused)
    await assert.rejects(
      serveStatus(address, pages),
      error => error instanceof HeadraceError && error.code === code,
      address,
    )
})
