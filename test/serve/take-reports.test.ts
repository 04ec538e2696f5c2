import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readHead } from '../../src/feed/files/head.ts'
import { ReportFiles } from '../../src/feed/files/report-files.ts'
import { limits } from '../../src/limits.ts'
import { writeFeed } from '../export/samples.ts'
import { makeFolder } from '../temporary.ts'
import { hear, open, request, serve, until } from './client.ts'

const dir = makeFolder('take-reports')
let opening = ''
before(async () => {
  await writeFeed(dir)
  const { feed } = (await readHead(join(dir, 'feed')))!
  opening = JSON.stringify({ form: 1, feed, trainer: 't', start: 'a'.repeat(32) })
})

const report = (n: number, step = n) =>
  JSON.stringify({ n, step, digest: '0'.repeat(64), at: '2026-01-01T00:00:00.000Z' })
const text = (...lines: string[]) => [opening, ...lines].map(line => `${line}\n`).join('')
const token = 'correct-horse-battery-staple'
const type = 'application/x-ndjson'

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: () => string
}

const asked: [what: string, asked: Asked, status: number, said: RegExp][] = [
  ['a report', { body: () => text(report(1)) }, 200, /^\{"last":1\}\n$/],
  ['the same again', { body: () => text(report(1)) }, 200, /^\{"last":1\}\n$/],
  ['another under its number', { body: () => text(report(1, 2)) }, 409, /something else was reported as number 1/],
  ['no report', { body: () => text('{}') }, 400, /line 2 is no report with a number: "\{\}"/],
  ['without the token', { headers: { authorization: '' } }, 401, /takes a token/],
  ['with another token', { headers: { authorization: 'Bearer x' } }, 401, /takes a token/],
  ['what a page of the web can send', { headers: { 'content-type': 'text/plain' } }, 415, /application\/x-ndjson/],
  ['too much', { body: () => ' '.repeat(limits.reportBodyBytesMax + 1) }, 413, /1048576 bytes of reports at most/],
  ['a trainer that is no name', { path: 'trainers/.server' }, 405, /only reports are taken/],
  ['a file of the feed', { path: 'head.json' }, 405, /only reports are taken/],
  ['a name that leads out', { path: 'trainers/..%2f..%2fx' }, 405, /only reports are taken/],
  ['another method', { method: 'PUT' }, 405, /read-only/],
]
for (const [what, { path = 'trainers/t', method = 'POST', headers = {}, body = () => text() }, status, said] of asked)
  test(`POST of ${what} is answered ${status}`, async () => {
    await using reports = await ReportFiles.open(join(dir, 'feed'))
    await using server = await serve(dir, { token, reports })
    const all = { authorization: `Bearer ${token}`, 'content-type': type, ...headers }
    const response = await fetch(new URL(path, server.url), { method, headers: all, body: body() })
    assert.match(await response.text(), said)
    assert.equal(response.status, status)
    const { counts } = server
    assert.deepEqual(
      [counts.reports, counts.unauthorized, counts.refused],
      [status === 200 ? 1 : 0, status === 401 ? 1 : 0, status !== 200 && status !== 401 ? 1 : 0],
    )
  })

test('nothing is written where nobody asked for it', async () => {
  const other = makeFolder('no-reports')
  await writeFeed(other)
  await using server = await serve(other)
  const headers = { 'content-type': type }
  const url = new URL('trainers/t', server.url)
  const response = await fetch(url, { method: 'POST', headers, body: text(report(1)) })
  assert.deepEqual(
    [response.status, await response.text()],
    [405, 'read-only; headrace serve --reports takes reports\n'],
  )
  assert.equal(existsSync(join(other, 'feed', 'trainers')), false)
  assert.equal((await fetch(url)).status, 404, 'reports are not served')
})

test('reports that do not come whole are not taken, and others wait for nobody', async () => {
  await using reports = await ReportFiles.open(join(dir, 'feed'))
  await using server = await serve(dir, { reports, headMs: 300 })
  const headers = `Content-Type: ${type}\r\nContent-Length: 10000\r\n`
  const sockets = await Promise.all([open(server.url), open(server.url)])
  for (const socket of sockets) socket.write(`${request('/feed/trainers/t', headers, 'POST')}${text(report(9))}`)
  sockets[0].on('data', () => {}).end()
  const url = new URL('trainers/t', server.url)
  const sent = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: text(report(2)) })
  assert.equal(sent.status, 200)
  assert.match(await hear(sockets[1]), /^(HTTP\/1.1 408|$)/, 'too slow')
  await until(() => server.counts.cut === 2)
  assert.doesNotMatch(readFileSync(join(dir, 'feed', 'trainers', 't', '00000000.jsonl'), 'utf8'), /"n":9/)
})
