import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { HeadraceError } from '../../src/errors.ts'
import { limits } from '../../src/limits.ts'
import { jsonPage, type Routes, serveStatus } from '../../src/watch/serve-status.ts'

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
  await using server = await serveStatus({ address: '0' }, pages)
  for (const [method, path, status, body] of requests) {
    const response = await fetch(server.url + path, { method })
    assert.deepEqual([response.status, await response.text()], [status, body], `${method} ${path}`)
    assert.equal(response.headers.get('allow'), status === 405 ? 'GET, HEAD' : null)
  }
})

const refuse = (code: HeadraceError['code']) => () => {
  throw new HeadraceError(code, `it is ${code}`)
}
const asked: Routes = {
  '/api/documents': ({ parameters }) => jsonPage([...parameters]),
  '/api/documents/*': async ({ rest }) => jsonPage(rest),
  'POST /api/what-if': ({ body, rest }) => jsonPage([body, rest]),
  '/option': refuse('bad-option'),
  '/none': refuse('not-found'),
  '/gone': refuse('trimmed'),
  '/busy': async () => refuse('limit')(),
}
// Method, path, body, and what comes back.
const questions: [string, string, string | undefined, number, string][] = [
  ['GET', '/api/documents?q=a%20b&q=c?d', undefined, 200, '[["q","a b"],["q","c?d"]]\n'],
  ['GET', '/api/documents/1/2', undefined, 200, '"1/2"\n'],
  ['GET', '/api/documents/%3Cx%3E?x', undefined, 200, '"%3Cx%3E"\n'],
  ['GET', '/api/documentsx', undefined, 404, `there is ${Object.keys(asked).join(', ')}\n`],
  ['POST', '/api/what-if', '{"a":1}', 200, '["{\\"a\\":1}",""]\n'],
  ['POST', '/api/documents', '', 405, 'read-only\n'],
  ['GET', '/api/what-if', undefined, 404, `there is ${Object.keys(asked).join(', ')}\n`],
  ['PUT', '/api/what-if', 'x', 405, 'read-only\n'],
  ['GET', '/option', undefined, 400, 'it is bad-option\n'],
  ['GET', '/none', undefined, 404, 'it is not-found\n'],
  ['GET', '/gone', undefined, 410, 'it is trimmed\n'],
  ['GET', '/busy', undefined, 429, 'it is limit\n'],
  ['POST', '/api/what-if', 'x'.repeat(70_000), 429, 'a question may have 65536 bytes\n'],
]
test('questions with parameters, paths below a path, and bodies', async () => {
  await using server = await serveStatus({ address: '0' }, asked)
  for (const [method, path, body, status, text] of questions) {
    const response = await fetch(server.url + path, { method, ...(body !== undefined && { body }) })
    assert.deepEqual([response.status, await response.text()], [status, text], `${method} ${path}`)
  }
})

test('what steers terminals is escaped in JSON, which stays the same value', async () => {
  const text = '\u001b[31m\u202e'
  await using server = await serveStatus({ address: '0' }, { '/a': () => jsonPage({ text }) })
  const body = await (await fetch(`${server.url}/a`)).text()
  assert.equal(body, '{"text":"\\u001b[31m\\u202e"}\n')
  assert.deepEqual(JSON.parse(body), { text })
})

test('an answer that takes longer than a connection may otherwise be open', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const slow = async () => {
    begun.resolve()
    await promise
    return jsonPage('done')
  }
  await using server = await serveStatus({ address: '0' }, { '/slow': slow })
  const answer = fetch(`${server.url}/slow`)
  await begun.promise
  t.mock.timers.tick(1000 * limits.pageSecondsMax - 1)
  resolve()
  assert.equal(await (await answer).json(), 'done')
})

test('a request that is too large is refused', async () => {
  await using server = await serveStatus({ address: '0' }, pages)
  const response = await fetch(`${server.url}/a`, { headers: { x: 'y'.repeat(9000) } })
  assert.equal(response.status, 431)
})

test('clients that say nothing, or not all, keep no probe waiting: the oldest makes room', async () => {
  await using server = await serveStatus({ address: '0' }, pages)
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
  await using server = await serveStatus({ address: '0' }, pages)
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
  await using server = await serveStatus({ address: '0' }, { '/a': page })
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
  await using server = await serveStatus({ address: '0' }, pages)
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

test('it answers to the names that it is given', async () => {
  await using server = await serveStatus({ address: '0', names: ['headrace.example'] }, pages)
  for (const [host, status] of [...hosts, ['HEADRACE.example:443', 200] as const, ['x.headrace.example', 421] as const])
    assert.equal(await statusFor(server.url, host), status, host)
})

test('the server ends though connections are open', async () => {
  const server = await serveStatus({ address: '0' }, pages)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  await server[Symbol.asyncDispose]()
  await closed
})

test('a port that is in use or not here is refused', async () => {
  await using server = await serveStatus({ address: '0' }, pages)
  const port = new URL(server.url).port
  const refused: [string, HeadraceError['code']][] = [
    [port, 'locked'],
    ['192.0.2.1:9464', 'bad-option'],
    ['host.invalid:9464', 'bad-option'],
  ]
  for (const [address, code] of refused)
    await assert.rejects(
      serveStatus({ address }, pages),
      error => error instanceof HeadraceError && error.code === code,
      address,
    )
})
