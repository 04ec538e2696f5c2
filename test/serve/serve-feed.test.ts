import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { makeFolder } from '../temporary.ts'
import { hear, open, request, sayAndHear, serve, until } from './client.ts'

const dir = makeFolder('serve')
for (const folder of ['feed/steps', 'feed/blocks/en', 'shards/en', 'secret'])
  mkdirSync(join(dir, folder), { recursive: true })
const at = (path: string) => join(dir, path)
const shard = randomBytes(3 * limits.serveChunkBytes + 17)
const large = randomBytes(40 * limits.serveChunkBytes)
const head = '{"steps":1}\n'
writeFileSync(at('run.json'), 'private')
writeFileSync(at('feed/head.json'), head)
writeFileSync(at('feed/steps/00000000.jsonl'), 'line\n'.repeat(40_000))
writeFileSync(at('feed/blocks/en/00000000.arrow'), '')
writeFileSync(at('shards/en/00000000.arrow'), shard)
writeFileSync(at('shards/en/00000001.arrow'), large)
const shardPath = '../shards/en/00000000.arrow'

test('files come whole and by ranges, with their tags', async () => {
  await using server = await serve(dir)
  const url = new URL(shardPath, server.url)
  const whole = await fetch(url)
  assert.deepEqual([whole.status, whole.headers.get('content-length')], [200, String(shard.length)])
  assert.deepEqual(Buffer.from(await whole.arrayBuffer()), shard)
  const etag = whole.headers.get('etag')!
  for (const [range, from, to] of [
    ['bytes=0-9', 0, 10],
    ['bytes=300000-', 300_000, shard.length],
    ['bytes=-7', shard.length - 7, shard.length],
  ] as const) {
    const part = await fetch(url, { headers: { range, 'if-range': etag } })
    assert.equal(part.status, 206)
    assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/${shard.length}`)
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), shard.subarray(from, to))
  }
  const beyond = await fetch(url, { headers: { range: `bytes=${shard.length}-` } })
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${shard.length}`])
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304)
  const asked = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
  assert.deepEqual(
    [asked.status, asked.headers.get('content-length'), asked.headers.get('etag')],
    [200, String(shard.length), etag],
  )
  const empty = await fetch(new URL('blocks/en/00000000.arrow', server.url))
  assert.deepEqual([empty.status, await empty.text()], [200, ''])
  const { files, ranges, unchanged, refused, bytes } = server.counts
  assert.deepEqual([files, ranges, unchanged, refused], [6, 3, 1, 1])
  assert.equal(bytes, shard.length + 10 + (shard.length - 300_000) + 7)
})

test('the head is never kept, other files only after asking, and what changed has another tag', async () => {
  await using server = await serve(dir)
  const tagOf = async (path: string) => {
    const response = await fetch(new URL(path, server.url))
    const text = await response.text()
    return { tag: response.headers.get('etag'), kept: response.headers.get('cache-control'), text }
  }
  const [first, again] = await Promise.all([tagOf('head.json'), tagOf('head.json')])
  assert.deepEqual(first, { tag: again.tag, kept: 'no-store', text: head })
  // The same time and length, and another content.
  writeFileSync(at('feed/head.json.tmp'), '{"steps":2}\n')
  renameSync(at('feed/head.json.tmp'), at('feed/head.json'))
  const replaced = await tagOf('head.json')
  assert.equal(replaced.text, '{"steps":2}\n')
  assert.notEqual(replaced.tag, first.tag)
  writeFileSync(at('feed/head.json'), head)
  assert.equal((await tagOf('head.json')).tag, first.tag, 'the tag is of the content')
  const ledger = await tagOf('steps/00000000.jsonl')
  assert.equal(ledger.kept, 'no-cache')
  appendFileSync(at('feed/steps/00000000.jsonl'), 'more\n')
  const grown = await tagOf('steps/00000000.jsonl')
  assert.deepEqual([grown.tag === ledger.tag, grown.text], [false, `${ledger.text}more\n`])
  const old = await fetch(new URL('steps/00000000.jsonl', server.url), {
    headers: { range: 'bytes=5-9', 'if-range': ledger.tag! },
  })
  assert.equal(old.status, 200)
  await old.text()
})

test('a file that is replaced while it is sent comes as it was; one that becomes shorter is cut off', async () => {
  await using server = await serve(dir)
  const body = async (path: string, change: () => void) => {
    const response = await fetch(new URL(path, server.url))
    change()
    return Buffer.from(await response.arrayBuffer())
  }
  const replaced = await body('../shards/en/00000001.arrow', () => {
    writeFileSync(at('shards/en/new'), randomBytes(large.length))
    renameSync(at('shards/en/new'), at('shards/en/00000001.arrow'))
  })
  assert.deepEqual(replaced, large)
  const shortened = body('../shards/en/00000001.arrow', () => truncateSync(at('shards/en/00000001.arrow'), 100))
  await assert.rejects(shortened)
  assert.equal(server.counts.cut, 1)
  writeFileSync(at('shards/en/00000001.arrow'), large)
})

test('nothing else is served: other files, folders, links out of the folders, pipes', async () => {
  symlinkSync(at('run.json'), at('shards/en/00000007.arrow'))
  symlinkSync(at('shards/en/00000000.arrow'), at('shards/en/00000008.arrow'))
  writeFileSync(at('secret/00000000.arrow'), 'private')
  symlinkSync(at('secret'), at('shards/link'))
  mkdirSync(at('shards/en/00000009.arrow'))
  execFileSync('mkfifo', [at('shards/en/00000010.arrow')])
  const notes: string[] = []
  await using server = await serve(dir, { note: text => notes.push(text) })
  const paths: [path: string, status: number][] = [
    ['/shards/en/00000007.arrow', 404],
    ['/shards/link/00000000.arrow', 404],
    ['/shards/en/00000008.arrow', 200],
    ['/shards/en/00000009.arrow', 404],
    ['/shards/en/00000010.arrow', 404],
    ['/shards/none/00000000.arrow', 404],
    ['/feed/../run.json', 404],
    ['/feed/%2e%2e/run.json', 404],
    ['/feed/..%2frun.json', 404],
    ['//etc/passwd', 404],
    ['/feed/', 404],
  ]
  for (const [path, status] of paths) {
    const said = await sayAndHear(server.url, request(path, 'Connection: close\r\n'))
    assert.equal(Number(said.split(' ', 2)[1]), status, `${path}: ${said.slice(0, 200)}`)
    assert.doesNotMatch(said, /private/)
  }
  assert.equal(server.counts.outside, 2)
  assert.match(notes.join('\n'), /^en\/00000007\.arrow is a link out of the folders/)
  const written = await fetch(new URL('head.json', server.url), { method: 'PUT', body: 'x' })
  assert.deepEqual([written.status, written.headers.get('allow')], [405, 'GET, HEAD'])
  assert.equal(readFileSync(at('feed/head.json'), 'utf8'), head)
})

const token = 'correct-horse-battery-staple'
const authorizations: [string | null, number][] = [
  [null, 401],
  ['', 401],
  [token, 401],
  [`Basic ${token}`, 401],
  ['Bearer', 401],
  ['Bearer wrong', 401],
  [`Bearer ${token}x`, 401],
  [`Bearer ${token.slice(1)}`, 401],
  [`Bearer ${token.slice(0, -1)}`, 401],
  [`Bearer ${token}`, 200],
  [`bearer  ${token} `, 200],
]
test('with a token, who has it is answered, by whatever name of the host', async () => {
  await using server = await serve(dir, { token })
  for (const [authorization, status] of authorizations) {
    const response = await fetch(new URL('head.json', server.url), {
      headers: authorization === null ? {} : { authorization },
    })
    assert.equal(response.status, status, String(authorization))
    assert.equal(response.headers.get('www-authenticate'), status === 401 ? 'Bearer' : null)
  }
  assert.equal(server.counts.unauthorized, 9)
  const raw = 'GET /feed/head.json HTTP/1.1\r\nHost: feed.example\r\nConnection: close\r\n'
  assert.match(await sayAndHear(server.url, `${raw}Authorization: Bearer ${token}\r\n\r\n`), /^HTTP\/1.1 200 /)
})

test('without a token, on this machine alone, it answers to names of this machine alone', async () => {
  await using server = await serve(dir)
  const raw = 'GET /feed/head.json HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'
  assert.match(await sayAndHear(server.url, raw), /^HTTP\/1.1 421 /)
})

const [cert, key] = ['cert', 'key'].map(name => readFileSync(join(import.meta.dirname, `test-${name}.pem`), 'utf8'))
test('over TLS the same, and who speaks plain HTTP there is refused', async () => {
  await using server = await serve(dir, { tls: { cert, key } })
  assert.match(server.url, /^https:/)
  const body = await new Promise<Buffer>((resolve, reject) => {
    const asking = get(new URL(shardPath, server.url), { ca: cert, agent: false }, async response =>
      resolve(Buffer.concat(await response.toArray())),
    )
    asking.on('error', reject)
  })
  assert.deepEqual(body, shard)
  assert.doesNotMatch(await sayAndHear(server.url, request('/feed/head.json')), /200/)
  await assert.rejects(fetch(new URL('head.json', server.url)), 'its certificate is nobody known')
  await assert.rejects(serve(dir, { tls: { cert, key: 'x' } }), {
    code: 'bad-option',
    message: /--tls-cert and --tls-key/,
  })
})

test('a client that takes nothing is cut off, and the others are served meanwhile', async () => {
  await using server = await serve(dir, { stallMs: 60 })
  const slow = await open(server.url)
  slow.pause().write(request('/shards/en/00000001.arrow'))
  await until(() => server.counts.bytes + server.counts.cut > 0)
  assert.equal(await (await fetch(new URL('head.json', server.url))).text(), head)
  await until(() => server.counts.cut === 1)
  slow.destroy()
})

test('a client that asks too slowly, or not at all, is closed', async () => {
  await using server = await serve(dir, { headMs: 100 })
  const [silent, half] = await Promise.all([open(server.url), open(server.url)])
  half.write('GET /feed/he')
  const said = await Promise.all([hear(silent), hear(half)])
  for (const text of said) assert.match(text, /^$|^HTTP\/1.1 408 /)
})

test('many silent connections keep nobody waiting: those that are longest without a request go', async () => {
  await using server = await serve(dir, { connectionsMax: 8 })
  const silent = await Promise.all(Array.from({ length: 100 }, () => open(server.url)))
  assert.equal(await (await fetch(new URL('head.json', server.url))).text(), head)
  await until(() => silent.filter(({ closed }) => closed).length >= 92)
  for (const socket of silent) socket.destroy()
})

test('where all connections have a request, one more is told to come again, and is served later', async () => {
  await using server = await serve(dir, { connectionsMax: 4 })
  const busy = await Promise.all(Array.from({ length: 4 }, () => open(server.url)))
  for (const socket of busy) socket.pause().write(request('/shards/en/00000001.arrow'))
  await until(() => server.counts.files === 4)
  const over = await fetch(new URL('head.json', server.url))
  assert.deepEqual([over.status, over.headers.get('retry-after'), server.counts.busy], [503, '1', 1])
  // Beyond twice as many nobody is told anything.
  const more = await Promise.all(Array.from({ length: 12 }, () => open(server.url)))
  await until(() => more.filter(({ closed }) => closed).length >= 8)
  for (const socket of [...busy, ...more]) socket.destroy()
  await until(() => server.counts.cut === 4)
  assert.equal(await (await fetch(new URL('head.json', server.url))).text(), head)
})

test('requests of one connection are answered one after the other, and who asks without end is closed', async () => {
  await using server = await serve(dir)
  const three = request('/feed/head.json').repeat(2) + request('/feed/head.json', 'Connection: close\r\n')
  assert.equal((await sayAndHear(server.url, three)).split('{"steps":1}').length - 1, 3)
  const greedy = await open(server.url)
  greedy.pause().write(request('/shards/en/00000001.arrow').repeat(10))
  await until(() => server.counts.files === 4)
  assert.equal(await (await fetch(new URL('head.json', server.url))).text(), head)
  assert.equal(server.counts.files, 5, 'one file is open, not ten')
  greedy.destroy()
  await sayAndHear(server.url, request('/feed/head.json').repeat(2000))
  assert.ok(server.counts.files < 300, `${server.counts.files} answered`)
})

test('stopped, it answers what was begun and takes nothing more', async () => {
  const server = await serve(dir)
  const response = await fetch(new URL('../shards/en/00000001.arrow', server.url))
  const stopping = server.stop()
  await assert.rejects(fetch(new URL('head.json', server.url), { headers: { connection: 'close' } }))
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), large)
  assert.equal(await stopping, true)
})

test('stopped while a client takes nothing, it waits only so long, and says so', async () => {
  const server = await serve(dir)
  const slow = await open(server.url)
  slow.pause().write(request('/shards/en/00000001.arrow'))
  await until(() => server.counts.files === 1)
  assert.equal(await server.stop(20), false)
  slow.destroy()
})

test('what is no request is refused', async () => {
  await using server = await serve(dir)
  assert.match(await sayAndHear(server.url, 'hello\r\n\r\n'), /^HTTP\/1.1 400 /)
  assert.match(await sayAndHear(server.url, request(`/${'a'.repeat(9000)}`)), /^HTTP\/1.1 431 /)
  assert.equal(server.counts.refused, 2)
})
